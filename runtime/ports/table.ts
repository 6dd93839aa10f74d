import type { JsonObject } from "./json.ts";

/** Partition and sort key, each 1 to 1,024 bytes of UTF-8. */
export interface Key {
  readonly pk: string;
  readonly sk: string;
}

export interface Item extends Key {
  readonly document: JsonObject;
}

export interface Page {
  /** In the order of the sort key's UTF-8 bytes. */
  readonly items: readonly Item[];
  /** Where the next page starts; absent on the last one. */
  readonly cursor?: string;
}

export interface QueryOptions {
  /** Only sort keys that begin so. */
  readonly prefix?: string;
  /** Items per page, 1 to 1,000. Default: 100 */
  readonly limit?: number;
  readonly cursor?: string;
  /** Last sort key first. Default: false */
  readonly descending?: boolean;
}

export interface PutCondition {
  /** Throw `conflict` where a document exists. Default: false */
  readonly ifAbsent?: boolean;
  /**
   * Name of a top-level text field of the document: stored where there is no document, or where
   * that of the stored one is absent or lower in the order of its UTF-8 bytes; else `conflict`.
   */
  readonly ifNewer?: string;
}

/** Collects what `once` stores; nothing is stored before its function has returned. */
export interface Writes {
  put(key: Key, document: JsonObject, options?: PutCondition): void;
  delete(key: Key): void;
}

/** Documents by partition and sort key. A document is at most 400 KB (DynamoDB's item limit). */
export interface Table {
  /** The document, or `undefined` where there is none. Sees every write that was answered. */
  get(key: Key): Promise<JsonObject | undefined>;
  /** A page of one partition's documents. Throws `invalid` for a cursor that is not its own. */
  query(pk: string, options?: QueryOptions): Promise<Page>;
  /** Stores a document. Throws `conflict` where a condition does not hold, `too-large`. */
  put(key: Key, document: JsonObject, options?: PutCondition): Promise<void>;
  /** Removes a document; one that is not there is no error. */
  delete(key: Key): Promise<void>;
  /**
   * Applies writes together, and only the first time that `key` is seen: deliveries are at least
   * once, effects are not. At most 99 writes. A workload that deletes here also declares "delete".
   * @returns true where they were applied now, false where they had been before
   * @throws `conflict` where a condition of a write does not hold (nothing is stored then)
   */
  once(key: string, fn: (writes: Writes) => void | Promise<void>): Promise<boolean>;
}
