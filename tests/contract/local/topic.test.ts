import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Boss, openBoss, schema } from "../../../runtime/adapters/local/boss.ts";
import type { Postgres } from "../../../runtime/adapters/local/postgres.ts";
import { queueAdmin, queueConsumer } from "../../../runtime/adapters/local/queue.ts";
import { topic } from "../../../runtime/adapters/local/topic.ts";
import { queue as queueSpec } from "../../../spec/index.ts";
import { source } from "../suites/events.ts";
import { refusal } from "../suites/refusal.ts";
import { topicContract } from "../suites/topic.ts";
import { temporaryDatabase } from "./database.ts";

const options = queueSpec({ maxBytes: 1_048_576 });

topicContract("local topic", {
  async start() {
    const { pool, stop } = await temporaryDatabase();
    const boss = await openBoss(pool);
    return {
      async make(filters) {
        const subscribers = filters.map((filter) => ({
          queue: `q-${randomUUID()}`,
          options,
          filter,
        }));
        const { publish } = topic({ name: "events", source, boss, subscribers });
        const consumers = subscribers.map(({ queue }) =>
          queueConsumer({ name: queue, boss, options }),
        );
        return { publish, consumers };
      },
      async close() {
        await boss.stop();
        await stop();
      },
    };
  },
});

describe("a local topic", () => {
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

  it("puts an event into all queues or, where one cannot take it, into none", async () => {
    const subscribers = ["one", "two"].map((name) => ({
      queue: `${name}-${randomUUID()}`,
      options,
    }));
    const [one = { queue: "", options }, two = one] = subscribers;
    const { publish } = topic({ name: "events", source, boss, subscribers });
    await publish({ type: "first", data: {} });
    await postgres.pool.query(`select ${schema}.delete_queue($1)`, [two.queue]);
    expect(await refusal(publish({ type: "second", data: {} }))).toBe("unavailable");
    const admin = queueAdmin({ name: one.queue, boss, options });
    expect((await admin.depth()).waiting).toBe(1);
  });

  it("wakes a consumer that waits", async () => {
    const queue = `q-${randomUUID()}`;
    const { publish } = topic({ name: "events", source, boss, subscribers: [{ queue, options }] });
    const woken = new Promise<string>((resolve) => boss.news.once(queue, () => resolve("woken")));
    await publish({ type: "first", data: {} });
    expect(await woken).toBe("woken");
  });
});
