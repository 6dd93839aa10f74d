import type { Pool, PoolClient } from "pg";
import type { Item, JsonObject, Table } from "../../ports/index.ts";
import { readCursor, writeCursor } from "../cursor.ts";
import { type Fault, faultsOf } from "../faults.ts";
import { checkKey, checkName, checkPrefix, checkWhole } from "../limits.ts";
import { collectWrites, putOf, type Write } from "../writes.ts";
import { guarded } from "./postgres-faults.ts";
import { inTransaction } from "./transaction.ts";

type Queryable = Pick<Pool | PoolClient, "query">;

export interface TableArgs {
  /** Of the table in system.ts. */
  readonly name: string;
  /** Of a database that was migrated. */
  readonly pool: Pool;
}

/** The table port on Postgres: one row a document. */
export function table({ name, pool }: TableArgs): Table {
  const fault = faultsOf("table", name);
  return {
    async get(key) {
      checkKey(fault, key);
      const { rows } = await guarded(fault, () =>
        pool.query<{ document: JsonObject }>(
          "select document from spillway.documents where tbl = $1 and pk = $2 and sk = $3",
          [name, key.pk, key.sk],
        ),
      );
      return rows[0]?.document;
    },

    async query(pk, options = {}) {
      const { prefix = "", limit = 100, cursor, descending = false } = options;
      checkName(fault, "pk", pk);
      checkPrefix(fault, prefix);
      checkWhole(fault, "limit", limit, 1, 1000);
      const asked = [pk, prefix, descending ? "descending" : "ascending"];
      const after = cursor === undefined ? undefined : readCursor(fault, asked, cursor);
      if (after !== undefined) checkName(fault, "cursor", after);
      const { rows } = await guarded(fault, () =>
        pool.query<Item>(
          `select pk, sk, document from spillway.documents
           where tbl = $1 and pk = $2 and sk ^@ $3
             and ($4::text is null or sk ${descending ? "<" : ">"} $4)
           order by sk ${descending ? "desc" : "asc"} limit $5`,
          [name, pk, prefix, after ?? null, limit + 1],
        ),
      );
      const items = rows.slice(0, limit);
      const last = items.at(-1);
      return rows.length > limit && last
        ? { items, cursor: writeCursor(asked, last.sk) }
        : { items };
    },

    async put(key, document, options) {
      const write = putOf(fault, key, document, options);
      await guarded(fault, () => apply(pool, fault, name, write));
    },

    async delete(key) {
      checkKey(fault, key);
      await guarded(fault, () => apply(pool, fault, name, { key }));
    },

    async once(key, fn) {
      checkName(fault, "key of once", key);
      const writes = await collectWrites(fault, fn);
      return guarded(fault, () =>
        inTransaction(pool, async (client) => {
          const mark = await client.query(
            "insert into spillway.effects (tbl, key) values ($1, $2) on conflict do nothing",
            [name, key],
          );
          if (mark.rowCount === 0) return false;
          for (const write of inKeyOrder(writes)) await apply(client, fault, name, write);
          return true;
        }),
      );
    },
  };
}

/** Locks taken in one order by all: two transactions never wait for each other in a circle. */
const inKeyOrder = (writes: readonly Write[]): Write[] =>
  writes.toSorted(
    (a, b) =>
      Buffer.compare(Buffer.from(a.key.pk), Buffer.from(b.key.pk)) ||
      Buffer.compare(Buffer.from(a.key.sk), Buffer.from(b.key.sk)),
  );

/** A field that is absent, or no text, is older than any. */
const whereNewer = `where json_typeof(documents.document -> $5) is distinct from 'string'
  or (documents.document ->> $5) collate "C" < $6`;

async function apply(db: Queryable, fault: Fault, name: string, write: Write): Promise<void> {
  const { pk, sk } = write.key;
  if (write.document === undefined) {
    await db.query("delete from spillway.documents where tbl = $1 and pk = $2 and sk = $3", [
      name,
      pk,
      sk,
    ]);
    return;
  }
  const update = "update set document = excluded.document, stored_at = excluded.stored_at";
  const { ifAbsent, ifNewer } = write;
  const { rowCount } = await db.query(
    `insert into spillway.documents (tbl, pk, sk, document) values ($1, $2, $3, $4)
     on conflict (tbl, pk, sk) do ${ifAbsent ? "nothing" : update}${ifNewer ? ` ${whereNewer}` : ""}`,
    [
      name,
      pk,
      sk,
      JSON.stringify(write.document),
      ...(ifNewer ? [ifNewer.field, ifNewer.value] : []),
    ],
  );
  if (rowCount !== 0) return;
  throw ifAbsent
    ? fault("conflict", `${pk} / ${sk} exists already; read it first`)
    : fault("conflict", `${pk} / ${sk} has a newer "${ifNewer?.field}"; leave it as it is`);
}

/** A stored document as the dashboard lists it. */
export interface ListedDocument extends Item {
  readonly storedAt: Date;
}

/** The documents of a table, the newest first, for the dashboard. */
export async function documents({
  name,
  pool,
  limit,
}: TableArgs & { readonly limit: number }): Promise<readonly ListedDocument[]> {
  const { rows } = await pool.query<ListedDocument>(
    `select pk, sk, document, stored_at as "storedAt"
     from spillway.documents where tbl = $1 order by stored_at desc limit $2`,
    [name, limit],
  );
  return rows;
}
