import type { Host } from "../../planner/index.ts";
import { type System, usesOf, type Workload } from "../../spec/index.ts";
import { networkKinds } from "./bindings.ts";
import { containerObstacle } from "./container-plan.ts";
import { isFunction } from "./hosting.ts";
import { answersRequests } from "./scaling-plan.ts";

/** What of a system goes to AWS, with the components that there are. */
export interface Deployment {
  /** On functions. */
  readonly functions: readonly string[];
  /** On containers, started by a queue, or asked for steps by one. */
  readonly workers: readonly string[];
  /** On containers, answering requests, or holding web sockets. */
  readonly servers: readonly string[];
  /** Of the servers, those with a function beside: for overflow, or while they are split. */
  readonly twins: readonly string[];
  /** Not at all, and why. */
  readonly left: readonly { readonly name: string; readonly because: string }[];
}

/**
 * Divides a system's workloads. What is left out takes along those that would start it.
 * @param placed where each is to run
 * @param hasCode whether a workload's code is there
 * @param options.split names of the workloads that run on both hosts
 * @param options.scanned whether scanners run, which a stack asks for
 */
export function deploymentOf(
  system: System,
  placed: readonly { readonly name: string; readonly host: Host }[],
  hasCode: (workload: string) => boolean,
  options: { readonly split?: readonly string[]; readonly scanned?: boolean } = {},
): Deployment {
  const { split = [], scanned = false } = options;
  const reasons = new Map<string, string>();
  for (const { name, host } of placed) {
    const because = hasCode(name) ? obstacle(system, name, host, scanned) : "it has no code yet";
    if (because !== undefined) reasons.set(name, because);
  }
  for (let before = -1; before < reasons.size; ) {
    before = reasons.size;
    for (const { name } of placed.filter((each) => !reasons.has(each.name))) {
      const lost = usesOf(system, name).find(
        (use) => use.kind === "workflow" && reasons.has(use.name),
      );
      if (lost) reasons.set(name, `it uses workflow "${lost.name}", which is left out`);
    }
  }
  const kept = placed.filter(({ name }) => !reasons.has(name));
  const onContainer = ({ name, host }: (typeof kept)[number]) =>
    !isFunction(host) || split.includes(name);
  const onContainers = kept.filter(onContainer).map(({ name }) => name);
  const answers = (name: string) => answersRequests(system.workloads[name] as Workload);
  return {
    functions: kept.filter((each) => !onContainer(each)).map(({ name }) => name),
    workers: onContainers.filter((name) => !answers(name)),
    servers: onContainers.filter(answers),
    twins: kept
      .filter(({ name, host }) => split.includes(name) || host === "container-with-overflow")
      .map(({ name }) => name),
    left: [...reasons].map(([name, because]) => ({ name, because })),
  };
}

/** Whether anything has to be inside a network: containers, and what uses a store in there. */
export const needsNetwork = (
  system: System,
  deployed: readonly string[],
  containers: readonly string[],
): boolean =>
  containers.length > 0 ||
  deployed.some((name) => usesOf(system, name).some(({ kind }) => networkKinds.includes(kind)));

/** Whether any of these workloads uses a scanner. */
export const usesScanner = (system: System, deployed: readonly string[]): boolean =>
  deployed.some((name) => usesOf(system, name).some(({ kind }) => kind === "scanner"));

/** Whether a workload runs on instances with a GPU, from an image of its own. */
export const needsGpu = (system: System, workload: string): boolean =>
  system.workloads[workload]?.gpu === true;

function obstacle(system: System, name: string, host: Host, scanned: boolean): string | undefined {
  const scanner = usesOf(system, name).find(({ kind }) => kind === "scanner");
  if (scanner && !scanned)
    return `it uses scanner "${scanner.name}", which runs where the stack asks for it; say scanner: true`;
  if (host === "function-image") return "it is placed on function-image, and no image is built yet";
  return isFunction(host) ? undefined : containerObstacle(system, name, host);
}
