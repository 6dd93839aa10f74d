import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cronFault, nextRun, runsBetween, timeZoneFault } from "../../spec/schedule.ts";

const runs = (cron: string, zone: string, after: string, until: string) =>
  [...runsBetween(cron, zone, new Date(after), new Date(until))].map((run) =>
    run.toISOString().replace(":00.000Z", "Z"),
  );

describe("the next run of a schedule", () => {
  test.each([
    ["0 6 * * *", "UTC", "2026-11-21T05:59:59.999Z", "2026-11-21T06:00:00.000Z"],
    ["0 6 * * *", "UTC", "2026-11-21T06:00:00.000Z", "2026-11-22T06:00:00.000Z"],
    ["0 6 * * *", "Europe/Berlin", "2026-01-15T00:00:00.000Z", "2026-01-15T05:00:00.000Z"],
    ["0 6 * * *", "Europe/Berlin", "2026-07-15T00:00:00.000Z", "2026-07-15T04:00:00.000Z"],
    ["0 6 * * *", "America/New_York", "2026-07-15T00:00:00.000Z", "2026-07-15T10:00:00.000Z"],
    ["45 5 * * *", "Asia/Kathmandu", "2026-07-15T00:00:00.000Z", "2026-07-16T00:00:00.000Z"],
    ["0 0 29 2 *", "UTC", "2026-11-21T00:00:00.000Z", "2028-02-29T00:00:00.000Z"],
    ["0 8 * * 1", "Europe/Berlin", "2026-11-21T00:00:00.000Z", "2026-11-23T07:00:00.000Z"],
  ])("of %s in %s after %s is %s", (cron, zone, after, expected) => {
    expect(nextRun(cron, zone, new Date(after))?.toISOString()).toBe(expected);
  });

  test("is none for a day that never comes", () => {
    expect(nextRun("0 0 30 2 *", "UTC", new Date())).toBeUndefined();
  });

  test("is none for a time that the clock always leaves out", () => {
    // The last Sunday of March is the day on which Berlin puts its clocks forward.
    expect(nextRun("30 2 * 3 0L", "Europe/Berlin", new Date("2026-01-01"))).toBeUndefined();
  });

  test("keeps out of the range's begin and within its end", () => {
    expect(runs("0 * * * *", "UTC", "2026-11-21T01:00Z", "2026-11-21T03:00Z")).toEqual([
      "2026-11-21T02:00Z",
      "2026-11-21T03:00Z",
    ]);
  });
});

describe("where the clock is put forward", () => {
  test.each([
    ["Europe/Berlin", "2026-03-28T01:30Z", "2026-03-30T00:30Z", "2026-03-27T12:00Z"],
    ["America/New_York", "2026-03-07T07:30Z", "2026-03-09T06:30Z", "2026-03-07T00:00Z"],
  ])("a time that %s leaves out is not run that day", (zone, before, after, from) => {
    const until = new Date(Date.parse(from) + 3 * 86_400_000).toISOString();
    expect(runs("30 2 * * *", zone, from, until).slice(0, 2)).toEqual([before, after]);
  });

  test("a time of every day is run one hour sooner by UTC", () => {
    expect(runs("0 6 * * *", "Europe/Berlin", "2026-03-28T00:00Z", "2026-03-30T00:00Z")).toEqual([
      "2026-03-28T05:00Z",
      "2026-03-29T04:00Z",
    ]);
  });

  test("every half hour goes on without a gap", () => {
    expect(runs("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:10Z", "2026-03-29T01:45Z")).toEqual(
      ["2026-03-29T00:30Z", "2026-03-29T01:00Z", "2026-03-29T01:30Z"],
    );
  });
});

describe("where the clock is put back", () => {
  test.each([
    ["Europe/Berlin", "30 2 * * *", "2026-10-25T00:30Z", "2026-10-26T01:30Z", "2026-10-24T12:00Z"],
    [
      "America/New_York",
      "30 1 * * *",
      "2026-11-01T05:30Z",
      "2026-11-02T06:30Z",
      "2026-10-31T12:00Z",
    ],
  ])("a time that %s shows twice is run the first time", (zone, cron, first, next, from) => {
    const until = new Date(Date.parse(from) + 2 * 86_400_000).toISOString();
    expect(runs(cron, zone, from, until)).toEqual([first, next]);
  });

  test("asked between the two, it is the next day's", () => {
    expect(nextRun("30 2 * * *", "Europe/Berlin", new Date("2026-10-25T01:10Z"))).toEqual(
      new Date("2026-10-26T01:30Z"),
    );
  });

  test("every half hour pauses while the hour is shown again", () => {
    expect(runs("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00Z", "2026-10-25T02:30Z")).toEqual(
      ["2026-10-25T00:30Z", "2026-10-25T02:00Z", "2026-10-25T02:30Z"],
    );
  });

  test("a clock that goes by half an hour (Lord Howe Island) follows the same rule", () => {
    // 2026-04-05 at 02:00 (+11:00) it shows 01:30 (+10:30).
    expect(
      runs("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00Z", "2026-04-06T00:00Z"),
    ).toEqual(["2026-04-04T14:45Z", "2026-04-05T15:15Z"]);
  });
});

describe("whatever the schedule", () => {
  const field = (most: number, least = 0) =>
    fc.oneof(
      fc.constant("*"),
      fc.integer({ min: least, max: most }).map(String),
      fc.integer({ min: 1, max: most }).map((step) => `*/${step}`),
    );
  const cron = fc
    .tuple(field(59), field(23), field(28, 1), field(12, 1), field(6))
    .map((fields) => fields.join(" "));
  const zone = fc.constantFrom(
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Africa/Cairo",
  );
  const moment = fc.date({
    min: new Date("2026-01-01"),
    max: new Date("2027-12-31"),
    noInvalidDate: true,
  });

  test("runs are later than asked, in order, and never show the same time twice", () => {
    fc.assert(
      fc.property(cron, zone, moment, (expression, timeZone, after) => {
        const until = new Date(after.getTime() + 2 * 86_400_000);
        const found = [...runsBetween(expression, timeZone, after, until)];
        const all = [after, ...found];
        expect(found.every((run, index) => run > (all[index] as Date))).toBe(true);
        const shown = found.map((run) => run.toLocaleString("en", { timeZone }));
        expect(new Set(shown).size).toBe(shown.length);
      }),
      { numRuns: 60 },
    );
  });

  test("the runs of two spans are those of both together", () => {
    fc.assert(
      fc.property(cron, zone, moment, fc.integer({ min: 1, max: 2880 }), (c, z, after, minutes) => {
        const middle = new Date(after.getTime() + minutes * 60_000);
        const until = new Date(after.getTime() + 2 * 86_400_000);
        expect([...runsBetween(c, z, after, middle), ...runsBetween(c, z, middle, until)]).toEqual([
          ...runsBetween(c, z, after, until),
        ]);
      }),
      { numRuns: 60 },
    );
  });
});

describe("what is wrong with a schedule", () => {
  test.each([
    ["0 6 * *", /five fields/],
    ["0 0 0 6 * *", /five fields/],
    ["61 6 * * *", /not understood/],
    ["0 0 31 2 *", /never fires/],
  ])("%s is refused", (cron, fault) => {
    expect(cronFault(cron)).toMatch(fault);
  });

  test("an unknown time zone is refused, a known one is not", () => {
    expect(timeZoneFault("Europe/Atlantis")).toMatch(/IANA/);
    expect(timeZoneFault("Europe/Berlin")).toBeUndefined();
  });
});
