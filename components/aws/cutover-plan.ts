import { type Host, limits, type Placement, placeAll } from "../../planner/index.ts";
import type { System, Workload } from "../../spec/index.ts";
import type { Fault } from "../shared/validation.ts";
import { isFunction } from "./hosting.ts";

/** How an http workload is split between container and function. */
export interface Cutover {
  /** Share of its requests that the function answers, in percent, 0 to 100. */
  readonly function?: number;
}
export type Cutovers = Readonly<Record<string, Cutover>>;

/** What an http workload takes where its declaration says nothing: see runtime/http/guard.ts. */
const defaultBodyBytes = 1_048_576;

/**
 * Largest body that certainly passes from a load balancer to a function, in bytes. The service's
 * limit is "1 MB", and nothing says whether of the body as it came or as base64, which what is not
 * text becomes on the way: the smaller reading of both, 3/4 of the limit.
 */
export const splitBodyBytes = (limits.balancerBodyBytes * 3) / 4;

/**
 * Placements with what is split, or has a function twin, as it is deployed: on a container, with the
 * concurrency of the function beside it. That is the same whichever of the two hosts the stack asks
 * for, so that nothing but weights changes while a workload is split.
 * @param cutover by workload
 * @param reserved most concurrent calls of a function twin, where the stack says so, by workload
 */
export function hostedPlacements(
  system: System,
  placed: readonly Placement[],
  cutover: Cutovers = {},
  reserved: Readonly<Record<string, number | undefined>> = {},
): readonly Placement[] {
  const asFunctions = functionsOf(
    system,
    placed.map(({ name }) => name).filter((name) => Object.hasOwn(cutover, name)),
  );
  return placed.map((placement) => {
    const { name, host } = placement;
    const concurrency = asFunctions.get(name)?.concurrency ?? placement.concurrency;
    const cap = Object.hasOwn(reserved, name) ? reserved[name] : undefined;
    return {
      ...placement,
      host: asFunctions.has(name) ? containerOf(host) : host,
      ...(concurrency && {
        concurrency: { ...concurrency, ...(cap !== undefined && { reserved: cap }) },
      }),
    };
  });
}

const containerOf = (host: Host): Host => (isFunction(host) ? "container" : host);

/** Workloads as the functions that they would be; what cannot be one is left to {@link cutoverFaults}. */
function functionsOf(system: System, names: readonly string[]): Map<string, Placement> {
  const possible = names.filter((name) => cannotBe(system, name) === undefined);
  const overrides = Object.fromEntries(possible.map((name) => [name, "function"]));
  const placed = possible.length > 0 ? placeAll(system, { overrides }) : [];
  return new Map(
    placed.filter(({ name }) => possible.includes(name)).map((each) => [each.name, each]),
  );
}

/** Why a workload cannot be a function, by the planner's limits. */
function cannotBe(system: System, name: string): string | undefined {
  try {
    placeAll(system, { overrides: { [name]: "function" } });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Everything that keeps workloads from being split. */
export function cutoverFaults(system: System, cutover: Cutovers = {}): Fault[] {
  return Object.entries(cutover).flatMap(([name, { function: share }]): Fault[] => {
    const say = (fault: Fault): Fault[] => [`cutover.${name}: ${fault}`];
    const workload: Workload | undefined = Object.hasOwn(system.workloads, name)
      ? system.workloads[name]
      : undefined;
    if (!workload) return say("there is no such workload; leave it out");
    if (workload.kind !== "http")
      return say(`kind ${workload.kind} has no requests to split; move it by placement`);
    const { maxBodyBytes = defaultBodyBytes } = workload;
    const cannot = cannotBe(system, name);
    return [
      ...(share === undefined
        ? say("function is missing; give the share of its requests in percent, 0 to 100")
        : Number.isInteger(share) && share >= 0 && share <= 100
          ? []
          : say(`function ${share}; give whole percent, 0 to 100`)),
      ...(maxBodyBytes > splitBodyBytes
        ? say(
            `maxBodyBytes ${maxBodyBytes} is over the ${splitBodyBytes} that surely pass from a load balancer to a function; declare fewer, or move it by placement alone`,
          )
        : []),
      ...(cannot === undefined ? [] : say(`it cannot be a function (${cannot}); leave it out`)),
    ];
  });
}
