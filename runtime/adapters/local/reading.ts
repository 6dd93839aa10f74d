import type { Pool, PoolClient } from "pg";
import { deliver, type ReadTrouble } from "./delivering.ts";
import { leases } from "./leases.ts";
import { type Pauses, pauses } from "./pauses.ts";

/** Puts a record where somebody looks at it: in which transaction, its JSON text, and why. */
export type SetAside = (client: PoolClient, body: string, reason: string) => Promise<void>;

/** Reads until it is stopped. */
export interface Reader {
  /** Returns when what is being worked on has ended; what was not done is read again later. */
  stop(): Promise<void>;
}

/** One ordered part of what is read. */
export interface Shard<R> {
  /** The oldest that are not done. */
  next(limit: number): Promise<readonly R[]>;
  /**
   * Notes the oldest as done, and in the same transaction whatever `also` does.
   * @throws where another reader was there first; nothing is noted then
   */
  done(records: readonly R[], also?: (client: PoolClient) => Promise<void>): Promise<void>;
}

export interface ReadingArgs<R> {
  readonly pool: Pool;
  /** Of this reader, the same in every process. */
  readonly name: string;
  /** Which shards there are by now. */
  readonly shards: () => Promise<readonly number[]>;
  readonly open: (shard: number) => Shard<R>;
  /** See {@link deliver}. */
  readonly handle: (shard: number, records: readonly R[]) => Promise<void>;
  /** A record as its dead letter shows it: JSON. */
  readonly textOf: (shard: number, record: R) => string;
  readonly batch: number;
  readonly retries: number;
  readonly setAside: SetAside;
  readonly onTrouble: (trouble: ReadTrouble) => void;
  /** Removes what is old: called once a minute where this process reads. */
  readonly tidy?: () => Promise<void>;
}

/** How long new records may lie unseen where nobody tells of them, in milliseconds. */
const pollMs = 500;
/** How often shards that are new, or that another process had, are tried, in milliseconds. */
const leaseMs = 1_000;
const tidyMs = 60_000;

/** Starts to read all shards that no other process reads. */
export function startReading<R>(args: ReadingArgs<R>): Reader & { wake(): void } {
  const { pool, name, onTrouble } = args;
  const held = leases(pool);
  const idle = pauses();
  const backoff = pauses();
  const reading = new Map<number, Promise<void>>();
  let stopping = false;
  let tidied = performance.now();

  const round = async () => {
    const shards = await args.shards();
    const leaseOf = (shard: number) => `${name} ${shard}`;
    await held.take(shards.map(leaseOf));
    for (const shard of shards) {
      const mine = () => !stopping && held.holds(leaseOf(shard));
      if (!mine() || reading.has(shard)) continue;
      const ended = readShard(args, shard, { mine, idle, backoff });
      reading.set(
        shard,
        ended.finally(() => reading.delete(shard)),
      );
    }
    if (args.tidy && performance.now() - tidied > tidyMs) {
      tidied = performance.now();
      await args.tidy();
    }
  };
  const run = async () => {
    while (!stopping) {
      await round().catch((error) => onTrouble({ outcome: "receive", error }));
      if (!stopping) await backoff.wait(leaseMs);
    }
    await Promise.all(reading.values());
    held.release();
  };
  const ended = run();
  return {
    wake: () => idle.wake(),
    stop() {
      stopping = true;
      idle.wake();
      backoff.wake();
      return ended;
    },
  };
}

interface Turn {
  /** Whether this process still reads this shard. */
  readonly mine: () => boolean;
  readonly idle: Pauses;
  readonly backoff: Pauses;
}

/** This process reads the shard no more. */
class Ended extends Error {}

async function readShard<R>(args: ReadingArgs<R>, shard: number, turn: Turn): Promise<void> {
  const { retries, onTrouble, setAside, textOf } = args;
  const { mine, idle, backoff } = turn;
  const log = args.open(shard);
  const to = {
    retries,
    onTrouble,
    handle: (records: readonly R[]) => args.handle(shard, records),
    done: async (records: readonly R[]) => {
      await log.done(records);
      if (!mine()) throw new Ended();
    },
    setAside: async (record: R, reason: string) => {
      await log.done([record], (client) => setAside(client, textOf(shard, record), reason));
      if (!mine()) throw new Ended();
    },
    wait: async (seconds: number) => {
      if (mine()) await backoff.wait(seconds * 1000);
      if (!mine()) throw new Ended();
    },
  };
  while (mine()) {
    const { wakes } = idle;
    try {
      const records = await log.next(args.batch);
      if (records.length > 0) await deliver(to, records);
      else if (mine()) await idle.wait(pollMs, wakes);
    } catch (error) {
      if (error instanceof Ended) return;
      // What was not noted as done is read again.
      onTrouble({ outcome: "receive", error });
      if (mine()) await backoff.wait(leaseMs);
    }
  }
}
