import type { Event } from "../../ports/index.ts";
import { type Published, published } from "../events.ts";
import { faultsOf } from "../faults.ts";
import { utf8Bytes } from "../limits.ts";
import { asDb, type Boss, type Payload, payloadOf, type QueueOptions } from "./boss.ts";
import { coalesce } from "./coalesce.ts";
import { guarded } from "./postgres-faults.ts";
import { inTransaction } from "./transaction.ts";

/** A queue that gets a copy of each event that it wants. */
export interface Subscriber {
  readonly queue: string;
  readonly options: QueueOptions;
}

export interface FanOutArgs<S extends Subscriber> {
  readonly kind: "topic" | "bus";
  /** Of the channel in system.ts. */
  readonly name: string;
  /** Name of the system. */
  readonly source: string;
  readonly boss: Boss;
  readonly subscribers: readonly S[];
  readonly wants: (subscriber: S, event: Published) => boolean;
}

interface Copies {
  readonly text: string;
  readonly queues: readonly string[];
}

/**
 * Puts each event into the queues of all who want it, in one transaction: all of them have it or
 * none. Events at the same time share it; each is answered once stored.
 */
export function fanOut<S extends Subscriber>(args: FanOutArgs<S>) {
  const { kind, name, source, boss, subscribers, wants } = args;
  const fault = faultsOf(kind, name);

  const store = coalesce(async (events: readonly Copies[]) => {
    const jobs = new Map<string, { data: Payload }[]>();
    for (const { text, queues } of events)
      for (const queue of queues) {
        const copies = jobs.get(queue) ?? [];
        copies.push({ data: payloadOf(text) });
        jobs.set(queue, copies);
      }
    await Promise.all(
      subscribers
        .filter(({ queue }) => jobs.has(queue))
        .map(({ queue, options }) => boss.ready(queue, options)),
    );
    await inTransaction(boss.pool, async (client) => {
      for (const [queue, copies] of jobs) {
        const db = asDb(client);
        const stored = await boss.boss.insert(queue, copies, { db, returnId: true });
        if (stored?.length !== copies.length) throw new Error(`the queue ${queue} is gone`);
      }
    });
    for (const queue of jobs.keys()) boss.news.emit(queue);
  });

  return {
    async publish(event: Event): Promise<{ readonly id: string }> {
      const ready = published(fault, source, event);
      const queues = subscribers.filter((one) => wants(one, ready)).map(({ queue }) => queue);
      const { text, envelope } = ready;
      if (queues.length > 0)
        await guarded(fault, () => store({ text, queues }, utf8Bytes(text) * queues.length));
      return { id: envelope.id };
    },
  };
}
