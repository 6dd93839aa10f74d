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

/**
 * Short-lived values, counters and messages between processes. It may lose anything at any time,
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
