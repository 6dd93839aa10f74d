import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import type { Json, Scheduler } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { messageText } from "../limits.ts";
import { checkScheduleId, checkScheduleTime } from "../schedules.ts";
import { asDb, type Boss, payloadOf, type QueueOptions } from "./boss.ts";
import { guarded } from "./postgres-faults.ts";
import { inTransaction } from "./transaction.ts";

/** What is to be sent, as the dashboard shows it. */
export interface Scheduled {
  readonly id: string;
  readonly at: Date;
  readonly body: Json;
}

/** Of EventBridge Scheduler's input (quotas, read 2026-11), in bytes. */
const mostBytes = 262_144;

/**
 * Messages in Postgres that are sent at their time, by {@link startSchedulerClock}.
 * @param options.name of the scheduler in system.ts
 * @param options.maxBytes of the queue's messages. Default: 262,144 (256 KiB), which is the most
 */
export function scheduler(options: {
  readonly name: string;
  readonly pool: Pool;
  readonly maxBytes?: number;
}): Scheduler & { pending(limit: number): Promise<readonly Scheduled[]> } {
  const { name, pool, maxBytes = mostBytes } = options;
  const fault = faultsOf("scheduler", name);
  return {
    async at(id, at, body) {
      checkScheduleId(fault, id);
      checkScheduleTime(fault, at, Date.now());
      const text = messageText(fault, body, Math.min(maxBytes, mostBytes));
      await guarded(fault, () =>
        pool.query(
          `insert into spillway.scheduled (scheduler, id, at, body) values ($1, $2, $3, $4)
           on conflict (scheduler, id) do update set at = excluded.at, body = excluded.body`,
          [name, id, at, text],
        ),
      );
    },

    async cancel(id) {
      checkScheduleId(fault, id);
      await guarded(fault, () =>
        pool.query("delete from spillway.scheduled where scheduler = $1 and id = $2", [name, id]),
      );
    },

    /** The next first. */
    pending: (limit) =>
      guarded(fault, async () => {
        const { rows } = await pool.query<{ id: string; at: Date; body: string }>(
          `select id, at, body from spillway.scheduled
           where scheduler = $1 order by at, id limit $2`,
          [name, limit],
        );
        return rows.map(({ id, at, body }) => ({ id, at, body: JSON.parse(body) as Json }));
      }),
  };
}

/** How often it is looked for what is due, in milliseconds, and how many are sent at a time. */
const pollMs = 500;
const batch = 100;

/**
 * Sends what is due to its queue: in one transaction, so that each is either scheduled or in the
 * queue, whenever the process ends. Any number of processes may do so at the same time.
 * @param options.name of the scheduler
 * @param options.queue that it sends to
 * @param options.onTrouble what is told where the database cannot be asked; it goes on by itself
 */
export function startSchedulerClock(options: {
  readonly name: string;
  readonly queue: string;
  readonly boss: Boss;
  readonly options: QueueOptions;
  readonly onTrouble: (error: unknown) => void;
}): { stop(): Promise<void> } {
  const { name, queue, boss, onTrouble } = options;
  const stopping = new AbortController();

  const send = async (): Promise<number> => {
    await boss.ready(queue, options.options);
    const sent = await inTransaction(boss.pool, async (client) => {
      const { rows } = await client.query<{ body: string }>(
        `delete from spillway.scheduled where (scheduler, id) in (
           select scheduler, id from spillway.scheduled
           where scheduler = $1 and at <= clock_timestamp()
           order by at limit $2 for update skip locked)
         returning body`,
        [name, batch],
      );
      if (rows.length === 0) return 0;
      const jobs = rows.map(({ body }) => ({ data: payloadOf(body) }));
      const stored = await boss.boss.insert(queue, jobs, { db: asDb(client), returnId: true });
      if (stored?.length !== jobs.length) throw new Error(`the queue "${queue}" is gone`);
      return rows.length;
    });
    if (sent > 0) boss.news.emit(queue);
    return sent;
  };

  const run = async () => {
    while (!stopping.signal.aborted) {
      const sent = await send().catch((error: unknown) => {
        onTrouble(error);
        return 0;
      });
      if (sent < batch) await sleep(pollMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
