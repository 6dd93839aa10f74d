import type { Host } from "../../planner/index.ts";
import { type System, sourceOf, usesOf } from "../../spec/index.ts";
import { networkKinds } from "./bindings.ts";
import { isFunction } from "./hosting.ts";

/** What of a system goes to AWS, with the components that there are. */
export interface Deployment {
  /** On functions. */
  readonly functions: readonly string[];
  /** On containers, started by a queue: the queue is there and waits for them. */
  readonly waiting: readonly string[];
  /** Not at all, and why. */
  readonly left: readonly { readonly name: string; readonly because: string }[];
}

/**
 * Divides a system's workloads. What is left out takes along those that would start it.
 * @param placed where each is to run
 * @param hasCode whether a workload's code is there
 */
export function deploymentOf(
  system: System,
  placed: readonly { readonly name: string; readonly host: Host }[],
  hasCode: (workload: string) => boolean,
): Deployment {
  const reasons = new Map<string, string>();
  for (const { name, host } of placed) {
    const because = hasCode(name) ? obstacle(system, name, host) : "it has no code yet";
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
  return {
    functions: kept.filter(({ host }) => isFunction(host)).map(({ name }) => name),
    waiting: kept.filter(({ host }) => !isFunction(host)).map(({ name }) => name),
    left: [...reasons].map(([name, because]) => ({ name, because })),
  };
}

function obstacle(system: System, name: string, host: Host): string | undefined {
  const inside = usesOf(system, name).find((use) => networkKinds.includes(use.kind));
  if (inside)
    return `it uses ${inside.kind} "${inside.name}", inside a network that no component makes yet`;
  if (host === "function-image") return "it is placed on function-image, and no image is built yet";
  const fed =
    sourceOf(system, name)?.via === "queue" || system.workloads[name]?.kind === "workflow";
  return isFunction(host) || fed
    ? undefined
    : `it is placed on ${host}, which no component runs yet`;
}
