import { randomUUID } from "node:crypto";
import type { CommandResponse, Job } from "pg-boss";
import type { Delivery, Json, Queue, QueueAdmin, QueueConsumer } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { checkWhole, messageText, utf8Bytes } from "../limits.ts";
import {
  asDb,
  type Boss,
  deadLettersOf,
  type Payload,
  payloadOf,
  plain,
  type QueueOptions,
  schema,
} from "./boss.ts";
import { coalesce } from "./coalesce.ts";
import { guarded } from "./postgres-faults.ts";
import { inTransaction } from "./transaction.ts";

/** What each of the three takes. */
export interface QueueArgs {
  /** Of the queue in system.ts. */
  readonly name: string;
  /** See `openBoss`. */
  readonly boss: Boss;
  readonly options: QueueOptions;
}

/** How long another process' message may lie unseen, in milliseconds. */
const pollMs = 500;

/** The sending side. Sends at the same time share a statement; each is answered once stored. */
export function queue({ name, boss, options }: QueueArgs): Queue {
  const fault = faultsOf("queue", name);
  const store = coalesce(
    async (jobs: readonly { id: string; data: Payload; startAfter: number }[]) => {
      await boss.ready(name, options);
      const stored = await boss.boss.insert(name, [...jobs], { returnId: true });
      if (stored?.length !== jobs.length) throw new Error("the queue is gone");
      boss.news.emit(name);
    },
  );
  return {
    async send(body, { delaySeconds = 0 } = {}) {
      checkWhole(fault, "delaySeconds", delaySeconds, 0, 900);
      const text = messageText(fault, body, options.maxBytes);
      const id = randomUUID();
      const job = { id, data: payloadOf(text), startAfter: delaySeconds };
      await guarded(fault, () => store(job, utf8Bytes(text)));
      return { id };
    },
  };
}

/** The receiving side. */
export function queueConsumer({ name, boss, options }: QueueArgs): QueueConsumer {
  const fault = faultsOf("queue", name);
  const remove = coalesce(
    async (jobs: readonly { id: string; retryCount: number }[]) => {
      await boss.boss.deleteJob(name, [...jobs]);
    },
    // What is done in the meantime need not wait for the disk twice.
    { flushes: 2 },
  );
  const fetch = (batchSize: number) =>
    guarded(fault, async () => {
      await boss.ready(name, options);
      return boss.boss.fetch<Payload>(name, { batchSize });
    });
  const deliveryOf = (job: Job<Payload>): Delivery => {
    const attempt = { id: job.id, retryCount: job.retryCount };
    return {
      message: {
        id: job.id,
        body: JSON.parse(job.data.body) as Json,
        receives: job.retryCount + 1,
        sentAt: new Date(job.data.sentAt),
      },
      done: () => guarded(fault, () => remove(attempt)),
      async extend(seconds) {
        checkWhole(fault, "seconds", seconds, 1, 43_200);
        // pg-boss counts from the start of the attempt: it is moved to where the time is left.
        await guarded(fault, () =>
          boss.pool.query(
            `update ${schema}.job
             set started_on = now() + ($4 - expire_seconds) * interval '1 s'
             where name = $1 and id = $2 and retry_count = $3 and state = 'active'`,
            [name, job.id, job.retryCount, seconds],
          ),
        );
      },
      async retry(reason, delaySeconds = 0) {
        checkWhole(fault, "delaySeconds", delaySeconds, 0, 43_200);
        await guarded(fault, () =>
          inTransaction(boss.pool, async (client) => {
            const db = asDb(client);
            const failure = { message: plain(reason) };
            const failed = await boss.boss.fail(name, [attempt], failure, { db });
            // Where it went to the dead letters this changes nothing: it waits no more.
            if (delaySeconds > 0 && affected(failed) === 1)
              await boss.boss.update(name, undefined, { id: job.id, startAfter: delaySeconds, db });
          }),
        );
        boss.news.emit(name);
      },
      reject: (reason) =>
        guarded(fault, () =>
          inTransaction(boss.pool, async (client) => {
            const db = asDb(client);
            const removed = await boss.boss.deleteJob(name, [attempt], { db });
            // Nothing was removed where the claim has lapsed: it is another receiver's by now.
            if (affected(removed) !== 1) return;
            const data = payloadOf(job.data.body, reason);
            await boss.boss.insert(deadLettersOf(name), [{ data }], { db });
          }),
        ),
    };
  };
  return {
    async receive(max, waitSeconds) {
      checkWhole(fault, "max", max, 1, 10);
      for (const end = Date.now() + waitSeconds * 1000; ; ) {
        const woken = Promise.withResolvers<void>();
        // Listening before looking: what comes in between wakes as well.
        boss.news.on(name, woken.resolve);
        try {
          const jobs = await fetch(max);
          const left = end - Date.now();
          if (jobs.length > 0 || left <= 0) return jobs.map(deliveryOf);
          const timer = setTimeout(woken.resolve, Math.min(pollMs, left));
          await woken.promise;
          clearTimeout(timer);
        } finally {
          boss.news.off(name, woken.resolve);
        }
      }
    },
  };
}

