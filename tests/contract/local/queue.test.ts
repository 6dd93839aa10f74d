import { randomUUID } from "node:crypto";
import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  type Boss,
  openBoss,
  type QueueOptions,
  schema,
} from "../../../runtime/adapters/local/boss.ts";
import type { Postgres } from "../../../runtime/adapters/local/postgres.ts";
import { queue, queueAdmin, queueConsumer } from "../../../runtime/adapters/local/queue.ts";
import { queueContract } from "../suites/queue.ts";
import { refusal } from "../suites/refusal.ts";
import { temporaryDatabase } from "./database.ts";

queueContract("local queue", {
  async start() {
    const { pool, stop } = await temporaryDatabase();
    const boss = await openBoss(pool, { superviseSeconds: 1 });
    return {
      async make(options) {
        const args = { name: `queue-${randomUUID()}`, boss, options };
        return { queue: queue(args), consumer: queueConsumer(args), admin: queueAdmin(args) };
      },
      async close() {
        await boss.stop();
        await stop();
      },
    };
  },
});

describe("a local queue", () => {
  let postgres: Postgres;
  let boss: Boss;
  beforeAll(async () => {
    postgres = await temporaryDatabase();
    boss = await openBoss(postgres.pool, { superviseSeconds: 1 });
  });
  afterAll(async () => {
    await boss?.stop();
    await postgres?.stop();
  });

  const declared = { maxReceives: 3, visibilitySeconds: 30, maxBytes: 262_144 };
  const open = (name: string, options: Partial<QueueOptions> = {}) => {
    const args = { name, boss, options: { ...declared, ...options } };
    return { queue: queue(args), consumer: queueConsumer(args), admin: queueAdmin(args) };
  };
  const newName = () => `queue-${randomUUID()}`;

  it("stores 2,000 messages that are sent at once, each once, in few statements", async () => {
    const { queue, admin } = open(newName());
    const insert = vi.spyOn(boss.boss, "insert");
    const sent = await Promise.all(Array.from({ length: 2000 }, (_, n) => queue.send({ n })));
    expect(new Set(sent.map(({ id }) => id)).size).toBe(2000);
    expect(await admin.depth()).toEqual({ waiting: 2000, active: 0, dead: 0 });
    expect(insert.mock.calls.length).toBeLessThanOrEqual(4);
    insert.mockRestore();
  });

  it("leaves a message alone that another receiver has by now", async () => {
    const { queue, consumer, admin } = open(newName(), { visibilitySeconds: 1 });
    await queue.send("slow");
    const [first] = await consumer.receive(1, 5);
    const [second] = await consumer.receive(1, 10);
    expect(second?.message.receives).toBe(2);
    await first?.reject("too late");
    await first?.retry("too late", 60);
    await first?.done();
    expect(await admin.depth()).toEqual({ waiting: 0, active: 1, dead: 0 });
    await second?.done();
    expect(await admin.depth()).toEqual({ waiting: 0, active: 0, dead: 0 });
  });

  it("follows its declaration where that has changed since the queue was made", async () => {
    const name = newName();
    const before = open(name, { maxReceives: 5 });
    await before.queue.send("before");
    await (await before.consumer.receive(1, 5))[0]?.done();
    const other = await openBoss(postgres.pool);
    const args = { name, boss: other, options: { ...declared, maxReceives: 1 } };
    await queue(args).send("after");
    await (await queueConsumer(args).receive(1, 5))[0]?.retry("once is enough");
    expect(await queueAdmin(args).depth()).toEqual({ waiting: 0, active: 0, dead: 1 });
    await other.stop();
  });

  it("answers no send that was not stored, even where its queue was removed", async () => {
    const name = newName();
    const { queue } = open(name);
    await queue.send("makes the queue");
    await boss.boss.getQueue(name);
    await postgres.pool.query(`select ${schema}.delete_queue($1)`, [name]);
    expect(await refusal(queue.send("lost?"))).toBe("unavailable");
  });

  it("is unavailable, with the cause, where the database is gone", async () => {
    const pool = new Pool({ connectionString: postgres.url });
    pool.on("error", () => {});
    const other = await openBoss(pool);
    const args = { name: newName(), boss: other, options: declared };
    await queue(args).send("makes the queue");
    await other.stop();
    await pool.end();
    for (const call of [
      () => queue(args).send("x"),
      () => queueConsumer(args).receive(1, 0),
      () => queueAdmin(args).depth(),
    ]) {
      const failing = call();
      expect(await refusal(failing)).toBe("unavailable");
      await expect(failing).rejects.toMatchObject({ cause: expect.any(Error) });
    }
  });
});
