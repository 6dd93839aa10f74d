import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cache, prepareCaches } from "../../../runtime/adapters/local/cache.ts";
import { type SqlServer, startSqlServer } from "../sql-server.ts";
import { cacheContract } from "../suites/cache.ts";

cacheContract("local cache", {
  async start() {
    const server = await startSqlServer();
    await prepareCaches(server);
    return { ...server, open: () => cache({ name: "live", url: server.url }) };
  },
});

describe("caches of one database", () => {
  let server: SqlServer;
  beforeAll(async () => {
    server = await startSqlServer();
    // Several processes start at the same time.
    await Promise.all([1, 2, 3].map(() => prepareCaches(server)));
  });
  afterAll(() => server?.close());

  it("keep their values and messages apart", async () => {
    const [live, rooms] = ["live", "rooms"].map((name) => cache({ name, url: server.url }));
    const heard: unknown[] = [];
    await rooms?.subscribe("c", (message) => heard.push(message));
    await live?.set("k", 1, { ttlSeconds: 60 });
    await live?.publish("c", "theirs");
    await rooms?.publish("c", "ours");
    await expect.poll(() => heard).toEqual(["ours"]);
    expect(await rooms?.get("k")).toBeUndefined();
    await Promise.all([live?.close(), rooms?.close()]);
  });

  it("remove what has expired, and keep the rest", async () => {
    const swept = cache({ name: "swept", url: server.url, sweepSeconds: 0.2 });
    await swept.set("short", 1, { ttlSeconds: 1 });
    await swept.set("long", 1, { ttlSeconds: 60 });
    const keys = () =>
      server.admin("select key from spillway_cache.values where cache = 'swept' order by key");
    expect(await keys()).toEqual([{ key: "long" }, { key: "short" }]);
    await swept.append("short", 1, { keep: 5, ttlSeconds: 1 });
    await swept.append("long", 1, { keep: 5, ttlSeconds: 60 });
    await expect.poll(keys, { timeout: 5_000 }).toEqual([{ key: "long" }]);
    for (const table of ["logs", "entries"])
      await expect
        .poll(() => server.admin(`select log from spillway_cache.${table} where cache = 'swept'`), {
          timeout: 5_000,
        })
        .toEqual([{ log: "long" }]);
    await swept.close();
  });

  it("are kept out of the database's log, as what may be lost", async () => {
    const kinds = await server.admin(
      `select distinct relpersistence::text as kind from pg_class
       where relnamespace = 'spillway_cache'::regnamespace and relkind = 'r' and relname not like '%migration%'`,
    );
    expect(kinds).toEqual([{ kind: "u" }]);
  });
});
