import type { Pool, PoolClient } from "pg";

/** What one process has to itself, among all that use the database. */
export interface Leases {
  /** Tries to take those that are not held yet. @throws what the driver throws; all are lost then */
  take(names: readonly string[]): Promise<void>;
  holds(name: string): boolean;
  /** Gives all of them back. */
  release(): void;
}

/** Tells our locks from others' in the same database. */
const seed = 7_451_633_103;

/**
 * Leases that end with their process, however it ends: advisory locks of a connection, which it
 * keeps for itself. No clock is asked.
 */
export function leases(pool: Pool): Leases {
  const held = new Set<string>();
  let session: PoolClient | undefined;
  const lose = () => {
    held.clear();
    session?.release(true);
    session = undefined;
  };
  return {
    async take(names) {
      try {
        if (!session) {
          const opened = await pool.connect();
          opened.on("error", () => {
            if (session === opened) lose();
          });
          session = opened;
        }
        const missing = names.filter((name) => !held.has(name));
        // Asked even where nothing is missing: a connection that broke unseen shows here.
        const { rows } = await session.query<{ name: string }>(
          `select name from unnest($1::text[]) as name
           where pg_try_advisory_lock(hashtextextended(name, ${seed}))`,
          [missing],
        );
        for (const { name } of rows) held.add(name);
      } catch (error) {
        lose();
        throw error;
      }
    },
    holds: (name) => held.has(name),
    release: lose,
  };
}
