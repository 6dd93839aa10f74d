import type { Pool } from "pg";

/** Tries that cost nothing; each one after them doubles the wait, up to a quarter of an hour. */
const free = 10;
const maxWaitSeconds = 900;

/**
 * Counts a try before it is made, so that tries at the same time count too.
 * @param key of what is tried: forgotten after an hour without a try
 * @returns false where it must wait
 */
export async function attempt(pool: Pool, key: string): Promise<boolean> {
  // clock_timestamp(), not now(): of tries at the same time the later began before the earlier ended.
  const { rowCount } = await pool.query(
    `insert into spillway.attempts as known (key, count, blocked_until, last_at)
     values ($1, 1, '-infinity', clock_timestamp())
     on conflict (key) do update set
       count = case
         when known.last_at < clock_timestamp() - interval '1 hour' then 1
         else known.count + 1 end,
       blocked_until = case
         when known.last_at < clock_timestamp() - interval '1 hour' or known.count + 1 < $2
           then '-infinity'
         else clock_timestamp()
           + interval '1 second' * least($3, 2 ^ least(known.count + 1 - $2, 20)) end,
       last_at = clock_timestamp()
     where known.blocked_until <= clock_timestamp()`,
    [key, free, maxWaitSeconds],
  );
  return rowCount === 1;
}

/** Forgets the tries, because the last one was right, and those that nobody made again. */
export async function forgive(pool: Pool, key: string): Promise<void> {
  await pool.query(
    "delete from spillway.attempts where key = $1 or last_at < now() - interval '1 day'",
    [key],
  );
}
