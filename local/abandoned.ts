import { type Boss, schema } from "../runtime/adapters/local/boss.ts";

/**
 * Gives back what a process that was killed had taken from the queues. It counts as a delivery, and
 * would come again by itself when its visibility ends; here nobody else can be working on it.
 * Only for a database that this process owns.
 * @returns how many messages were given back
 */
export async function giveBackAbandoned(
  { boss, pool }: Boss,
  queues: readonly string[],
): Promise<number> {
  const { rows } = await pool.query<{ name: string; ids: string[] }>(
    `select name, array_agg(id::text) as ids from ${schema}.job
     where state = 'active' and name = any($1) group by name`,
    [queues],
  );
  for (const { name, ids } of rows)
    await boss.fail(name, ids, { message: "the process that worked on it ended" });
  return rows.reduce((sum, { ids }) => sum + ids.length, 0);
}
