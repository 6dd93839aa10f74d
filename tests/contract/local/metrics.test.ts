import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { deadLetterAlerts } from "../../../runtime/adapters/local/dead-letter-alerts.ts";
import { metrics } from "../../../runtime/adapters/local/metrics.ts";
import type { Postgres } from "../../../runtime/adapters/local/postgres.ts";
import type { Health } from "../../../runtime/ports/index.ts";
import { metricsContract } from "../suites/metrics.ts";
import { refusal } from "../suites/refusal.ts";
import { temporaryDatabase } from "./database.ts";

metricsContract("local metrics", {
  async make() {
    const { pool, stop } = await temporaryDatabase();
    let time = Date.now();
    const alerts: Health["alerts"][number][] = [];
    const adapter = metrics({
      name: "metrics",
      pool,
      now: () => time,
      alerts: async () => alerts,
    });
    return {
      metrics: adapter,
      async serve(requests) {
        for (const { at, ms, status } of requests) {
          time = at.getTime();
          adapter.record({ ms, status });
        }
      },
      async alert() {
        alerts.push({ name: "mails: 1 dead letters", since: new Date() });
        return "mails: 1 dead letters";
      },
      async close() {
        await adapter.stop();
        await stop();
      },
    };
  },
});

describe("local metrics", () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await temporaryDatabase();
  });
  afterAll(() => postgres?.stop());

  const hour = (day: string) => {
    const from = new Date(`${day}T10:00:00Z`);
    return { from, to: new Date(from.getTime() + 3_600_000) };
  };
  const open = (day: string) =>
    metrics({ name: "metrics", pool: postgres.pool, now: () => hour(day).from.getTime() });

  it("are there after a stop, added up over all that counted", async () => {
    const [one, two] = [open("2026-11-01"), open("2026-11-01")];
    for (const { record } of [one, two, two]) record({ ms: 10, status: 500 });
    await Promise.all([one.stop(), two.stop()]);
    expect(await open("2026-11-01").read(hour("2026-11-01"))).toMatchObject({
      requests: 3,
      errors: 3,
    });
  });

  it("count each request once, while they are stored and read at the same time", async () => {
    const counter = open("2026-11-02");
    const reads = Array.from({ length: 10 }, () => {
      for (let n = 0; n < 100; n++) counter.record({ ms: n, status: 200 });
      return counter.read(hour("2026-11-02"));
    });
    await Promise.all(reads);
    expect(await counter.read(hour("2026-11-02"))).toMatchObject({ requests: 1000 });
  });

  it("lose nothing that could not be stored, and store it the next time", async () => {
    const counter = open("2026-11-03");
    counter.record({ ms: 1, status: 200 });
    const query = vi.spyOn(postgres.pool, "query").mockRejectedValueOnce(new Error("gone"));
    expect(await refusal(counter.read(hour("2026-11-03")))).toBe("unavailable");
    query.mockRestore();
    counter.record({ ms: 1, status: 200 });
    expect(await counter.read(hour("2026-11-03"))).toMatchObject({ requests: 2 });
  });

  it("are stored by themselves within seconds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const query = vi.spyOn(postgres.pool, "query");
    const counter = open("2026-11-04");
    counter.record({ ms: 1, status: 200 });
    expect(query).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(5_000);
    vi.useRealTimers();
    expect(query).toHaveBeenCalled();
    query.mockRestore();
    await counter.stop();
  });

  it("forget what is older than 32 days", async () => {
    const old = open("2026-09-01");
    old.record({ ms: 1, status: 200 });
    await old.stop();
    const later = open("2026-10-04");
    later.record({ ms: 1, status: 200 });
    await later.stop();
    expect(await later.read(hour("2026-09-01"))).toMatchObject({ requests: 0 });
    expect(await later.read(hour("2026-10-04"))).toMatchObject({ requests: 1 });
  });
});

describe("alerts of dead letters", () => {
  const queueOf = (...times: string[]) => ({
    depth: async () => ({ waiting: 5, active: 1, dead: times.length }),
    deadLetters: async () =>
      times.map((at, n) => ({ id: `${n}`, body: null, reason: "bad", at: new Date(at) })),
  });

  it("name each queue that has some, since the oldest of them", async () => {
    const queues = new Map([
      ["mails", queueOf("2026-11-21T10:00:00Z", "2026-11-20T10:00:00Z")],
      ["inbox", queueOf()],
    ]);
    expect(await deadLetterAlerts(queues)()).toEqual([
      { name: "mails: 2 dead letters", since: new Date("2026-11-20T10:00:00Z") },
    ]);
  });
});
