import type { Pool, PoolClient } from "pg";
import { inTransaction } from "./transaction.ts";

/** From now on the changes of a table are kept for these consumers, until they have read them. */
export async function subscribe(
  db: Pool | PoolClient,
  table: string,
  consumers: readonly string[],
): Promise<void> {
  await db.query(
    `insert into spillway.feeds (tbl, consumer) select $1, unnest($2::text[])
     on conflict do nothing`,
    [table, consumers],
  );
}

/** Workloads that read, by the names of streams and tables. */
export interface DeclaredReaders {
  readonly streams: Readonly<Record<string, readonly string[]>>;
  readonly tables: Readonly<Record<string, readonly string[]>>;
}

/**
 * Makes what the database keeps for readers what is declared now: the changes of these tables are
 * noted for these workloads from here on, and what was kept for others is forgotten. For each
 * start, before anything is written.
 */
export const declareReaders = (pool: Pool, { streams, tables }: DeclaredReaders): Promise<void> =>
  inTransaction(pool, async (client) => {
    for (const [table, consumers] of Object.entries(tables))
      await subscribe(client, table, consumers);
    const declared = (of: DeclaredReaders["tables"]) =>
      Object.entries(of).flatMap(([name, consumers]) => consumers.map((one) => `${name} ${one}`));
    for (const [from, of] of [
      ["feeds where tbl", tables],
      ["changes where tbl", tables],
      ["stream_readers where stream", streams],
    ] as const)
      await client.query(`delete from spillway.${from} || ' ' || consumer <> all($1)`, [
        declared(of),
      ]);
  });
