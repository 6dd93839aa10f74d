import { isDeepStrictEqual } from "node:util";
import type { Pool } from "pg";
import type { ChangeHandler, JsonObject, TableChange } from "../../ports/index.ts";
import { FailedAt, type ReadTrouble } from "./delivering.ts";
import { type Reader, type SetAside, startReading } from "./reading.ts";
import { subscribe } from "./subscriptions.ts";
import { inTransaction } from "./transaction.ts";

export interface ChangesReaderArgs {
  /** Of the table in system.ts. */
  readonly table: string;
  /** The workload: each gets every change. */
  readonly consumer: string;
  readonly pool: Pool;
  readonly handler: ChangeHandler;
  /** Most changes that are read at a time. */
  readonly batch: number;
  /** Tries of a change after the first, 1, 2, 4 … s apart. Default: 3 */
  readonly retries?: number;
  readonly setAside: SetAside;
  readonly onTrouble: (trouble: ReadTrouble) => void;
}

interface Row {
  readonly seq: string;
  readonly id: string;
  readonly pk: string;
  readonly sk: string;
  readonly before: JsonObject | null;
  readonly after: JsonObject | null;
  readonly at: Date;
}

/** What the database's function `shard_of` gives. */
const shards = [0, 1, 2, 3];

/**
 * Carries the changes of a table to a workload, those of one document in their order, from its
 * first start on. Of several processes one reads a part at a time. A change is forgotten when it
 * is done, so that a process that is killed repeats, and skips nothing.
 */
export function changesReader(args: ChangesReaderArgs): Reader {
  const { table, consumer, pool, handler, retries = 3 } = args;
  let subscribed = false;

  const changeOf = ({ id, pk, sk, before, after, at }: Row): TableChange => ({
    id,
    key: { pk, sk },
    ...(before ? { before } : {}),
    ...(after ? { after } : {}),
    at,
  });
  return startReading<Row>({
    pool,
    name: `changes ${table} ${consumer}`,
    batch: args.batch,
    retries,
    setAside: args.setAside,
    onTrouble: args.onTrouble,
    async shards() {
      if (!subscribed) await subscribe(pool, table, [consumer]);
      subscribed = true;
      return shards;
    },
    async handle(_, rows) {
      for (const [index, row] of rows.entries()) {
        // The same names and values in another order are no change.
        if (isDeepStrictEqual(row.before, row.after)) continue;
        try {
          await handler(changeOf(row));
        } catch (error) {
          throw new FailedAt(index, error);
        }
      }
    },
    textOf: (_, row) => JSON.stringify({ sequence: row.seq, ...changeOf(row) }),
    open: (shard) => ({
      async next(limit) {
        const { rows } = await pool.query<Row>(
          `select seq, id, pk, sk, before, after, at from spillway.changes
           where tbl = $1 and consumer = $2 and shard = $3 order by seq limit $4`,
          [table, consumer, shard, limit],
        );
        return rows;
      },
      done: (rows, also) =>
        inTransaction(pool, async (client) => {
          const { rowCount } = await client.query(
            `delete from spillway.changes
             where tbl = $1 and consumer = $2 and shard = $3 and seq = any($4::bigint[])`,
            [table, consumer, shard, rows.map(({ seq }) => seq)],
          );
          if (rowCount !== rows.length) throw new Error("another reader was there first");
          await also?.(client);
        }),
    }),
  });
}
