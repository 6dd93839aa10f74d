import { describe, expect, it } from "vitest";
import { valkeyAt } from "../../../runtime/adapters/valkey.ts";
import { startValkey } from "../../../tools/valkey.ts";
import { type CacheService, cacheContract } from "../suites/cache.ts";
import { refusal } from "../suites/refusal.ts";

cacheContract("cache by the Redis protocol", {
  async start(): Promise<CacheService> {
    const server = await startValkey(["--requirepass", "geheim"]);
    const url = `redis://:geheim@127.0.0.1:${server.port}/2`;
    return {
      open: () => valkeyAt({ name: "live", url }),
      stop: server.stop,
      start: server.start,
      hang: server.freeze,
      resume: server.thaw,
      close: server.stop,
    };
  },
});

describe("the server of a URL", () => {
  it("may have several caches, with keys and channels of their own", async () => {
    const server = await startValkey();
    const [live, rooms] = ["live", "rooms"].map((name) =>
      valkeyAt({ name, url: `redis://127.0.0.1:${server.port}` }),
    );
    const heard: unknown[] = [];
    await rooms?.subscribe("c", (message) => heard.push(message));
    await live?.set("k", 1, { ttlSeconds: 60 });
    await live?.publish("c", "theirs");
    await rooms?.publish("c", "ours");
    await expect.poll(() => heard).toEqual(["ours"]);
    expect(await rooms?.get("k")).toBeUndefined();
    await Promise.all([live?.close(), rooms?.close()]);
    await server.stop();
  });

  it("denies a wrong password, which no error shows", async () => {
    const server = await startValkey(["--requirepass", "geheim"]);
    const cache = valkeyAt({ name: "live", url: `redis://:falsch-1234@127.0.0.1:${server.port}` });
    expect(await refusal(cache.get("k"))).toBe("denied");
    const error = (await cache.get("k").catch((thrown: unknown) => thrown)) as Error;
    expect(`${error.message} ${error.cause} ${JSON.stringify(error.cause)}`).not.toContain(
      "falsch",
    );
    await cache.close();
    await server.stop();
  });

  it.each(["http://127.0.0.1", "127.0.0.1:6379", "redis://", "redis://:geheim@h/x"])(
    "refuses %s, and does not repeat a password",
    (url) => {
      expect(() => valkeyAt({ name: "live", url })).toThrow(
        /^cache "live": its address(?!.*geheim)/,
      );
    },
  );
});
