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
  /** "fargate" or "ec2", on instances of this account. Default: "fargate"; "ec2" where a GPU is needed */
  readonly on?: string;
  /** On "ec2". Default: "m7g.large"; with a GPU the one that the planner's prices are of, g5.xlarge */
  readonly instanceType?: string;
  /** Of a socket: connections that a task shall hold. Default: half of what it can, at most 2,500 */
  readonly connections?: number;
}

/** How a workload's tasks follow its load. */
export interface Scaling {
  readonly min: number;
  readonly max: number;
  readonly spot: number;
  /** Per task: requests a minute, connections, or messages that wait or are worked on. */
  readonly target: number;
}

/** How long a message may wait before another task is added, in seconds. */
const patience = 60;
/** What a consumer works on at once: one where the declared memory is for one, else ten. */
const atOnce = (workload: Workload): number =>
  workload.kind === "job" || workload.kind === "onObject" ? 1 : 10;

/**
 * Memory that one connection takes, in kB: an assumption, for an idle web socket with its TLS ended
 * elsewhere, its subscriptions, and a queue of what it has yet to send. A system that measures it says
 * `connections` instead.
 */
const connectionKb = 100;
/** What the entry for web sockets holds at the most: see runtime/entries/ecs/socket-limits.ts. */
const mostConnections = 5_000;

/** Whether clients come to a workload by the load balancer. */
export const answersRequests = ({ kind }: Workload): boolean =>
  kind === "http" || kind === "socket";

/** Requests that a task of a workload has in work at once, at the use that scaling aims at. */
const inWorkOf = (workload: Workload): number =>
  (taskSize(workload.load.memoryMb).vCpu * assumed.targetUse) / assumed.cpuShare;

/**
 * How a workload scales: from its declared load with the planner's assumptions, unless the stack says
 * otherwise. For queues the aim is the backlog that one task works off within a minute, for sockets
 * half of the connections that a task can hold: a deployment brings those of others.
 */
export function scalingOf(workload: Workload, capacity: Capacity = {}): Scaling {
  const { peakInWork, meanSeconds } = demandOf(workload.load);
  const answers = answersRequests(workload);
  const perTask = answers ? inWorkOf(workload) : atOnce(workload) * assumed.targetUse;
  const needed = Math.ceil((peakInWork / perTask) * 1.5);
  const min = capacity.min ?? (answers ? assumed.leastTasks.answering : 0);
  const target =
    workload.kind === "socket"
      ? (capacity.connections ??
        Math.min(mostConnections, (workload.load.memoryMb * 1_000) / connectionKb) / 2)
      : answers
        ? (perTask / meanSeconds) * 60
        : (atOnce(workload) * Math.max(meanSeconds, patience)) / meanSeconds;
  return {
    min,
    max:
      capacity.max ??
      Math.max(needed, 2 * assumed.leastTasks[answers ? "answering" : "consuming"], min),
    spot: capacity.spot ?? 0,
    target: Math.max(1, Math.floor(target)),
  };
}

/** What is wrong with the connections that a task shall hold. */
export const connectionFault = ({ connections }: Capacity = {}): Fault | undefined =>
  connections === undefined || (connections >= 1 && connections < mostConnections)
    ? undefined
    : `capacity.connections ${connections}; give 1 to ${mostConnections - 1}, for a task holds ${mostConnections} and refuses the rest`;

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

/** What a service starts tasks on: the first are on demand, and of the others as many as are not on Spot. */
export const fargateStrategies = (min: number, spot: number) => [
  {
    capacityProvider: "FARGATE",
    base: Math.max(1, min),
    weight: spot < 100 ? 100 - spot : 1,
  },
  // Without a weight the base would be placed nowhere: of a thousand one is on demand.
  ...(spot > 0 ? [{ capacityProvider: "FARGATE_SPOT", weight: spot < 100 ? spot : 1_000 }] : []),
];
