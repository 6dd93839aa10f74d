import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CacheAdapter } from "../../../runtime/adapters/cache.ts";
import type { Json } from "../../../runtime/ports/index.ts";
import { refusal, sleep, tally } from "./refusal.ts";

/** A server with one empty cache, which a test may stop. */
export interface CacheService {
  /** The port as another process would have it. */
  open(): CacheAdapter;
  /** Stops the server, as a process. */
  stop(): Promise<void>;
  /** Starts it again, at the address that clients know. */
  start(): Promise<void>;
  /** It takes connections and answers nothing, until `resume`. */
  hang(): void;
  resume(): void;
  close(): Promise<void>;
}

const ttl = { ttlSeconds: 60 };

/** What every Cache does, the same on every adapter. */
export function cacheContract(
  title: string,
  { start }: { readonly start: () => Promise<CacheService> },
): void {
  describe(title, () => {
    let service: CacheService;
    let one: CacheAdapter;
    let other: CacheAdapter;
    beforeAll(async () => {
      service = await start();
      one = service.open();
      other = service.open();
    });
    afterAll(async () => {
      await Promise.all([one?.close(), other?.close()]);
      await service?.close();
    });
    const seen = async (cache: CacheAdapter, channel: string) => {
      const messages: Json[] = [];
      let missed = 0;
      const { end } = await cache.subscribe(channel, (message) => messages.push(message), {
        onMissed: () => missed++,
      });
      return { messages, missed: () => missed, end };
    };

    describe("values", () => {
      it("are seen by other processes, until they are deleted", async () => {
        const key = randomUUID();
        expect(await one.get(key)).toBeUndefined();
        await one.set(key, { a: [1, null, "é 😀"] }, ttl);
        expect(await other.get(key)).toEqual({ a: [1, null, "é 😀"] });
        await other.delete(key);
        expect(await one.get(key)).toBeUndefined();
        await one.delete(key);
      });

      it("are any JSON, given back exactly", async () => {
        const value = fc
          .jsonValue({ maxDepth: 3, stringUnit: "binary" })
          .map((json) => JSON.parse(JSON.stringify(json)) as Json)
          .filter((json) => !JSON.stringify(json).includes('"__proto__"'));
        for (const json of fc.sample(value, 40)) {
          await one.set("any", json, ttl);
          expect(await other.get("any")).toEqual(json);
        }
      });

      it("are replaced, with their time to live", async () => {
        const key = randomUUID();
        await one.set(key, "short", { ttlSeconds: 1 });
        await one.set(key, "long", ttl);
        await sleep(1_200);
        expect(await one.get(key)).toBe("long");
      });

      it("are gone when their time is over, and a counter begins anew", async () => {
        const [value, counter] = [randomUUID(), randomUUID()];
        await one.set(value, 1, { ttlSeconds: 1 });
        await one.increment(counter, { by: 5, ttlSeconds: 1 });
        // A later call prolongs nothing.
        expect(await one.increment(counter, ttl)).toBe(6);
        await sleep(1_200);
        expect(await one.get(value)).toBeUndefined();
        expect(await one.increment(counter, ttl)).toBe(1);
      });

      it("may have long and strange keys, and 1 MiB", async () => {
        const keys = ["k".repeat(1024), "a b\n{c}*:", "é😀"];
        for (const key of keys) await one.set(key, key, ttl);
        for (const key of keys) expect(await other.get(key)).toBe(key);
        const large = "x".repeat(1_048_574);
        await one.set("large", large, ttl);
        expect(await other.get("large")).toBe(large);
      });

      it.each<[string, (cache: CacheAdapter) => Promise<unknown>, string]>([
        ["an empty key", (cache) => cache.get(""), "invalid"],
        ["a key of 1,025 bytes", (cache) => cache.set("k".repeat(1025), 1, ttl), "invalid"],
        ["NUL in a key", (cache) => cache.delete("a\0b"), "invalid"],
        ["no time to live", (cache) => cache.set("k", 1, { ttlSeconds: 0 }), "invalid"],
        ["half a second", (cache) => cache.set("k", 1, { ttlSeconds: 0.5 }), "invalid"],
        ["over 30 days", (cache) => cache.set("k", 1, { ttlSeconds: 2_592_001 }), "invalid"],
        ["no JSON", (cache) => cache.set("k", undefined as unknown as Json, ttl), "invalid"],
        ["over 1 MiB", (cache) => cache.set("k", "x".repeat(1_048_575), ttl), "too-large"],
        ["half a step", (cache) => cache.increment("k", { by: 0.5, ...ttl }), "invalid"],
        ["too large a step", (cache) => cache.increment("k", { by: 1e10, ...ttl }), "invalid"],
        ["an empty channel", (cache) => cache.publish("", 1), "invalid"],
        ["a long message", (cache) => cache.publish("c", "x".repeat(65_535)), "too-large"],
        ["a subscription to nothing", (cache) => cache.subscribe("", () => {}), "invalid"],
        [
          "a load without value",
          (cache) => cache.through("u", ttl, async () => undefined as unknown as Json),
          "invalid",
        ],
      ])("are refused: %s", async (_, work, code) => {
        expect(await refusal(work(one))).toBe(code);
      });
    });

    describe("counters", () => {
      it("count each of many increments once, and tell each its own sum", async () => {
        const key = randomUUID();
        const sums = await Promise.all(
          Array.from({ length: 100 }, (_, n) => (n % 2 ? one : other).increment(key, ttl)),
        );
        expect(sums.toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: 100 }, (_, n) => n + 1),
        );
        expect(await one.get(key)).toBe(100);
      });

      it("go down, below zero, and up to what JavaScript can count", async () => {
        const key = randomUUID();
        expect(await one.increment(key, { by: -3, ...ttl })).toBe(-3);
        await one.set(key, 9_007_199_254_740_990, ttl);
        expect(await one.increment(key, ttl)).toBe(9_007_199_254_740_991);
        expect(await refusal(one.increment(key, ttl))).toBe("conflict");
        expect(await one.get(key)).toBe(9_007_199_254_740_991);
      });

      it.each([1.5, "5", null, [1], 1e30])("conflict with %j", async (value) => {
        const key = randomUUID();
        await one.set(key, value, ttl);
        expect(await refusal(one.increment(key, ttl))).toBe("conflict");
        expect(await one.get(key)).toEqual(value);
      });
    });

    describe("logs", () => {
      const kept = { keep: 5, ...ttl };
      const valuesAfter = async (cache: CacheAdapter, log: string, after: string, limit = 100) => {
        const page = await cache.since(log, { after, limit, ...ttl });
        return { ...page, entries: page.entries.map(({ value }) => value) };
      };

      it("begin where they are asked for, and have what follows in its order", async () => {
        const log = randomUUID();
        const start = await one.since(log, ttl);
        expect(start).toMatchObject({ entries: [], more: false, lost: false });
        const positions: string[] = [];
        for (const value of [{ a: "é 😀" }, null, [1]])
          positions.push(await other.append(log, value, kept));
        const page = await one.since(log, { after: start.position, ...ttl });
        expect(page).toEqual({
          entries: [{ a: "é 😀" }, null, [1]].map((value, n) => ({
            position: positions[n],
            value,
          })),
          position: positions[2],
          more: false,
          lost: false,
        });
        expect((await one.since(log, ttl)).position).toBe(positions[2]);
        expect(await valuesAfter(one, log, positions[2] ?? "")).toMatchObject({
          entries: [],
          position: positions[2],
          lost: false,
        });
      });

      it("come in pages", async () => {
        const log = randomUUID();
        const { position } = await one.since(log, ttl);
        for (const n of [1, 2, 3]) await one.append(log, n, kept);
        const first = await valuesAfter(one, log, position, 2);
        expect(first).toMatchObject({ entries: [1, 2], more: true, lost: false });
        expect(await valuesAfter(one, log, first.position, 2)).toMatchObject({
          entries: [3],
          more: false,
          lost: false,
        });
      });

      it("keep the newest, and say when older ones are lost", async () => {
        const log = randomUUID();
        const { position } = await one.since(log, ttl);
        const positions: string[] = [];
        for (let n = 1; n <= 8; n++) positions.push(await one.append(log, n, kept));
        const left = [4, 5, 6, 7, 8];
        for (const [after, lost] of [
          [position, true],
          [positions[1], true],
          [positions[2], false],
        ] as const)
          expect(await valuesAfter(one, log, after ?? "")).toMatchObject({ entries: left, lost });
      });

      it("number each of many entries of two processes once, without a gap", async () => {
        const log = randomUUID();
        const { position } = await one.since(log, ttl);
        const appended = await Promise.all(
          Array.from({ length: 60 }, (_, n) =>
            (n % 2 ? one : other).append(log, n, { keep: 100, ...ttl }),
          ),
        );
        const { entries, lost } = await one.since(log, { after: position, ...ttl });
        expect(lost).toBe(false);
        expect(entries.map((entry) => entry.position).toSorted()).toEqual(appended.toSorted());
        for (const { position: at, value } of entries) expect(appended[Number(value)]).toBe(at);
      });

      it("say that all is lost where they were over since, and keep what came then", async () => {
        const log = randomUUID();
        const { position } = await one.since(log, { ttlSeconds: 1 });
        await one.append(log, "old", { keep: 5, ttlSeconds: 1 });
        await sleep(1_200);
        expect(await valuesAfter(one, log, position)).toMatchObject({ entries: [], lost: true });
        await one.append(log, "new", kept);
        expect(await valuesAfter(one, log, position)).toMatchObject({
          entries: ["new"],
          lost: true,
        });
      });

      it("live on where they are asked for", async () => {
        const log = randomUUID();
        const { position } = await one.since(log, { ttlSeconds: 2 });
        await one.append(log, "early", { keep: 5, ttlSeconds: 2 });
        for (let round = 0; round < 2; round++) {
          await sleep(1_200);
          const asked = await one.since(log, { after: position, ttlSeconds: 2 });
          expect(asked).toMatchObject({ entries: [{ value: "early" }], lost: false });
        }
      });

      it.each<[string, (cache: CacheAdapter) => Promise<unknown>, string]>([
        ["no name", (cache) => cache.append("", 1, kept), "invalid"],
        ["keeping nothing", (cache) => cache.append("l", 1, { keep: 0, ...ttl }), "invalid"],
        ["keeping too much", (cache) => cache.append("l", 1, { keep: 1_001, ...ttl }), "invalid"],
        ["no time to live", (cache) => cache.since("l", { ttlSeconds: 0 }), "invalid"],
        ["a long entry", (cache) => cache.append("l", "x".repeat(65_535), kept), "too-large"],
        ["no position", (cache) => cache.since("l", { after: "x", ...ttl }), "invalid"],
        ["a large page", (cache) => cache.since("l", { limit: 1_001, ...ttl }), "invalid"],
      ])("are refused with %s", async (_, work, code) => {
        expect(await refusal(work(one))).toBe(code);
      });
    });

    describe("messages", () => {
      it("reach all who are subscribed, in order, and nobody else", async () => {
        const channel = randomUUID();
        const [near, far, else_] = [
          await seen(one, channel),
          await seen(other, channel),
          await seen(other, `${channel}2`),
        ];
        const sent = Array.from({ length: 50 }, (_, n) => ({ n, text: "é 😀" }));
        for (const message of sent) await one.publish(channel, message);
        await expect.poll(() => near.messages).toEqual(sent);
        await expect.poll(() => far.messages).toEqual(sent);
        expect(else_.messages).toEqual([]);
        for (const each of [near, far, else_]) await each.end();
      });

      it("reach each of several listeners of a process, until it ends", async () => {
        const channel = randomUUID();
        const [first, second] = [await seen(one, channel), await seen(one, channel)];
        await first.end();
        await first.end();
        await other.publish(channel, "after");
        await expect.poll(() => second.messages).toEqual(["after"]);
        expect(first.messages).toEqual([]);
        await second.end();
        const again = await seen(one, channel);
        await other.publish(channel, "again");
        await expect.poll(() => again.messages).toEqual(["again"]);
        await again.end();
      });

      it("may be of 64 KiB, and keep their place among small ones", async () => {
        const channel = randomUUID();
        const { messages, end } = await seen(other, channel);
        const sent = ["small", "x".repeat(65_534), "é".repeat(4_000), "last"];
        for (const message of sent) await one.publish(channel, message);
        await expect.poll(() => messages.length).toBe(4);
        expect(messages).toEqual(sent);
        await end();
      });

      it("go on to others where a listener throws, which becomes a warning", async () => {
        const channel = randomUUID();
        const warned = new Promise<Error>((done) => process.once("warning", done));
        const bad = await one.subscribe(channel, () => {
          throw new Error("of the listener");
        });
        const good = await seen(one, channel);
        await one.publish(channel, 1);
        await expect.poll(() => good.messages).toEqual([1]);
        expect((await warned).message).toBe("of the listener");
        await bad.end();
        await good.end();
      });
    });

    describe("through", () => {
      it("loads once for fifty callers of two processes, and then not at all", async () => {
        const key = randomUUID();
        let loads = 0;
        const load = async () => {
          loads++;
          await sleep(100);
          return { loads };
        };
        const callers = Array.from({ length: 50 }, (_, n) =>
          (n % 2 ? one : other).through(key, ttl, load),
        );
        expect(await Promise.all(callers)).toEqual(callers.map(() => ({ loads: 1 })));
        expect(await other.through(key, ttl, load)).toEqual({ loads: 1 });
        expect(await one.get(key)).toEqual({ loads: 1 });
        expect(loads).toBe(1);
      });

      it("keeps null as a value", async () => {
        const key = randomUUID();
        expect(await one.through(key, ttl, async () => null)).toBeNull();
        expect(await one.through<Json>(key, ttl, async () => "loaded again")).toBeNull();
      });

      it("stores no failure: the next caller tries, of another process at once", async () => {
        const key = randomUUID();
        const error = new Error("the loader's own");
        const failing = one.through(key, ttl, async () => {
          await sleep(50);
          throw error;
        });
        const waiting = sleep(20).then(() => other.through(key, ttl, async () => "loaded"));
        await expect(failing).rejects.toBe(error);
        expect(await waiting).toBe("loaded");
        expect(await one.through(key, ttl, async () => "again")).toBe("loaded");
      });

      it.each(["delete", "set"] as const)(
        "stores nothing that was loaded before a %s",
        async (verb) => {
          const key = randomUUID();
          let loaded = () => {};
          const begun = new Promise<void>((done) => {
            loaded = done;
          });
          const stale = one.through(key, ttl, async () => {
            loaded();
            await sleep(150);
            return "stale";
          });
          await begun;
          await (verb === "delete" ? other.delete(key) : other.set(key, "newer", ttl));
          expect(await stale).toBe("stale");
          expect(await other.get(key)).toBe(verb === "delete" ? undefined : "newer");
        },
      );

      it("takes over from a loader whose process is gone", async () => {
        const key = randomUUID();
        const gone = service.open();
        void gone.through(key, ttl, () => new Promise<Json>(() => {})).catch(() => {});
        await sleep(100);
        await gone.close();
        expect(await one.through(key, ttl, async () => "taken over")).toBe("taken over");
      });
    });

    describe("an outage", () => {
      const down = async (work: () => Promise<void>) => {
        await service.stop();
        try {
          await work();
        } finally {
          await service.start();
        }
      };

      it("is told quickly, to each of many, and is over by itself", async () => {
        await one.set("before", 1, ttl);
        await down(async () => {
          const began = performance.now();
          const calls = Array.from({ length: 50 }, (_, n) =>
            n % 2 ? one.get("before") : one.increment("n", ttl),
          );
          expect(await tally(calls)).toEqual({ unavailable: 50 });
          expect(await tally([one.publish("c", 1), one.subscribe("c", () => {})])).toEqual({
            unavailable: 2,
          });
          expect(performance.now() - began).toBeLessThan(5_000);
        });
        await expect
          .poll(() => refusal(one.set("after", 1, ttl)), { timeout: 10_000 })
          .toBe("nothing refused");
      });

      it("leaves reading through to the loader", async () => {
        await down(async () => {
          let loads = 0;
          const load = async () => ++loads;
          expect(await one.through("away", ttl, load)).toBe(1);
          expect(await one.through("away", ttl, load)).toBe(2);
        });
        await expect.poll(() => refusal(one.get("x")), { timeout: 10_000 }).toBe("nothing refused");
        expect(await one.through(randomUUID(), ttl, async () => "there")).toBe("there");
      });

      it("is told to those who are subscribed, once, and what follows reaches them", async () => {
        const channel = randomUUID();
        const { messages, missed, end } = await seen(other, channel);
        await down(async () => {});
        await expect.poll(missed, { timeout: 10_000 }).toBe(1);
        await expect
          .poll(() => refusal(one.publish(channel, "after")), { timeout: 10_000 })
          .toBe("nothing refused");
        await expect.poll(() => messages).toContain("after");
        expect(missed()).toBe(1);
        await end();
      });

      it("is told in bounded time where nothing answers, and so are those subscribed", async () => {
        const channel = randomUUID();
        const { messages, missed, end } = await seen(one, channel);
        service.hang();
        try {
          const began = performance.now();
          expect(await tally([one.get("k"), one.set("k", 1, ttl)])).toEqual({ unavailable: 2 });
          expect(await one.through("hung", ttl, async () => "loaded")).toBe("loaded");
          expect(performance.now() - began).toBeLessThan(9_000);
          await sleep(7_500);
        } finally {
          service.resume();
        }
        await expect.poll(missed, { timeout: 15_000 }).toBe(1);
        await one.publish(channel, "after");
        await expect.poll(() => messages).toEqual(["after"]);
        await end();
      });
    });

    describe("close", () => {
      it("ends all subscriptions, and answers nothing after", async () => {
        const closing = service.open();
        const { messages } = await seen(closing, "closing");
        await closing.close();
        await one.publish("closing", 1);
        await sleep(100);
        expect(messages).toEqual([]);
        expect(await refusal(closing.get("k"))).toBe("unavailable");
        expect(await refusal(closing.subscribe("closing", () => {}))).toBe("unavailable");
      });
    });
  });
}
