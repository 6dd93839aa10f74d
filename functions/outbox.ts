import type { JsonObject, Queue, Sql } from "../runtime/ports/index.ts";

/** Messages that are sent in one transaction: it holds their rows until the queue has them. */
const atOnce = 50;

/**
 * Sends what waits in the outbox, and removes it: at least once, since the queue may have a message
 * whose removal was not stored. What another process is sending is left to it.
 * @param ids of the orders that it is about. Default: all, the oldest first
 * @returns how many were sent
 */
export const relay = (
  ledger: Sql,
  placed: Pick<Queue, "send">,
  ids?: readonly string[],
): Promise<number> =>
  ledger.transaction(async (tx) => {
    const rows = await tx.query<{ message: JsonObject }>(
      `delete from outbox where id in (
         select id from outbox where $1::text[] is null or order_id = any($1)
         order by id limit $2 for update skip locked)
       returning message`,
      [ids ?? null, atOnce],
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
