import { setTimeout as wait } from "node:timers/promises";
import type { JsonObject, Queries, Queue, Sql } from "../runtime/ports/index.ts";

/** How long a request waits for the queue, in milliseconds: what it answers is stored already. */
const patienceMs = 300;
/** Messages of this process that the queue may hold back at a time; with so many it is away. */
const mostHeldBack = 50;
let heldBack = 0;

/**
 * Sends the message of an order that was just stored, and removes it from the outbox: at least
 * once, as the relay. It holds no connection while the queue is asked, so that one that hangs takes
 * none from others. What it cannot send, has not sent within 300 ms and then never goes on with (a
 * function is frozen after its answer), or leaves where many wait already, is the relay's, who
 * comes by every minute. It never throws.
 */
export async function sendNow(
  ledger: Queries,
  placed: Pick<Queue, "send">,
  order: string,
  message: JsonObject,
): Promise<void> {
  if (heldBack >= mostHeldBack) return;
  heldBack++;
  const send = async () => {
    try {
      await placed.send(message);
      // What the relay is sending is its to remove; nobody waits for it here.
      await ledger.query(
        `delete from outbox where id in (
           select id from outbox where order_id = $1 for update skip locked)`,
        [order],
      );
    } catch (error) {
      console.error(JSON.stringify({ level: "warn", order, error: String(error) }));
    } finally {
      heldBack--;
    }
  };
  await Promise.race([send(), wait(patienceMs)]);
}

/** Messages that are sent in one transaction: it holds their rows until the queue has them. */
const atOnce = 50;

/**
 * Sends what waits in the outbox, and removes it: at least once, since the queue may have a message
 * whose removal was not stored. What another process is sending is left to it.
 * @returns how many were sent, the oldest first
 */
const relay = (ledger: Sql, placed: Pick<Queue, "send">): Promise<number> =>
  ledger.transaction(async (tx) => {
    const rows = await tx.query<{ message: JsonObject }>(
      `delete from outbox where id in (
         select id from outbox order by id limit $1 for update skip locked)
       returning message`,
      [atOnce],
    );
    await Promise.all(rows.map(({ message }) => placed.send(message)));
    return rows.length;
  });

/** Sends all that waits, a batch at a time. @returns how many were sent */
export async function relayAll(ledger: Sql, placed: Pick<Queue, "send">): Promise<number> {
  for (let sent = 0; ; ) {
    const batch = await relay(ledger, placed);
    sent += batch;
    if (batch < atOnce) return sent;
  }
}
