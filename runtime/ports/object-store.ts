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

/** What a client needs to upload one object by itself: a multipart form, its file last. */
export interface UploadForm {
  readonly url: string;
  /** Fields of the form, to be sent as they are, before the field `file`. */
  readonly fields: Readonly<Record<string, string>>;
}

/** Objects by key. Keys are 1 to 1,024 bytes of UTF-8, without `.` or `..` as a path segment. */
export interface ObjectStore {
  /** The object with its bytes, or `undefined`. Throws `invalid` for a bad key. */
  get(key: string): Promise<StoredObject | undefined>;
  /** Stores all of it or nothing. */
  put(key: string, body: Uint8Array | string, options?: PutOptions): Promise<void>;
  /** Removes it; one that is not there is no error. */
  delete(key: string): Promise<void>;
  /**
   * Lets a client without credentials store this one object: of that type, at most that large.
   * @param options.maxBytes the store refuses more
   * @param options.expiresSeconds 1 to 43,200
   */
  signPut(
    key: string,
    options: {
      readonly contentType: string;
      readonly maxBytes: number;
      readonly expiresSeconds: number;
    },
  ): Promise<UploadForm>;
  /**
   * A URL from which a client without credentials can read this one object; not found is seen there.
   * @param options.expiresSeconds 1 to 43,200
   * @param options.fileName offered by browsers as the name to save under. Default: shown in place
   */
  signGet(
    key: string,
    options: { readonly expiresSeconds: number; readonly fileName?: string },
  ): Promise<string>;
  /** Keys under a prefix. `limit`: 1 to 1,000, default 100. */
  list(
    prefix: string,
    options?: { readonly limit?: number; readonly cursor?: string },
  ): Promise<ObjectPage>;
}
