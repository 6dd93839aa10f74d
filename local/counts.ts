import type { Pool } from "pg";
import type { PositionsOf } from "./dashboard/channels.ts";
import type { Totals } from "./state.ts";

/** Counts what the dashboard shows only the newest of. */
export async function readTotals(pool: Pool): Promise<Totals> {
  const { rows } = await pool.query<Totals>(
    `select (select count(*)::int from spillway.mails) as mails,
            (select count(*)::int from spillway.posts) as posts,
            (select coalesce(json_object_agg(tbl, n), '{}')
             from (select tbl, count(*) as n from spillway.documents group by tbl) each)
              as documents,
            (select coalesce(json_object_agg(workflow, n), '{}')
             from (select workflow, count(*) as n from spillway.executions group by workflow) each)
              as executions`,
  );
  return rows[0] ?? {};
}

/** How far readers of streams and change feeds are; a change that was read is not kept. */
export const positionsIn =
  (pool: Pool): PositionsOf =>
  async (channel, workload) => {
    const { rows } = await pool.query<{ shard: number; at: string | null; behind: string }>(
      `select shard, nullif(coalesce(reader.seq, 0), 0)::text as at,
              (head - coalesce(reader.seq, 0))::text as behind
       from spillway.stream_shards
       left join (select * from spillway.stream_readers where consumer = $2) reader
         using (stream, shard)
       where stream = $1
       union all
       select shard, null, count(*)::text from spillway.changes
       where tbl = $1 and consumer = $2 group by shard
       order by shard`,
      [channel, workload],
    );
    return rows.map(({ shard, at, behind }) => ({
      shard: `shard ${shard}`,
      ...(at !== null && { at }),
      behind: Number(behind),
    }));
  };
