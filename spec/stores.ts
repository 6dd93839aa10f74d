/** A named folder of an object store and what may be put there. */
export interface Folder {
  /** Key prefix, ending in "/". */
  readonly prefix: string;
  /** Largest object, in bytes. Default: no limit but the store's own. */
  readonly maxBytes?: number;
  /** Accepted media types; `image/*` stands for all of one kind. Default: any. */
  readonly contentTypes?: readonly string[];
}

export interface ObjectStore {
  readonly kind: "objectStore";
  readonly folders: Readonly<Record<string, Folder>>;
}

export interface Table {
  readonly kind: "table";
  /** Whether a change feed of the table is kept for subscribers. */
  readonly changes: boolean;
}

export interface Sql {
  readonly kind: "sql";
  /** Folder with numbered migrations, from the project's root. */
  readonly migrations: string;
}

export interface Cache {
  readonly kind: "cache";
}

export type Store = ObjectStore | Table | Sql | Cache;

/**
 * Objects by key (S3, Cloud Storage, files).
 * @param folders named prefixes with their limits. Default: none
 * @example
 * const media = objectStore({ uploads: { prefix: "uploads/", maxBytes: 20 * MiB } });
 */
export const objectStore = (folders: Readonly<Record<string, Folder>> = {}): ObjectStore => ({
  kind: "objectStore",
  folders,
});

/**
 * Documents by partition and sort key (DynamoDB, Firestore, a Postgres table).
 * @param options.changes keep a change feed, for `onMessage({ changes })`. Default: false
 */
export const table = (options: { readonly changes?: boolean } = {}): Table => ({
  kind: "table",
  changes: options.changes ?? false,
});

/**
 * A relational database (Postgres on every host). On one machine it is a schema of its own in the
 * host's database, so its SQL names no schema.
 * @param options.migrations folder with numbered migrations (`0001-orders.sql`, …), from the
 *   project's root; each is applied once, in a transaction, before code that uses the store starts
 */
export const sql = (options: { readonly migrations: string }): Sql => ({ kind: "sql", ...options });

/**
 * Short-lived values, counters and pub/sub (Valkey, Memorystore; on one machine the server of
 * REDIS_URL, else Postgres). It may lose anything at any time.
 */
export const cache = (): Cache => ({ kind: "cache" });
