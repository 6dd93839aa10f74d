import type { JsonObject } from "./json.ts";

/** A parameter. An array is a Postgres array, an object is JSON, bytes are bytea. */
export type SqlValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Date
  | Uint8Array
  | JsonObject
  | readonly SqlValue[];

export interface Queries {
  /**
   * Runs one statement. It is not tried again where its connection was lost: it may have been done.
   *
   * Columns come as the driver has them: `bigint` and `numeric` as text, `timestamptz` as Date,
   * `json` parsed. A row's type is the caller's word; nothing checks it.
   * @param text one statement; its parameters are $1, $2, …
   * @throws `conflict` for a unique key that is taken, a foreign key without its row (or a row that
   *   others point at) and an exclusion; `invalid` for a check or a not-null that fails, a value of
   *   the wrong type, wrong SQL, and begin, commit or rollback; `denied` without the right to it;
   *   `throttled` where other transactions stood in the way of all tries; `unavailable` where the
   *   database cannot be reached, or does not answer in time. Its message has the statement's
   *   beginning, never a value.
   * @example
   * const orders = await ledger.query<{ id: string }>("select id from orders where buyer = $1", ["ada"]);
   */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly SqlValue[],
  ): Promise<readonly Row[]>;
}

/** A relational database: Postgres on every host. */
export interface Sql extends Queries {
  /**
   * Runs `work` in one transaction: all of it is stored once this is answered, or, where it throws,
   * nothing. Read committed, unless its first statement says `set transaction isolation level …`.
   *
   * Where another transaction is in the way (serialization failure, deadlock) it is undone and run
   * again, a few times: `work` may run more than once, so its effects belong into the transaction.
   * Where the connection is lost while it commits, `unavailable` is thrown and nobody knows whether
   * it did; a key that the caller chose makes the next try safe.
   * @param work calls `tx`, which is over when it returns; the port itself would need a second
   *   connection, for which it could wait in vain
   * @throws what `work` throws, and as `query`
   */
  transaction<T>(work: (tx: Queries) => Promise<T>): Promise<T>;
}
