import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { type Cache, isPortError, type Json } from "../ports/index.ts";
import { checkTtlSeconds, type Logs, logsOn } from "./cache-logs.ts";
import type { Subscriptions } from "./cache-subscriptions.ts";
import type { Fault } from "./faults.ts";
import { checkName, checkWhole, messageText, utf8Bytes } from "./limits.ts";

/** What hosts end when they drain. */
export interface CacheAdapter extends Cache {
  close(): Promise<void>;
}

/** Where values, leases and messages are kept. Everything in it throws PortError alone. */
export interface CacheStore extends Subscriptions, Logs {
  get(key: string): Promise<string | undefined>;
  /** Replaces the value and ends the key's lease. */
  set(key: string, text: string, ttlSeconds: number): Promise<void>;
  /** Removes the value and ends the key's lease. */
  delete(key: string): Promise<void>;
  increment(key: string, by: number, ttlSeconds: number): Promise<number>;
  publish(channel: string, text: string): Promise<void>;
  /** Gives the lease of a key to one token at a time. @returns whether it was given */
  lease(key: string, token: string, ms: number): Promise<boolean>;
  /** Stores the value, where there is one, if the token still has the lease, and ends that. */
  settle(key: string, token: string, text: string | undefined, ttlSeconds: number): Promise<void>;
  close(): Promise<void>;
}

const maxValueBytes = 1_048_576;
const maxMessageBytes = 65_536;
const maxBy = 1_000_000_000;
/** How long one caller has the loading to itself, and how long others wait for it. */
const leaseMs = 10_000;
const waitMs = 10_000;
const firstPauseMs = 15;
const longestPauseMs = 150;

/** The cache port on a store: limits, JSON, and reading through, the same for every host. */
export function cacheOn(fault: Fault, store: CacheStore): CacheAdapter {
  const loading = new Map<string, Promise<Json>>();
  const checkTtl = (ttlSeconds: number) => checkTtlSeconds(fault, ttlSeconds);

  async function loaded(key: string, ttlSeconds: number, load: () => Promise<Json>): Promise<Json> {
    const token = randomUUID();
    const deadline = performance.now() + waitMs;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
      const found = await readOrLease(key, token);
      if (found !== "away" && found.text !== undefined) return JSON.parse(found.text) as Json;
      if (found !== "away" && found.leased) return loadAndStore(key, token, ttlSeconds, load);
      if (found === "away" || performance.now() > deadline)
        return JSON.parse(textOf(fault, await load())) as Json;
      await wait(pauseMs * (0.5 + Math.random()));
    }
  }

  async function readOrLease(key: string, token: string) {
    try {
      const text = await store.get(key);
      if (text !== undefined) return { text };
      return { leased: await store.lease(key, token, leaseMs) };
    } catch (error) {
      if (isPortError(error, "unavailable")) return "away";
      throw error;
    }
  }

  async function loadAndStore(
    key: string,
    token: string,
    ttlSeconds: number,
    load: () => Promise<Json>,
  ): Promise<Json> {
    let text: string | undefined;
    try {
      text = textOf(fault, await load());
    } finally {
      // Who has the value needs no cache to give it.
      await store.settle(key, token, text, ttlSeconds).catch(() => {});
    }
    return JSON.parse(text) as Json;
  }

  return {
    async get<T extends Json>(key: string) {
      checkName(fault, "key", key);
      const text = await store.get(key);
      return text === undefined ? undefined : (JSON.parse(text) as T);
    },

    async set(key, value, { ttlSeconds }) {
      checkName(fault, "key", key);
      checkTtl(ttlSeconds);
      const text = textOf(fault, value);
      loading.delete(key);
      await store.set(key, text, ttlSeconds);
    },

    async delete(key) {
      checkName(fault, "key", key);
      // What is being loaded may be from before: later callers do not join it.
      loading.delete(key);
      await store.delete(key);
    },

    async increment(key, { by = 1, ttlSeconds }) {
      checkName(fault, "key", key);
      checkTtl(ttlSeconds);
      checkWhole(fault, "by", by, -maxBy, maxBy);
      return store.increment(key, by, ttlSeconds);
    },

    ...logsOn(fault, store),

    async publish(channel, message) {
      checkName(fault, "channel", channel);
      await store.publish(channel, messageText(fault, message, maxMessageBytes));
    },

    async subscribe(channel, listener, { onMissed } = {}) {
      checkName(fault, "channel", channel);
      const end = await store.subscribe(channel, {
        onText: (text) => listener(JSON.parse(text) as Json),
        onMissed: onMissed ?? (() => {}),
      });
      return { end };
    },

    async through<T extends Json>(
      key: string,
      { ttlSeconds }: { readonly ttlSeconds: number },
      load: () => Promise<T>,
    ) {
      checkName(fault, "key", key);
      checkTtl(ttlSeconds);
      const known = loading.get(key);
      if (known) return known as Promise<T>;
      const mine = loaded(key, ttlSeconds, load).finally(() => {
        if (loading.get(key) === mine) loading.delete(key);
      });
      loading.set(key, mine);
      return mine as Promise<T>;
    },

    close: () => store.close(),
  };
}

function textOf(fault: Fault, value: Json): string {
  const text = messageText(fault, value, Number.POSITIVE_INFINITY);
  const bytes = utf8Bytes(text);
  if (bytes > maxValueBytes)
    throw fault("too-large", `value of ${bytes} bytes; store at most ${maxValueBytes}`);
  return text;
}

/** What a store throws where a counter cannot be added to. */
export const notCountable = (fault: Fault, key: string) =>
  fault("conflict", `${JSON.stringify(key.slice(0, 80))} cannot be added to; use another key`);
