import { type ConsumerOptions, consume } from "../../runtime/entries/ecs/consumer.ts";
import { tell } from "./lifeline.ts";

/** A workload's consumer on this machine: as in its container. */
export function work(options: ConsumerOptions): void {
  consume(options);
  tell({ kind: "ready" });
}
