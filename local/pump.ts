import { setTimeout as sleep } from "node:timers/promises";
import {
  type Delivery,
  isPortError,
  type MessageHandler,
  type QueueConsumer,
} from "../runtime/ports/index.ts";

/** What happened to a delivery that was not done. */
export type Trouble = { readonly outcome: "retry" | "reject" | "receive"; readonly error: unknown };

export interface PumpOptions {
  readonly consumer: QueueConsumer;
  readonly handler: MessageHandler;
  /** Most messages taken at a time, 1 to 10. */
  readonly batch: number;
  /** Most messages worked on at a time. Default: 20 */
  readonly concurrency?: number;
  readonly onTrouble: (trouble: Trouble) => void;
}

export interface Pump {
  /** Takes no more messages, and returns when those being worked on have ended. */
  stop(): Promise<void>;
}

/** Seconds until a message that failed is tried again: 1, 2, 4 … at most 15 minutes. */
export const backoffSeconds = (receives: number): number => Math.min(2 ** (receives - 1), 900);

/** What a failed delivery deserves: no retry can help what is invalid or too large. */
export const outcomeOf = (error: unknown): "retry" | "reject" =>
  isPortError(error, "invalid") || isPortError(error, "too-large") ? "reject" : "retry";

/** Carries a queue's messages to a workload until it is stopped. */
export function startPump(options: PumpOptions): Pump {
  const { consumer, handler, onTrouble } = options;
  const concurrency = options.concurrency ?? 20;
  const batch = Math.max(1, Math.min(10, options.batch));
  const working = new Set<Promise<void>>();
  let stopping = false;

  const run = async () => {
    while (!stopping) {
      if (working.size >= concurrency) {
        await Promise.race(working);
        continue;
      }
      try {
        const most = Math.min(batch, concurrency - working.size);
        for (const delivery of await consumer.receive(most, 1)) {
          const work = handle(delivery, handler, onTrouble).finally(() => working.delete(work));
          working.add(work);
        }
      } catch (error) {
        if (stopping) break;
        onTrouble({ outcome: "receive", error });
        await sleep(1000);
      }
    }
    await Promise.all(working);
  };
  const ended = run();
  return {
    stop() {
      stopping = true;
      return ended;
    },
  };
}

async function handle(
  delivery: Delivery,
  handler: MessageHandler,
  onTrouble: PumpOptions["onTrouble"],
): Promise<void> {
  try {
    try {
      await handler(delivery.message);
    } catch (error) {
      const outcome = outcomeOf(error);
      onTrouble({ outcome, error });
      const reason = error instanceof Error ? error.message : String(error);
      await (outcome === "reject"
        ? delivery.reject(reason)
        : delivery.retry(reason, backoffSeconds(delivery.message.receives)));
      return;
    }
    await delivery.done();
  } catch (error) {
    // The answer did not reach the queue: the message comes again when its visibility ends.
    onTrouble({ outcome: "receive", error });
  }
}
