import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { create as clickstream } from "../../functions/clickstream/index.ts";
import { create as track } from "../../functions/track/index.ts";
import type { Json, StreamRecord } from "../../runtime/ports/index.ts";
import { contextOf, jsonRequest, memoryTable, streamFake } from "./fakes.ts";

const now = new Date("2026-11-20T10:30:00.000Z");
afterEach(() => void vi.useRealTimers());

describe("track", () => {
  const send = async (body: Json) => {
    vi.useFakeTimers({ now, toFake: ["Date"] });
    const clicks = streamFake();
    const response = await track({ clicks }).fetch(jsonRequest("/clicks", body), contextOf());
    return { response, json: (await response.json()) as JsonAnswer, clicks };
  };
  type JsonAnswer = { accepted?: number; errors?: { field: string }[] };
  const click = { page: "/products/mug", session: "s-1" };

  test("takes clicks in their order, each under its session", async () => {
    const { response, json, clicks } = await send({
      clicks: [click, { ...click, session: "s-2", at: "2026-11-20T10:29:59Z" }],
    });
    expect([response.status, json]).toEqual([202, { accepted: 2 }]);
    expect(clicks.records).toEqual([
      { key: "s-1", body: { ...click, at: now.toISOString() } },
      { key: "s-2", body: { ...click, session: "s-2", at: "2026-11-20T10:29:59.000Z" } },
    ]);
  });

  test("what it sends can be counted", async () => {
    const { clicks } = await send({ clicks: [click] });
    const catalog = memoryTable();
    const records = clicks.records.map((one, n) => ({ ...one, sequence: String(n), at: now }));
    await clickstream({ catalog })({ shard: "0", records });
    expect(catalog.at("CLICKS#/products/mug / 2026-11-20T10#0")).toEqual({ count: 1 });
  });

  test.each<[string, Json]>([
    ["clicks", { clicks: [] }],
    ["clicks", { clicks: Array.from({ length: 101 }, () => click) }],
    ["clicks.0.page", { clicks: [{ session: "s-1" }] }],
    ["clicks.0.page", { clicks: [{ ...click, page: "https://shop.example/" }] }],
    ["clicks.0.page", { clicks: [{ ...click, page: "/a\u0000" }] }],
    ["clicks.0.page", { clicks: [{ ...click, page: "/\ud800" }] }],
    ["clicks.0.page", { clicks: [{ ...click, page: `/${"a".repeat(200)}` }] }],
    ["clicks.1.session", { clicks: [click, { ...click, session: "s 1" }] }],
    ["clicks.0.at", { clicks: [{ ...click, at: "today" }] }],
    ["clicks.0.at", { clicks: [{ ...click, at: "2026-11-19T10:29:59Z" }] }],
    ["clicks.1.at", { clicks: [click, { ...click, at: "2026-11-20T10:35:01Z" }] }],
    ["clicks.0.user", { clicks: [{ ...click, user: "u-1" }] }],
    ["more", { clicks: [click], more: 1 }],
  ])("refuses what does not fit by the name of %s, and takes none of it", async (field, body) => {
    const { response, json, clicks } = await send(body);
    expect(response.status).toBe(400);
    expect(json.errors?.map((error) => error.field)).toEqual([field]);
    expect(clicks.records).toEqual([]);
  });

  test("is a 503 while the stream takes nothing", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const app = track({ clicks: streamFake("unavailable") });
    const response = await app.fetch(jsonRequest("/clicks", { clicks: [click] }), contextOf());
    expect(response.status).toBe(503);
  });
});

const recordOf = (sequence: string, page = "/a", at = "2026-11-20T10:30:00Z"): StreamRecord => ({
  sequence,
  key: "s-1",
  body: { page, session: "s-1", at },
  at: now,
});

