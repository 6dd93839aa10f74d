import { createHash } from "node:crypto";
import type { EventEmitter } from "node:events";
import type { Pool, PoolClient } from "pg";
import type { Stream } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { checkRecords, type RecordText, utf8Bytes } from "../limits.ts";
import { coalesce } from "./coalesce.ts";
import { guarded } from "./postgres-faults.ts";

export interface StreamArgs {
  /** Of the stream in system.ts. */
  readonly name: string;
  /** Of a database that was migrated. */
  readonly pool: Pool;
  /** How many records of different keys may be read at a time. Default: 4 */
  readonly partitions?: number;
  /** Told of new records, for readers of this process: `boss.news`. Default: they look by themselves */
  readonly news?: EventEmitter;
}

/** What `news` is told where a stream has new records. */
export const newsOf = (stream: string): string => `stream ${stream}`;

/**
 * A partitioned log on Postgres. Puts at the same time share a statement; each is answered once
 * stored.
 */
export function stream({ name, pool, partitions = 4, news }: StreamArgs): Stream {
  const fault = faultsOf("stream", name);
  const store = coalesce(async (puts: readonly (readonly RecordText[])[]) => {
    await append(pool, { stream: name, partitions, records: puts.flat() });
    news?.emit(newsOf(name));
  });
  return {
    async put(records) {
      const checked = checkRecords(fault, records);
      const bytes = checked.reduce((sum, { text }) => sum + utf8Bytes(text), 0);
      await guarded(fault, () => store(checked, bytes));
    },
  };
}

const partitionOf = (key: string, partitions: number): number =>
  createHash("md5").update(key).digest().readUInt32BE() % partitions;

/**
 * Appends records in their order. The rows of the shards are locked, in one order by all, until
 * the end of the transaction: a number is given only when all lower ones can be seen or never will.
 */
export async function append(
  db: Pool | PoolClient,
  {
    stream,
    partitions,
    records,
  }: {
    readonly stream: string;
    readonly partitions: number;
    readonly records: readonly RecordText[];
  },
): Promise<void> {
  await db.query(
    `with given as (
       select *, row_number() over (partition by shard order by ord) as nth,
         count(*) over (partition by shard) as count
       from unnest($2::int[], $3::text[], $4::text[]) with ordinality as g(shard, key, body, ord)
     ), heads as (
       insert into spillway.stream_shards as known (stream, shard, head)
       select $1, shard, count(*) from given group by shard order by shard
       on conflict (stream, shard) do update set head = known.head + excluded.head
       returning shard, head
     )
     insert into spillway.stream_records (stream, shard, seq, key, body)
     select $1, shard, head - count + nth, key, body from given join heads using (shard)`,
    [
      stream,
      records.map(({ key }) => partitionOf(key, partitions)),
      records.map(({ key }) => key),
      records.map(({ text }) => text),
    ],
  );
}
