import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  intoQueue,
  type LocalSchedule,
  type Schedules,
  startSchedules,
} from "../../local/schedules.ts";
import { openBoss } from "../../runtime/adapters/local/boss.ts";
import type { Postgres } from "../../runtime/adapters/local/postgres.ts";
import { queueConsumer } from "../../runtime/adapters/local/queue.ts";
import { isPortError } from "../../runtime/ports/index.ts";
import { temporaryDatabase } from "../contract/local/database.ts";

describe("schedules on this machine", () => {
  let postgres: Postgres;
  let clock: Date;
  let sent: string[];
  let troubles: string[];
  let running: Schedules[];
  /** What happens to the next runs in their transactions. */
  let fault: Error | undefined;

  beforeAll(async () => {
    postgres = await temporaryDatabase();
    await postgres.pool.query("create table sent (workload text, scheduled_at text)");
  });
  afterAll(() => postgres.stop());
  beforeEach(async () => {
    for (const one of running ?? []) await one.stop();
    await postgres.pool.query(
      "truncate sent, spillway.schedules, spillway.schedule_runs restart identity",
    );
    [sent, troubles, running, fault] = [[], [], [], undefined];
    clock = new Date("2026-11-21T05:30:00Z");
  });

  const schedule = (cron: string, timeZone = "UTC"): LocalSchedule => ({
    workload: "daily",
    cron,
    timeZone,
    send: async ({ scheduledAt }, client) => {
      await client.query("insert into sent values ('daily', $1)", [scheduledAt]);
      if (fault) throw fault;
      return () => sent.push(scheduledAt);
    },
  });
  /** As a host that starts; its timer is left to itself, the tests look by themselves. */
  const start = async (cron = "0 * * * *", timeZone?: string) => {
    const started = await startSchedules({
      schedules: [schedule(cron, timeZone)],
      pool: postgres.pool,
      now: () => clock,
      everyMs: 3_600_000,
      onTrouble: (workload, error) => troubles.push(`${workload}: ${(error as Error).message}`),
    });
    running.push(started);
    await started.look();
    return started;
  };
  const at = async (host: Schedules, time: string) => {
    clock = new Date(`2026-11-${time}Z`);
    await host.look();
  };
  const stored = async () => {
    const { rows } = await postgres.pool.query<{ scheduled_at: string }>("table sent");
    return rows.map((row) => row.scheduled_at.slice(8, 16));
  };

  test("a run is sent when its time has come, with the time that was meant", async () => {
    const host = await start();
    expect(await stored()).toEqual([]);
    await at(host, "21T05:59:59.999");
    expect(await stored()).toEqual([]);
    await at(host, "21T06:00:00.700");
    await at(host, "21T06:00:01.700");
    await at(host, "21T07:00:00.100");
    expect(sent).toEqual(["2026-11-21T06:00:00.000Z", "2026-11-21T07:00:00.000Z"]);
  });

  test("its own timer looks at the clock", async () => {
    clock = new Date("2026-11-21T05:59:59Z");
    const started = await startSchedules({
      schedules: [schedule("0 * * * *")],
      pool: postgres.pool,
      now: () => clock,
      everyMs: 5,
      onTrouble: () => {},
    });
    running.push(started);
    clock = new Date("2026-11-21T06:00:00Z");
    await expect.poll(() => sent).toEqual(["2026-11-21T06:00:00.000Z"]);
  });

  test("nothing is missed by a schedule that is new", async () => {
    await start("0 5 * * *");
    expect(await stored()).toEqual([]);
  });

  test("the time zone decides", async () => {
    const host = await start("0 6 * * *", "Europe/Berlin");
    await at(host, "22T04:59:59");
    expect(await stored()).toEqual([]);
    await at(host, "22T05:00:00");
    expect(await stored()).toEqual(["22T05:00"]);
  });

  describe("a host that was down", () => {
    test("sends the last run that was missed, once", async () => {
      await (await start()).stop();
      clock = new Date("2026-11-21T09:10:00Z");
      await start();
      await start();
      expect(await stored()).toEqual(["21T09:00"]);
    });

    test("does not send one that is older than a day", async () => {
      await (await start("0 6 * * 6")).stop();
      clock = new Date("2026-11-22T06:00:01Z");
      await start("0 6 * * 6");
      expect(await stored()).toEqual([]);
    });

    test("sends one that is a little younger", async () => {
      await (await start("0 6 * * 6")).stop();
      clock = new Date("2026-11-22T05:59:59Z");
      await start("0 6 * * 6");
      expect(await stored()).toEqual(["21T06:00"]);
    });

    test("does not send again what was sent before", async () => {
      const host = await start();
      await at(host, "21T06:00:00");
      clock = new Date("2026-11-21T06:00:30Z");
      await start();
      expect(await stored()).toEqual(["21T06:00"]);
    });

    test("has missed nothing of a schedule that was changed meanwhile", async () => {
      await (await start("0 * * * *")).stop();
      clock = new Date("2026-11-21T09:10:00Z");
      await start("5 * * * *");
      expect(await stored()).toEqual([]);
    });
  });

  test("a run whose transaction breaks is not noted, and sent at the next look", async () => {
    const host = await start();
    fault = new Error("killed");
    await at(host, "21T06:00:00");
    expect(await stored()).toEqual([]);
    expect(troubles).toEqual(["daily: killed"]);
    fault = undefined;
    await at(host, "21T06:00:01");
    expect(await stored()).toEqual(["21T06:00"]);
  });

  test("two hosts on one database send a run once", async () => {
    const hosts = [await start(), await start()];
    clock = new Date("2026-11-21T06:00:00Z");
    await Promise.all(hosts.map((host) => host.look()));
    expect(await stored()).toEqual(["21T06:00"]);
  });

  describe("a clock that is set", () => {
    test("back, sends nothing twice, and goes on after what was sent", async () => {
      const host = await start();
      await at(host, "21T06:00:00");
      await at(host, "21T07:00:00");
      await at(host, "21T05:59:00");
      await at(host, "21T06:00:00");
      await at(host, "21T07:00:00");
      await at(host, "21T08:00:00");
      expect(await stored()).toEqual(["21T06:00", "21T07:00", "21T08:00"]);
    });

    test("back over a restart, sends nothing twice", async () => {
      await at(await start(), "21T06:00:00");
      clock = new Date("2026-11-21T05:59:00Z");
      await at(await start(), "21T06:00:00");
      expect(await stored()).toEqual(["21T06:00"]);
    });

    test("forward by hours, sends the last run only", async () => {
      const host = await start();
      await at(host, "21T11:20:00");
      expect(await stored()).toEqual(["21T11:00"]);
    });

    test("back from days ahead, does not wait for these days", async () => {
      const host = await start("0 6 * * *");
      await at(host, "29T06:00:00");
      await at(host, "21T05:59:00");
      await at(host, "21T06:00:00");
      expect(await stored()).toEqual(["29T06:00", "21T06:00"]);
      clock = new Date("2026-11-22T06:00:00Z");
      await start("0 6 * * *");
      await at(host, "29T06:00:10");
      expect(await stored()).toEqual(["29T06:00", "21T06:00", "22T06:00"]);
    });
  });

  describe("run now", () => {
    test("sends a run of this moment, and leaves the schedule as it is", async () => {
      const host = await start();
      clock = new Date("2026-11-21T05:45:00.123Z");
      expect(await host.runNow("daily")).toEqual({ scheduledAt: clock });
      expect(sent).toEqual(["2026-11-21T05:45:00.123Z"]);
      await at(host, "21T06:00:00");
      expect(await stored()).toEqual(["21T05:45", "21T06:00"]);
    });

    test("of what is no schedule is refused", async () => {
      const host = await start();
      const refused = await host.runNow("weekly").catch((error) => error);
      expect(isPortError(refused, "not-found")).toBe(true);
    });
  });

  test("a workload's queue receives the run as its message", async () => {
    const boss = await openBoss(postgres.pool);
    const options = { maxReceives: 5, visibilitySeconds: 180, maxBytes: 1024 };
    const started = await startSchedules({
      schedules: [{ ...schedule("0 * * * *"), send: intoQueue(boss, "daily", options) }],
      pool: postgres.pool,
      now: () => clock,
      everyMs: 3_600_000,
      onTrouble: (_, error) => troubles.push(String(error)),
    });
    running.push(started);
    const received = queueConsumer({ name: "daily", boss, options }).receive(1, 20);
    await at(started, "21T06:00:00");
    expect((await received).map(({ message }) => message.body)).toEqual([
      { scheduledAt: "2026-11-21T06:00:00.000Z" },
    ]);
    expect(troubles).toEqual([]);
    await boss.stop();
  });

  test("the list says what comes next and what came last, after a restart too", async () => {
    const host = await start("0 * * * *", "Europe/Berlin");
    const listed = {
      workload: "daily",
      cron: "0 * * * *",
      timeZone: "Europe/Berlin",
      nextRun: new Date("2026-11-21T06:00:00Z"),
    };
    expect(host.list()).toEqual([listed]);
    await at(host, "21T06:00:00");
    const after = {
      ...listed,
      nextRun: new Date("2026-11-21T07:00:00Z"),
      lastRun: new Date("2026-11-21T06:00:00Z"),
    };
    expect(host.list()).toEqual([after]);
    expect((await start("0 * * * *", "Europe/Berlin")).list()).toEqual([after]);
  });

  test("of what was sent, no more is remembered than two days of minutes", async () => {
    await postgres.pool.query(
      `insert into spillway.schedule_runs (workload, scheduled_at, manual)
       select 'daily', now() - n * interval '1 minute', true from generate_series(1, 4000) n`,
    );
    const host = await start();
    await host.runNow("daily");
    const { rows } = await postgres.pool.query<{ count: number }>(
      "select count(*)::int from spillway.schedule_runs",
    );
    expect(rows[0]?.count).toBe(2881);
  });
});