describe("clickstream", () => {
  test("counts by page and hour, and notes how far", async () => {
    const catalog = memoryTable();
    await clickstream({ catalog })({
      shard: "shard-1",
      records: [
        recordOf("1"),
        recordOf("2", "/b"),
        recordOf("3", "/a", "2026-11-20T11:00:00Z"),
        recordOf("4"),
      ],
    });
    expect(catalog.at("CLICKS#/a / 2026-11-20T10#shard-1")).toEqual({ count: 2 });
    expect(catalog.at("CLICKS#/a / 2026-11-20T11#shard-1")).toEqual({ count: 1 });
    expect(catalog.at("CLICKS#/b / 2026-11-20T10#shard-1")).toEqual({ count: 1 });
    expect(catalog.at("CLICKS#shard-1 / CHECKPOINT")).toMatchObject({ sequence: "4" });
  });

  test("counts on from there, as whole numbers of any length", async () => {
    const catalog = memoryTable();
    const handle = clickstream({ catalog });
    const long = (last: number) => `4964867379${"0".repeat(44)}${last}`;
    await handle({ shard: "0", records: [recordOf("9"), recordOf("10")] });
    await handle({ shard: "0", records: [recordOf("9"), recordOf("10"), recordOf(long(1))] });
    await handle({ shard: "0", records: [recordOf(long(1)), recordOf(long(2)), recordOf("11")] });
    expect(catalog.at("CLICKS#/a / 2026-11-20T10#0")).toEqual({ count: 4 });
  });

  test("keeps shards apart", async () => {
    const catalog = memoryTable();
    const handle = clickstream({ catalog });
    await Promise.all(["0", "1"].map((shard) => handle({ shard, records: [recordOf("1")] })));
    expect(catalog.at("CLICKS#/a / 2026-11-20T10#0")).toEqual({ count: 1 });
    expect(catalog.at("CLICKS#/a / 2026-11-20T10#1")).toEqual({ count: 1 });
  });

  test("splits what is more than one transaction takes, in order", async () => {
    const catalog = memoryTable();
    const records = Array.from({ length: 500 }, (_, n) => recordOf(String(n + 1), `/p${n % 250}`));
    await clickstream({ catalog })({ shard: "0", records });
    const counts = catalog.names().filter((name) => name.startsWith("CLICKS#/p"));
    expect(counts).toHaveLength(250);
    expect(new Set(counts.map((name) => catalog.at(name)?.count))).toEqual(new Set([2]));
    expect(catalog.at("CLICKS#0 / CHECKPOINT")).toMatchObject({ sequence: "500" });
  });

  test.each<[string, Json]>([
    ["null", null],
    ["a page that is none", { page: "a", session: "s", at: "2026-11-20T10:30:00Z" }],
    ["a time that is none", { page: "/a", session: "s", at: "now" }],
    ["an unknown field", { page: "/a", session: "s", at: "2026-11-20T10:30:00Z", v: 2 }],
  ])("a record with %s is named, and nothing beside it is counted", async (_, body) => {
    const catalog = memoryTable();
    const bad = { ...recordOf("17"), body };
    const work = clickstream({ catalog })({ shard: "0", records: [recordOf("16"), bad] });
    await expect(work).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining('"17"'),
    });
    expect(catalog.names()).toEqual([]);
  });

  test("a record that was set aside does not hold up those after it", async () => {
    const catalog = memoryTable();
    const handle = clickstream({ catalog });
    const bad = { ...recordOf("2"), body: null };
    await handle({ shard: "0", records: [recordOf("1")] });
    await handle({ shard: "0", records: [recordOf("3")] });
    await handle({ shard: "0", records: [recordOf("1"), bad, recordOf("3"), recordOf("4")] });
    expect(catalog.at("CLICKS#/a / 2026-11-20T10#0")).toEqual({ count: 3 });
  });

  test("says so where its checkpoint was lost, rather than go round in circles", async () => {
    const catalog = memoryTable();
    const handle = clickstream({ catalog });
    await handle({ shard: "0", records: [recordOf("1")] });
    await catalog.delete({ pk: "CLICKS#0", sk: "CHECKPOINT" });
    await expect(handle({ shard: "0", records: [recordOf("1")] })).rejects.toMatchObject({
      code: "unavailable",
    });
  });

  test("each click counts once, however readers overlap, stop and begin again", async () => {
    const reader = fc.record({ from: fc.nat({ max: 9 }), length: fc.integer({ min: 1, max: 12 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.constantFrom("/a", "/b", "/c"), { minLength: 12, maxLength: 12 }),
        fc.array(reader, { minLength: 1, maxLength: 4 }),
        async (s, pages, readers) => {
          const catalog = memoryTable();
          const inTurn =
            <A extends unknown[], R>(verb: (...args: A) => Promise<R>) =>
            async (...args: A) => {
              await s.schedule(Promise.resolve());
              return verb(...args);
            };
          const handle = clickstream({
            catalog: { get: inTurn(catalog.get), once: inTurn(catalog.once) },
          });
          const records = pages.map((page, n) => recordOf(String(n + 1), page));
          // A first reader has come so far; from there on, others begin at or before its end.
          const [{ from }] = readers as [(typeof readers)[number]];
          await s.waitFor(handle({ shard: "0", records: records.slice(0, from) }));
          await s.waitFor(
            Promise.all(
              readers.map(({ from: at, length }) => {
                const begin = Math.min(at, from);
                return handle({ shard: "0", records: records.slice(begin, begin + length) });
              }),
            ),
          );
          const { sequence = "0" } = catalog.at("CLICKS#0 / CHECKPOINT") ?? {};
          const counted = pages.slice(0, Number(sequence));
          for (const page of ["/a", "/b", "/c"])
            expect(catalog.at(`CLICKS#${page} / 2026-11-20T10#0`)?.count ?? 0).toBe(
              counted.filter((one) => one === page).length,
            );
        },
      ),
    );
  });
});
