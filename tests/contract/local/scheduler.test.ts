import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Boss, openBoss } from "../../../runtime/adapters/local/boss.ts";
import type { Postgres } from "../../../runtime/adapters/local/postgres.ts";
import { queueAdmin, queueConsumer } from "../../../runtime/adapters/local/queue.ts";
import { scheduler, startSchedulerClock } from "../../../runtime/adapters/local/scheduler.ts";
import { sleep } from "../suites/refusal.ts";
import { drain, schedulerContract } from "../suites/scheduler.ts";
import { temporaryDatabase } from "./database.ts";

const options = { maxReceives: 3, visibilitySeconds: 30, maxBytes: 262_144 };
const onTrouble = (error: unknown) => {
  throw error;
};

function open(boss: Boss) {
  const name = `later-${randomUUID()}`;
  const queue = `queue-${randomUUID()}`;
  return {
    port: scheduler({ name, pool: boss.pool }),
    consumer: queueConsumer({ name: queue, boss, options }),
    admin: queueAdmin({ name: queue, boss, options }),
    clock: () => startSchedulerClock({ name, queue, boss, options, onTrouble }),
  };
}

schedulerContract("local scheduler", {
  async start() {
    const { pool, stop } = await temporaryDatabase();
    const boss = await openBoss(pool);
    const clocks: { stop(): Promise<void> }[] = [];
    return {
      async make() {
        const { port, consumer, clock } = open(boss);
        clocks.push(clock());
        return { scheduler: port, received: () => drain(consumer) };
      },
      now: Date.now,
      pass: sleep,
      async close() {
        for (const clock of clocks) await clock.stop();
        await boss.stop();
        await stop();
      },
    };
  },
});

describe("a local scheduler", () => {
  let postgres: Postgres;
  let boss: Boss;
  beforeAll(async () => {
    postgres = await temporaryDatabase();
    boss = await openBoss(postgres.pool);
  });
  afterAll(async () => {
    await boss?.stop();
    await postgres?.stop();
  });
  const until = async (condition: () => Promise<boolean>) => {
    for (let tries = 0; tries < 200 && !(await condition()); tries++) await sleep(50);
  };

  it("lists what is pending, the next first", async () => {
    const { port } = open(boss);
    const at = (minutes: number) => new Date(Date.now() + minutes * 60_000);
    const [second, first] = [at(20), at(10)];
    await port.at("b", second, { n: 2 });
    await port.at("a", first, { n: 1 });
    expect(await port.pending(10)).toEqual([
      { id: "a", at: first, body: { n: 1 } },
      { id: "b", at: second, body: { n: 2 } },
    ]);
    expect(await port.pending(1)).toHaveLength(1);
  });

  it("keeps what is scheduled out of the queue until its time", async () => {
    const { port, admin, clock } = open(boss);
    await port.at("far", new Date(Date.now() + 3_600_000), 1);
    const running = clock();
    await sleep(100);
    await running.stop();
    expect(await admin.depth()).toEqual({ waiting: 0, active: 0, dead: 0 });
  });

  it("sends what became due while nothing ran, each once by however many clocks", async () => {
    const { port, admin, consumer, clock } = open(boss);
    const ids = Array.from({ length: 250 }, (_, n) => `id-${n}`);
    await Promise.all(ids.map((id) => port.at(id, new Date(Date.now() - 1000), id)));
    const clocks = [clock(), clock(), clock()];
    await until(async () => (await port.pending(1)).length === 0);
    for (const running of clocks) await running.stop();
    expect(await admin.depth()).toMatchObject({ waiting: 250 });
    expect((await drain(consumer)).toSorted()).toEqual(ids.toSorted());
  });

  it("loses nothing where the queue cannot take it, says so, and goes on", async () => {
    const name = `later-${randomUUID()}`;
    const queue = `queue-${randomUUID()}`;
    const port = scheduler({ name, pool: boss.pool });
    await port.at("x", new Date(), "kept");
    const troubles: unknown[] = [];
    let failures = 1;
    const insert: Boss["boss"]["insert"] = async (...args) => {
      if (failures-- > 0) throw new Error("not now");
      return boss.boss.insert(...args);
    };
    const failing = { ...boss, boss: Object.create(boss.boss, { insert: { value: insert } }) };
    const running = startSchedulerClock({
      name,
      queue,
      boss: failing,
      options,
      onTrouble: (error) => troubles.push(error),
    });
    await until(async () => (await port.pending(1)).length === 0);
    await running.stop();
    expect(troubles).toEqual([new Error("not now")]);
    expect(await drain(queueConsumer({ name: queue, boss, options }))).toEqual(["kept"]);
  });
});
