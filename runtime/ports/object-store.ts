export interface ObjectInfo {
  readonly key: string;
  readonly bytes: number;
  readonly contentType: string;
  /** Changes with the content. */
  readonly etag: string;
  readonly modified: Date;
}

export interface StoredObject extends ObjectInfo {
  readonly body: Uint8Array;
}

export interface PutOptions {
  /** Default: "application/octet-stream" */
  readonly contentType?: string;
  /** Throw `conflict` where the key exists. Default: false */
  readonly ifAbsent?: boolean;
}

export interface ObjectPage {
  /** In the order of the key's UTF-8 bytes; `contentType` is not part of a listing. */
  readonly objects: readonly Omit<ObjectInfo, "contentType">[];
  readonly cursor?: string;
}

/** Objects by key. Keys are 1 to 1,024 bytes of UTF-8, without `.` or `..` as a path segment. */
export interface ObjectStore {
  /** The object with its bytes, or `undefined`. Throws `invalid` for a bad key. */
  get(key: string): Promise<StoredObject | undefined>;
  /** Stores all of it or nothing. */
  put(key: string, body: Uint8Array | string, options?: PutOptions): Promise<void>;
  /** Removes it; one that is not there is no error. */
  delete(key: string): Promise<void>;
  /** Keys under a prefix. `limit`: 1 to 1,000, default 100. */
  list(
    prefix: string,
    options?: { readonly limit?: number; readonly cursor?: string },
  ): Promise<ObjectPage>;
}
