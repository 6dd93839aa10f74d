import { assumed, demandOf, taskSize } from "../../planner/index.ts";
import type { Workload } from "../../spec/index.ts";
import type { Fault } from "../shared/validation.ts";

/** What a stack may say of a workload's tasks. */
export interface Capacity {
  /** Fewest tasks. Default: 2 where requests are answered; 0 where a queue waits */
  readonly min?: number;
  /** Most tasks. Default: half more than the declared peak needs, at least 4 or 2 */
  readonly max?: number;
  /** Share of the tasks beyond the fewest that runs on Spot, in percent. Default: 0 */
  readonly spot?: number;
}

/** How a workload's tasks follow its load. */
export interface Scaling {
  readonly min: number;
  readonly max: number;
  readonly spot: number;
  /** Requests per task and minute, or messages that wait or are worked on, per task. */
  readonly target: number;
}

/** How long a message may wait before another task is added, in seconds. */
const patience = 60;
/** What a consumer works on at once: one where the declared memory is for one, else ten. */
const atOnce = (workload: Workload): number =>
  workload.kind === "job" || workload.kind === "onObject" ? 1 : 10;

export const answersRequests = ({ kind }: Workload): boolean => kind === "http";

/** Requests that a task of a workload has in work at once, at the use that scaling aims at. */
const inWorkOf = (workload: Workload): number =>
  (taskSize(workload.load.memoryMb).vCpu * assumed.targetUse) / assumed.cpuShare;

/**
 * How a workload scales: from its declared load with the planner's assumptions, unless the stack says
 * otherwise. For queues the aim is the backlog that one task works off within a minute.
 */
export function scalingOf(workload: Workload, capacity: Capacity = {}): Scaling {
  const { peakInWork, meanSeconds } = demandOf(workload.load);
  const answers = answersRequests(workload);
  const perTask = answers ? inWorkOf(workload) : atOnce(workload) * assumed.targetUse;
  const needed = Math.ceil((peakInWork / perTask) * 1.5);
  const min = capacity.min ?? (answers ? assumed.leastTasks.answering : 0);
  const target = answers
    ? Math.max(1, Math.floor((perTask / meanSeconds) * 60))
    : Math.max(1, Math.floor((atOnce(workload) * Math.max(meanSeconds, patience)) / meanSeconds));
  return {
    min,
    max:
      capacity.max ??
      Math.max(needed, 2 * assumed.leastTasks[answers ? "answering" : "consuming"], min),
    spot: capacity.spot ?? 0,
    target,
  };
}

/** What is wrong with a workload's capacity. */
export function capacityFaults({ min, max, spot }: Scaling): Fault[] {
  const whole = (value: number) => Number.isInteger(value) && value >= 0;
  return [
    ...(whole(min) && whole(max) && max >= 1 && max >= min
      ? []
      : [`capacity of ${min} to ${max} tasks; give whole numbers, min from 0, max from 1 and min`]),
    ...(whole(spot) && spot <= 100 ? [] : [`capacity.spot ${spot}; give percent, 0 to 100`]),
  ];
}
