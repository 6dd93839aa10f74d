import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { dayBefore, hoursOf } from "../../functions/daily-report/day.ts";
import { create } from "../../functions/daily-report/index.ts";
import type { ErrorCode, Health, JsonObject } from "../../runtime/ports/index.ts";
import { PortError } from "../../runtime/ports/index.ts";
import { chatFake, memoryTable } from "./fakes.ts";

afterEach(() => void vi.useRealTimers());

describe("the day before", () => {
  const berlin = (moment: string) => dayBefore(new Date(moment), "Europe/Berlin");

  test.each([
    ["in winter", "2026-11-21T05:00:00Z", "2026-11-20", "2026-11-19T23:00Z", "2026-11-20T23:00Z"],
    ["in summer", "2026-07-02T04:00:00Z", "2026-07-01", "2026-06-30T22:00Z", "2026-07-01T22:00Z"],
    ["of 23 hours", "2026-03-30T04:00:00Z", "2026-03-29", "2026-03-28T23:00Z", "2026-03-29T22:00Z"],
    ["of 25 hours", "2026-10-26T05:00:00Z", "2026-10-25", "2026-10-24T22:00Z", "2026-10-25T23:00Z"],
    [
      "of a year's end",
      "2027-01-01T05:00:00Z",
      "2026-12-31",
      "2026-12-30T23:00Z",
      "2026-12-31T23:00Z",
    ],
  ])("%s", (_, moment, date, from, to) => {
    expect(berlin(moment)).toEqual({ date, from: new Date(from), to: new Date(to) });
  });

  test("begins late where midnight is skipped", () => {
    const { from } = dayBefore(new Date("2018-11-05T12:00:00Z"), "America/Sao_Paulo");
    expect(from).toEqual(new Date("2018-11-04T03:00:00Z"));
  });

  test("follows the day before it without a gap, in any zone at any time", () => {
    const zones = [
      "Europe/Berlin",
      "Asia/Kolkata",
      "America/New_York",
      "Australia/Lord_Howe",
      "UTC",
    ];
    const time = fc.date({
      min: new Date("2020-01-01T00:00:00Z"),
      max: new Date("2030-01-01T00:00:00Z"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(time, fc.constantFrom(...zones), (moment, zone) => {
        const day = dayBefore(moment, zone);
        const next = dayBefore(new Date(day.to.getTime() + 86_400_000 + 7_200_000), zone);
        const shown = (at: number) => new Date(at).toLocaleDateString("en-CA", { timeZone: zone });
        expect(shown(day.from.getTime())).toBe(day.date);
        expect(shown(day.from.getTime() - 1)).not.toBe(day.date);
        expect(shown(day.to.getTime() - 1)).toBe(day.date);
        expect(next.from).toEqual(day.to);
        expect(day.to.getTime()).toBeLessThanOrEqual(moment.getTime());
      }),
    );
  });

  test("touches these hours of UTC", () => {
    const hours = hoursOf(berlin("2026-11-21T05:00:00Z"));
    expect([hours.length, hours[0], hours.at(-1)]).toEqual([24, "2026-11-19T23", "2026-11-20T22"]);
  });
});

const run = { scheduledAt: new Date("2026-11-21T05:00:00.000Z") };
const delivery = { id: "d-1", receives: 1 };
const row = "DAILY#2026-11-20 / REPORT";
const health: Health = {
  requests: 2000,
  errors: 5,
  p99Ms: 181.6,
  alerts: [{ name: "dead letters <fulfil>", since: new Date("2026-11-20T20:00:00Z") }],
};

async function setup(options: { chat?: ErrorCode[]; read?: () => Promise<Health> } = {}) {
  const catalog = memoryTable();
  const keep = async (at: string, id: string, type: string, data: JsonObject) =>
    catalog.put({ pk: `ACTIVITY#${at.slice(0, 10)}`, sk: `${at}#${id}` }, { id, type, at, data });
  const paid = (orderId: string, amount: number, currency = "EUR") => ({
    orderId,
    amount,
    currency,
  });
  await keep("2026-11-19T22:59:59.999Z", "e-0", "user.created", { userId: "the day before" });
  await keep("2026-11-19T23:00:00.000Z", "e-1", "user.created", { userId: "u-1" });
  await keep("2026-11-20T22:59:59.999Z", "e-2", "user.created", { userId: "u-2" });
  await keep("2026-11-20T23:00:00.000Z", "e-3", "user.created", { userId: "the day after" });
  await keep("2026-11-20T12:00:00.000Z", "e-4", "order.paid", paid("o-1", 123_450));
  await keep("2026-11-20T12:00:01.000Z", "e-5", "order.paid", paid("o-2", 50));
  await keep("2026-11-20T12:00:02.000Z", "e-6", "order.paid", paid("o-3", 700, "JPY"));
  // The provider's own word on an order that the shop has told as well.
  await keep("2026-11-20T12:00:03.000Z", "e-7", "order.paid", paid("o-1", 123_450));
  const chat = chatFake(...(options.chat ?? []));
  const metrics = { read: vi.fn(options.read ?? (async () => health)) };
  const handle = create({ catalog, metrics, chat });
  return { catalog, chat, metrics, keep, handle: () => handle(run, delivery) };
}

describe("the report", () => {
  test("says how the day before was", async () => {
    const { catalog, chat, metrics, handle } = await setup();
    await handle();
    const text = [
      "Storefront on 2026-11-20",
      "New users: 2",
      "Revenue: €1,235.00, ¥700",
      "Error rate: 0.25 % of 2000 requests",
      "p99 latency: 182 ms",
      "Alerts: dead letters &lt;fulfil&gt; since 2026-11-20T20:00:00.000Z",
    ].join("\n");
    expect(chat.posts.map((post) => post.text)).toEqual([text]);
    expect(metrics.read.mock.calls).toEqual([
      [{ from: new Date("2026-11-19T23:00:00Z"), to: new Date("2026-11-20T23:00:00Z") }],
    ]);
    expect(catalog.at(row)).toMatchObject({ status: "posted", report: { text } });
  });

  test("of a day without anything says so", async () => {
    const chat = chatFake();
    const metrics = { read: async () => ({ requests: 0, errors: 0, alerts: [] }) };
    await create({ catalog: memoryTable(), metrics, chat })(run, delivery);
    expect(chat.posts[0]?.text.split("\n").slice(1)).toEqual([
      "New users: 0",
      "Revenue: none",
      "Error rate: no requests",
      "p99 latency: –",
      "Alerts: none",
    ]);
  });

  test("says which source failed, and the rest all the same", async () => {
    const { chat, keep, handle } = await setup({
      read: async () => {
        throw new PortError("throttled", "metrics: an inner word");
      },
    });
    await keep("2026-11-20T13:00:00.000Z", "e-8", "order.paid", { orderId: "o-4" });
    await handle();
    expect(chat.posts[0]?.text.split("\n").slice(1)).toEqual([
      "New users: 2",
      "Revenue: unknown: it failed",
      "Error rate: unknown: throttled",
      "p99 latency: unknown: throttled",
      "Alerts: unknown: throttled",
    ]);
  });

  test("does not wait longer than five seconds for any of them", async () => {
    const { chat, handle } = await setup({ read: () => new Promise(() => {}) });
    vi.useFakeTimers();
    const done = handle();
    await vi.advanceTimersByTimeAsync(4_999);
    expect(chat.posts).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await done;
    expect(chat.posts[0]?.text).toContain("Error rate: unknown: no answer within 5 s");
    expect(chat.posts[0]?.text).toContain("New users: 2");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("reads a day of any size", async () => {
    const { chat, keep, handle } = await setup();
    for (let n = 0; n < 2_500; n += 1)
      await keep(
        `2026-11-20T08:00:00.${String(n % 1000).padStart(3, "0")}Z`,
        `u-${n}`,
        "user.created",
        {},
      );
    await handle();
    expect(chat.posts[0]?.text).toContain("New users: 2502");
  });
});

describe("a day is posted", () => {
  test("once, however often its schedule is delivered", async () => {
    const { chat, handle } = await setup();
    await handle();
    await handle();
    expect(chat.posts).toHaveLength(1);
  });

  test("by one of two deliveries at a time", async () => {
    const { chat, handle } = await setup();
    await Promise.allSettled([handle(), handle()]);
    expect(chat.posts).toHaveLength(1);
  });

  test.each(["invalid", "throttled", "denied", "too-large"] as const)(
    "by a later delivery, where the chat said no (%s)",
    async (code) => {
      const { catalog, chat, handle } = await setup({ chat: [code, code] });
      await expect(handle()).rejects.toMatchObject({ code });
      await expect(handle()).rejects.toMatchObject({ code });
      expect(catalog.at(row)).toMatchObject({ status: "refused", attempt: "000002" });
      await handle();
      await handle();
      expect(chat.posts).toHaveLength(1);
      expect(catalog.at(row)).toMatchObject({ status: "posted", attempt: "000003" });
    },
  );

  test("again, where the chat could not be reached at all", async () => {
    const { catalog, chat, handle } = await setup();
    const away = async () => {
      throw new PortError("unavailable", "chat: ECONNREFUSED", { undone: true });
    };
    const first = create({ catalog, metrics: { read: async () => health }, chat: { post: away } });
    await expect(first(run, delivery)).rejects.toMatchObject({ code: "unavailable" });
    expect(catalog.at(row)).toMatchObject({ status: "refused" });
    await handle();
    expect(chat.posts).toHaveLength(1);
    expect(catalog.at(row)).toMatchObject({ status: "posted" });
  });

  test("by nobody again, where nobody knows whether it was: somebody has to look", async () => {
    const { catalog, chat, handle } = await setup({ chat: ["unavailable"] });
    await expect(handle()).rejects.toMatchObject({ code: "unavailable" });
    expect(catalog.at(row)).toMatchObject({ status: "posting" });
    await expect(handle()).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining("look whether it is in the chat"),
    });
    expect(chat.posts).toEqual([]);
  });

  test("by nobody again, where it was killed between posting and noting", async () => {
    const { catalog, chat, handle } = await setup();
    const { put } = catalog;
    catalog.put = async (key, document, options) => {
      if (document.status === "posted") throw new PortError("unavailable", "table: killed");
      return put(key, document, options);
    };
    const killed = create({ catalog, metrics: { read: async () => health }, chat });
    await expect(killed(run, delivery)).rejects.toMatchObject({ code: "unavailable" });
    catalog.put = put;
    await expect(handle()).rejects.toMatchObject({ code: "invalid" });
    expect(chat.posts).toHaveLength(1);
  });
});
