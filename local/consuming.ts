import { type System, timeLimitSeconds, type Workload } from "../spec/index.ts";
import type { QueueSource } from "./workloads.ts";

/** Messages of one workload that are worked on at a time, by each process. */
const concurrency = 20;
/** How long a stop waits for what is being worked on, in seconds. */
export const drainSeconds = 10;

/** How a workload consumes its queue, in this process or in one of its own: plain data. */
export function consumingOf(system: System, name: string, source: QueueSource) {
  const workload = system.workloads[name] as Workload;
  const { feed, options, batch } = source;
  return {
    feed,
    batch,
    concurrency,
    visibilitySeconds: options.visibilitySeconds,
    ...(workload.kind !== "job" && { timeLimitSeconds: timeLimitSeconds(workload) }),
    waitSeconds: 1,
    drainSeconds,
  };
}
