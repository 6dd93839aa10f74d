import type { Json } from "./json.ts";

export interface Ttl {
  /** Seconds until it is gone, 1 to 2,592,000 (30 days). It may be gone at any time before. */
  readonly ttlSeconds: number;
}

export interface Increment extends Ttl {
  /** A whole number from -1,000,000,000 to 1,000,000,000. Default: 1 */
  readonly by?: number;
}

export interface SubscribeOptions {
  /**
   * Called when the connection was lost and is there again: messages may have been missed, so what
   * depends on them is to be read anew.
   */
  readonly onMissed?: () => void;
}

export interface Subscription {
  /** No more messages, from now on. */
  end(): Promise<void>;
}

export interface Append extends Ttl {
  /** Most entries that are kept, 1 to 1,000: the oldest go first. */
  readonly keep: number;
}

export interface LogEntry {
  readonly position: string;
  readonly value: Json;
}

/** Part of a log. */
export interface LogPage {
  /** The oldest first. */
  readonly entries: readonly LogEntry[];
  /** Where it ends: of the last entry, or, without any, where the next page begins. */
  readonly position: string;
  /** There are more entries after it. */
  readonly more: boolean;
  /**
   * There may have been entries after the given position that are no more: they were too old, or
   * the cache has lost them. Those that are left begin the page.
   */
  readonly lost: boolean;
}

export interface Since extends Ttl {
  /** As from an entry or a page of the same log. Default: its end */
  readonly after?: string;
  /** Most entries of the page, 1 to 1,000. Default: 100 */
  readonly limit?: number;
}

/**
 * Short-lived values, counters, logs and messages between processes. It may lose anything at any time,
 * and be away: then its methods throw `unavailable` within 3 s, and callers do without it.
 *
 * Keys and channels are 1 to 1,024 bytes of UTF-8, values JSON of up to 1 MiB, messages JSON of up
 * to 64 KiB: `invalid` and `too-large` otherwise.
 */
export interface Cache {
  /** The value, or `undefined` where there is none. Its type is the caller's word. */
  get<T extends Json = Json>(key: string): Promise<T | undefined>;
  /** Stores a value; one that is there is replaced, with its time to live. */
  set(key: string, value: Json, options: Ttl): Promise<void>;
  /** Also keeps out what a `through` that is at work would store. */
  delete(key: string): Promise<void>;
  /**
   * Adds to a whole number, which begins with 0 and then gets its time to live; later calls leave
   * that as it is.
   * @returns the sum: with many at the same time, each a different one
   * @throws `conflict` where the value is no whole number, or would leave ±9,007,199,254,740,991
   */
  increment(key: string, options: Increment): Promise<number>;
  /**
   * Adds to the end of a short log, which is then kept for its time to live.
   * @param value up to 64 KiB of JSON
   * @returns where it stands: after all that was there, with many at the same time too
   */
  append(log: string, value: Json, options: Append): Promise<string>;
  /**
   * What was appended after a position, or where the log ends. A log that is not there yet begins,
   * and one that is there is kept for its time to live: none of those who ask before that is over
   * misses anything unknowingly.
   * @throws `invalid` for a position that is none
   */
  since(log: string, options: Since): Promise<LogPage>;
  /** To those who are subscribed at this moment, at most once. */
  publish(channel: string, message: Json): Promise<void>;
  /**
   * Calls `listener` with each message of a channel that is published after this has resolved, those
   * of one publisher in their order. A lost connection is made again by itself.
   * @param listener what it throws becomes a warning of the process
   */
  subscribe(
    channel: string,
    listener: (message: Json) => void,
    options?: SubscribeOptions,
  ): Promise<Subscription>;
  /**
   * The value, or else what `load` gives, stored for the next callers. One caller loads at a time,
   * among all processes; the others wait for it, 10 s at most. Where it fails nothing is stored, its
   * error is thrown to those who wait in the same process, and others try for themselves. Where the
   * cache is away, each process loads for itself.
   * @param load what takes longer than 10 s may be run by another process as well
   * @throws what `load` throws; `too-large` and `invalid` for what it gave
   * @example
   * const rates = await live.through("rates", { ttlSeconds: 60 }, async () => ({ eur: 1 }));
   */
  through<T extends Json>(key: string, options: Ttl, load: () => Promise<T>): Promise<T>;
}
