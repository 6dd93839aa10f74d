import { EventEmitter } from "node:events";
import type { Pool, PoolClient } from "pg";
import { type Db, PgBoss } from "pg-boss";
import type { Queue as QueueSpec } from "../../../spec/index.ts";
import { openPool } from "../pool.ts";

/** What the queue adapters need of a queue's declaration. */
export type QueueOptions = Pick<QueueSpec, "maxReceives" | "visibilitySeconds" | "maxBytes">;

/** Where pg-boss keeps its tables. */
export const schema = "spillway_queues";

/** 14 days, the longest that SQS keeps a message (Amazon SQS quotas). */
const retentionSeconds = 1_209_600;

/** Connections of pg-boss itself, beside the pool's. */
const ownConnections = 10;

/** What a row of pg-boss holds of a message. */
export interface Payload {
  /** JSON text in a text: the jsonb around it can reorder or refuse nothing of it. */
  readonly body: string;
  /** When it was sent, in milliseconds: asking pg-boss for its own columns costs a third of a fetch. */
  readonly sentAt: number;
  /** Only of what was rejected; pg-boss notes the reason of the other ways itself. */
  readonly reason?: string;
}

/** A message as all who put one into a queue store it. */
export const payloadOf = (body: string, reason?: string): Payload => ({
  body,
  sentAt: Date.now(),
  ...(reason !== undefined && { reason: plain(reason) }),
});

const maxReason = 2_000;

/** A reason as jsonb takes it: no NUL, no lone surrogate, not endless. */
export const plain = (reason: string): string =>
  reason.slice(0, maxReason).toWellFormed().replaceAll("\0", "\ufffd");

/** A client of pg, or its pool, as pg-boss takes it. */
export const asDb = (client: Pool | PoolClient): Db => ({
  executeSql: (text, values) => client.query(text, values),
});

/** The one pg-boss of a process, with what its queues share. */
export interface Boss {
  readonly boss: PgBoss;
  readonly pool: Pool;
  /** Says which queue has something new to deliver, within this process. */
  readonly news: EventEmitter;
  /** Makes a queue and its dead letters where they are missing; once a process. */
  ready(name: string, options: QueueOptions): Promise<void>;
  /** Ends its timers and its own connections; the pool stays open. */
  stop(): Promise<void>;
}

/**
 * Opens pg-boss on a pool: one for all queues of a process.
 * @param options.superviseSeconds how often deliveries whose visibility has passed are looked
 *   for, so how late they may come back, in seconds. Default: 2
 * @param options.supervise whether they are looked for at all: one process of a machine is enough.
 *   Default: true
 * @param options.connections of pg-boss itself, beside the pool's. Default: 10
 */
export async function openBoss(
  pool: Pool,
  {
    superviseSeconds = 2,
    supervise = true,
    connections = ownConnections,
  }: {
    readonly superviseSeconds?: number;
    readonly supervise?: boolean;
    readonly connections?: number;
  } = {},
): Promise<Boss> {
  // What pg-boss asks beside a transaction of ours may not wait for a connection that another such
  // transaction holds: with one pool, as many of them as it has connections would stop for good.
  const own = openPool({ ...pool.options, max: connections });
  const boss = new PgBoss({
    db: asDb(own),
    schema,
    schedule: false,
    supervise,
    superviseIntervalSeconds: superviseSeconds,
    monitorIntervalSeconds: superviseSeconds,
  });
  // It goes on by itself after a failed round; a lost database shows in each port's own errors.
  boss.on("error", () => {});
  await boss.start();
  const news = new EventEmitter().setMaxListeners(0);
  const made = new Map<string, Promise<void>>();
  return {
    boss,
    pool,
    news,
    ready(name, options) {
      const known = made.get(name);
      if (known) return known;
      const making = makeQueue(boss, name, options);
      made.set(name, making);
      making.catch(() => made.delete(name));
      return making;
    },
    async stop() {
      await boss.stop({ graceful: false });
      await own.end();
    },
  };
}

/** The queue of what was set aside. */
export const deadLettersOf = (name: string): string => `${name}.dead`;

async function makeQueue(boss: PgBoss, name: string, options: QueueOptions): Promise<void> {
  const deadLetter = deadLettersOf(name);
  const settings = {
    deadLetter,
    retryLimit: options.maxReceives - 1,
    expireInSeconds: options.visibilitySeconds,
    retentionSeconds,
    // Only failed ones are left in place, as copies of what the dead letters hold.
    deleteAfterSeconds: 3600,
  };
  await boss.createQueue(deadLetter, { retentionSeconds });
  await boss.createQueue(name, settings);
  // Where it was there: its declaration may have changed since.
  await boss.updateQueue(name, settings);
}
