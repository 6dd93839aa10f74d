import type { EventEmitter } from "node:events";
import type { Pool } from "pg";
import type { Json, RecordHandler, StreamRecord } from "../../ports/index.ts";
import type { ReadTrouble } from "./delivering.ts";
import { type Reader, type SetAside, startReading } from "./reading.ts";
import { newsOf } from "./stream.ts";
import { inTransaction } from "./transaction.ts";

export interface StreamReaderArgs {
  /** Of the stream in system.ts. */
  readonly name: string;
  /** The workload: each has a place of its own in the stream. */
  readonly consumer: string;
  readonly pool: Pool;
  readonly handler: RecordHandler;
  /** Most records at a time. */
  readonly batch: number;
  /** Tries of a record that stands alone, after the first, 1, 2, 4 … s apart. Default: 3 */
  readonly retries?: number;
  /** How long records are kept after all have read them, in hours. */
  readonly retentionHours: number;
  readonly setAside: SetAside;
  readonly onTrouble: (trouble: ReadTrouble) => void;
  /** The same as the stream's. Default: it looks twice a second */
  readonly news?: EventEmitter;
}

interface Row {
  readonly seq: string;
  readonly key: string;
  readonly body: string;
  readonly at: Date;
}

/**
 * Carries a stream's records to a workload, in the order of each shard, from the first that is
 * kept. Of several processes one reads a shard at a time. How far it has come is noted after each
 * batch, so that a process that is killed repeats, and skips nothing.
 */
export function streamReader(args: StreamReaderArgs): Reader {
  const { name, consumer, pool, handler, retries = 3, news } = args;

  const recordOf = ({ seq, key, body, at }: Row): StreamRecord => ({
    sequence: seq,
    key,
    body: JSON.parse(body) as Json,
    at,
  });
  const reading = startReading<Row>({
    pool,
    name: `stream ${name} ${consumer}`,
    batch: args.batch,
    retries,
    setAside: args.setAside,
    onTrouble: args.onTrouble,
    shards: () => shardsOf(pool, name, consumer),
    handle: (shard, rows) => handler({ shard: String(shard), records: rows.map(recordOf) }),
    textOf: (shard, row) => JSON.stringify({ shard: String(shard), ...recordOf(row) }),
    tidy: () => removeOld(pool, name, args.retentionHours),
    open: (shard) => ({
      async next(limit) {
        const { rows } = await pool.query<Row>(
          `select record.seq, key, body, at
           from spillway.stream_readers reader
           join spillway.stream_records record using (stream, shard)
           where stream = $1 and consumer = $2 and shard = $3 and record.seq > reader.seq
           order by record.seq limit $4`,
          [name, consumer, shard, limit],
        );
        return rows;
      },
      done: (rows, also) =>
        inTransaction(pool, async (client) => {
          const { rowCount } = await client.query(
            `update spillway.stream_readers set seq = $5
             where stream = $1 and consumer = $2 and shard = $3 and seq < $4`,
            [name, consumer, shard, rows[0]?.seq, rows.at(-1)?.seq],
          );
          if (rowCount !== 1) throw new Error(`another reader was ahead in shard ${shard}`);
          await also?.(client);
        }),
    }),
  });
  const wake = () => reading.wake();
  news?.on(newsOf(name), wake);
  return {
    async stop() {
      news?.off(newsOf(name), wake);
      await reading.stop();
    },
  };
}

/** The shards that there are by now, each with a place for this consumer. */
async function shardsOf(pool: Pool, stream: string, consumer: string): Promise<number[]> {
  const { rows } = await pool.query<{ shard: number }>(
    `with new as (
       insert into spillway.stream_readers (stream, consumer, shard)
       select stream, $2, shard from spillway.stream_shards s where stream = $1
         and not exists (select from spillway.stream_readers r
           where r.stream = s.stream and r.consumer = $2 and r.shard = s.shard)
       on conflict do nothing
     )
     select shard from spillway.stream_shards where stream = $1 order by shard`,
    [stream, consumer],
  );
  return rows.map(({ shard }) => shard);
}

/** Most records that are looked at in one go. */
const sweep = 10_000;

/** Removes the records that every consumer has read and whose time is over. */
export async function removeOld(pool: Pool, stream: string, hours: number): Promise<void> {
  await pool.query(
    `delete from spillway.stream_records using (
       select shard, seq from spillway.stream_shards s,
         lateral (
           select seq from spillway.stream_records r
           where r.stream = s.stream and r.shard = s.shard and r.seq <= (
               select min(reader.seq) from spillway.stream_readers reader
               where reader.stream = s.stream and reader.shard = s.shard)
           order by seq limit ${sweep}
         ) oldest
       where s.stream = $1
     ) old
     where stream_records.stream = $1 and stream_records.shard = old.shard
       and stream_records.seq = old.seq and at < now() - interval '1 hour' * $2`,
    [stream, hours],
  );
}
