/**
 * A consumer as in a container, which says when it has begun and ended a message.
 * Its messages: SLOW_MS each, of which there are MESSAGES.
 */
import { consume } from "../../../runtime/entries/ecs/consumer.ts";
import { memoryQueue } from "./memory-queue.ts";

const count = Number(process.env.MESSAGES ?? 1);
const queue = memoryQueue(Array.from({ length: count }, (_, n) => n));

consume({
  consumer: queue.consumer,
  feed: "queue",
  visibilitySeconds: 30,
  waitSeconds: 0.05,
  concurrency: 1,
  drainSeconds: Number(process.env.DRAIN_SECONDS ?? 5),
  handler: async ({ id }: { readonly id: string }) => {
    console.log(`begins ${id}`);
    if (process.env.BREAK) queue.state.broken = true;
    await new Promise((resolve) => setTimeout(resolve, Number(process.env.SLOW_MS ?? 0)));
    console.log(`ends ${id}`);
  },
  onTrouble: ({ error }) => console.log(`trouble ${(error as Error).message}`),
});
