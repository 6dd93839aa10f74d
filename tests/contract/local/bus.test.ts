import { randomUUID } from "node:crypto";
import { openBoss } from "../../../runtime/adapters/local/boss.ts";
import { bus } from "../../../runtime/adapters/local/bus.ts";
import { queueConsumer } from "../../../runtime/adapters/local/queue.ts";
import { queue as queueSpec } from "../../../spec/index.ts";
import { busContract } from "../suites/bus.ts";
import { source } from "../suites/events.ts";
import { temporaryDatabase } from "./database.ts";

busContract("local bus", {
  async start() {
    const { pool, stop } = await temporaryDatabase();
    const boss = await openBoss(pool);
    const options = queueSpec({ maxBytes: 1_048_576 });
    return {
      async make(patterns) {
        const subscribers = patterns.map((pattern) => ({
          queue: `q-${randomUUID()}`,
          options,
          pattern,
        }));
        const { publish } = bus({ name: "facts", source, boss, subscribers });
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
