import { awsUsEast1, type PriceList } from "../../planner/index.ts";
import { admissionEnv, type System, twinEnv, type Workload } from "../../spec/index.ts";
import type { Fault } from "../shared/validation.ts";
import type { WorkloadFunction } from "./Function.ts";
import { memoryOf } from "./function-plan.ts";
import { type Capacity, scalingOf } from "./scaling-plan.ts";
import type { EndpointKind } from "./security-groups.ts";

/** What a stack may say of the overflow of a workload. */
export interface Overflow {
  /** Most that calls of its twin may cost within any hour, in USD. Default: 1 */
  readonly perHourUsd?: number;
  /** Most concurrent calls of the twin. Default: where a database is behind it, as the planner says */
  readonly concurrency?: number;
  /** Most requests that a task works on at once. Default: 200, below which the limit adapts */
  readonly ceiling?: number;
}
export type Overflows = Readonly<Record<string, Overflow>>;
/** Function twins by workload: `ServerlessEdge.functions`. */
export type Twins = Readonly<Record<string, Pick<WorkloadFunction, "arn">>>;

/** Some two million calls of a small function, so that what a mistake may cost is bounded. */
const defaultPerHourUsd = 1;

/** What tasks call to reach a twin. */
export const twinCalls: readonly EndpointKind[] = ["lambda"];

/**
 * How a workload's tasks admit requests, for {@link admissionEnv}. Each task has its share of the
 * hour's budget, for tasks do not know of each other: that of as many as there may be.
 * @throws {Error} where the price list does not know what a call costs
 */
export function admissionOf(
  workload: Workload,
  { perHourUsd = defaultPerHourUsd, ceiling }: Overflow = {},
  capacity?: Capacity,
  { prices }: PriceList = awsUsEast1,
) {
  const priceOf = (what: "function requests" | "function GB-seconds, arm64"): number => {
    const { amount } = prices[what];
    if (amount === "unknown")
      throw new Error(`overflow: the price of ${what} is unknown; give a price list that has it`);
    return amount;
  };
  return {
    ...(ceiling !== undefined && { ceiling }),
    budget: {
      perHour: perHourUsd / scalingOf(workload, capacity).max,
      prices: {
        perRequest: priceOf("function requests") / 1_000_000,
        perGbSecond: priceOf("function GB-seconds, arm64"),
        memoryMb: memoryOf(workload),
      },
    },
  };
}

/** What a task with a twin is told. */
export const overflowVariables = (
  workload: Workload,
  twin: Twins[string],
  overflow?: Overflow,
  capacity?: Capacity,
) => ({
  [twinEnv]: twin.arn,
  [admissionEnv]: JSON.stringify(admissionOf(workload, overflow, capacity)),
});

/**
 * What is wrong with what a stack says of overflow.
 * @param overflowing names of the workloads with a twin
 */
export function overflowFaults(
  system: System,
  overflows: Overflows = {},
  overflowing: readonly string[],
): Fault[] {
  return Object.entries(overflows).flatMap(([name, given]): Fault[] => {
    const say = (fault: Fault): Fault[] => [`overflow.${name}: ${fault}`];
    if (!Object.hasOwn(system.workloads, name) || !overflowing.includes(name))
      return say("it has no twin; place it on container-with-overflow, or take this out");
    const whole = (what: "concurrency" | "ceiling"): Fault[] => {
      const value = given[what];
      return value === undefined || (Number.isInteger(value) && value >= 1)
        ? []
        : say(`${what} ${value}; give a whole number from 1`);
    };
    return [
      ...whole("concurrency"),
      ...whole("ceiling"),
      ...(given.perHourUsd === undefined || given.perHourUsd > 0
        ? []
        : say(`perHourUsd ${given.perHourUsd}; give more than 0, or place it on container`)),
    ];
  });
}