/** What operators see and do: what waits, what was set aside and why. */
export function queueAdmin({ name, boss, options }: QueueArgs): QueueAdmin {
  const fault = faultsOf("queue", name);
  const dead = deadLettersOf(name);
  const gone = (id: string) =>
    fault("not-found", `no dead letter ${JSON.stringify(id.slice(0, 40))}; list them anew`);
  const uuid = (id: string) => {
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) throw gone(id);
  };
  return {
    depth: () =>
      guarded(fault, async () => {
        await boss.ready(name, options);
        const { rows } = await boss.pool.query<{ waiting: number; active: number; dead: number }>(
          `select count(*) filter (where name = $1 and state < 'active')::int as waiting,
                  count(*) filter (where name = $1 and state = 'active')::int as active,
                  count(*) filter (where name = $2 and state < 'active')::int as dead
           from ${schema}.job where name in ($1, $2)`,
          [name, dead],
        );
        return rows[0] ?? { waiting: 0, active: 0, dead: 0 };
      }),

    async deadLetters(limit) {
      checkWhole(fault, "limit", limit, 1, 1000);
      return guarded(fault, async () => {
        await boss.ready(name, options);
        const { rows } = await boss.pool.query<DeadRow>(
          `select id, data, source_output as output, created_on as at from ${schema}.job
           where name = $1 and state < 'active' order by created_on desc, id limit $2`,
          [dead, limit],
        );
        return rows.map(({ id, data, output, at }) => ({
          id,
          body: JSON.parse(data.body) as Json,
          reason:
            output?.message ??
            (output
              ? `not ended within ${options.visibilitySeconds} s, ${options.maxReceives} times`
              : (data.reason ?? "")),
          at,
        }));
      });
    },

    async redrive(id) {
      uuid(id);
      const moved = await guarded(fault, async () => {
        await boss.ready(name, options);
        return boss.boss.redrive(dead, { ids: [id], destination: name });
      });
      if (moved === 0) throw gone(id);
      boss.news.emit(name);
    },

    async discard(id) {
      uuid(id);
      const answer = await guarded(fault, async () => {
        await boss.ready(name, options);
        return boss.boss.deleteJob(dead, id);
      });
      if (affected(answer) === 0) throw gone(id);
    },
  };
}

interface DeadRow {
  readonly id: string;
  readonly data: Payload;
  /** Of the last failed delivery; pg-boss' own, without `message`, where its time ran out. */
  readonly output: { readonly message?: string } | null;
  readonly at: Date;
}

/** Rows that a command changed; pg-boss gives the number and leaves it out of the type. */
const affected = (response: CommandResponse): number =>
  (response as { readonly affected: number }).affected;
