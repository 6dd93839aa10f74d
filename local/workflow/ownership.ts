import { randomBytes } from "node:crypto";
import type { Pool } from "pg";

/** A process's sign of life: a lock in the database that ends with its connection, and no clock. */
export interface Ownership {
  /** The lock's number. */
  readonly id: string;
  /** Aborted when the connection is gone, and with it the lock. */
  readonly lost: AbortSignal;
  /** To be called once by each who took it; the last one ends it. */
  end(): void;
}

interface Shared {
  readonly taken: Promise<Ownership>;
  users: number;
}

const sharedBy = new WeakMap<Pool, Shared>();

/** Takes one connection of the pool and holds it, for all that ask: a pool has few. */
export async function takeOwnership(pool: Pool): Promise<Ownership> {
  const known = sharedBy.get(pool);
  const shared = known ?? { taken: take(pool), users: 0 };
  const forget = () => {
    if (sharedBy.get(pool) === shared) sharedBy.delete(pool);
  };
  if (!known) {
    sharedBy.set(pool, shared);
    shared.taken.then(({ lost }) => lost.addEventListener("abort", forget), forget);
  }
  shared.users++;
  const { id, lost, end } = await shared.taken;
  return {
    id,
    lost,
    end() {
      if (--shared.users > 0) return;
      forget();
      end();
    },
  };
}

async function take(pool: Pool): Promise<Ownership> {
  const client = await pool.connect();
  const lost = new AbortController();
  const loose = () => lost.abort();
  client.on("error", loose);
  client.on("end", loose);
  // Positive, and random enough never to be another's.
  const id = (randomBytes(8).readBigUInt64BE() >> 1n).toString();
  try {
    await client.query("select pg_advisory_lock($1::bigint)", [id]);
  } catch (error) {
    client.release(true);
    throw error;
  }
  return { id, lost: lost.signal, end: () => client.release(true) };
}
