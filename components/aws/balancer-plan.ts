import { createHash } from "node:crypto";
import type { System } from "../../spec/index.ts";
import type { Fault } from "../shared/validation.ts";
import { type Cutovers, cutoverFaults } from "./cutover-plan.ts";
import { answersRequests } from "./scaling-plan.ts";

/** What can be judged of a load balancer's arguments before it is made. */
export interface BalancerPlan {
  readonly system: System;
  /** Names of the http and socket workloads on containers. */
  readonly workloads: readonly string[];
  /** Workloads that a function answers as well, and the share of their requests that it does. */
  readonly cutover?: Cutovers;
  /** How long a connection may be silent, in seconds, 1 to 4000: see {@link idleDefault}. */
  readonly idleSeconds?: number;
}

/** Where tasks listen, the default of the HTTP entry for containers. */
export const taskPort = 8080;
/**
 * How long a connection may be silent where nothing is said, in seconds: the load balancer's own
 * default, of 1 to 4000 (Elastic Load Balancing User Guide, connection idle timeout, 2026-11).
 */
export const idleDefault = 60;
const mostIdle = 4_000;
/** Of one load balancer (Elastic Load Balancing User Guide, quotas, 2026-11). */
const mostListeners = 50;
/** Listeners' ports lie in this range. */
const ports = { first: 10_000, count: 20_000 } as const;

/**
 * A port for each workload, found from its name: one more or fewer moves no other's, unless two names
 * meet, when the later takes the next.
 */
export function portsOf(workloads: readonly string[]): Readonly<Record<string, number>> {
  const taken = new Map<number, string>();
  for (const workload of workloads) {
    const hash = createHash("sha256").update(workload).digest().readUInt32BE();
    let port = ports.first + (hash % ports.count);
    while (taken.has(port)) port = port + 1;
    taken.set(port, workload);
  }
  return Object.fromEntries([...taken].map(([port, workload]) => [workload, port]));
}

/** What is wrong with a load balancer's arguments. */
export function balancerFaults({
  system,
  workloads,
  cutover = {},
  ...args
}: BalancerPlan): Fault[] {
  const { idleSeconds = idleDefault } = args;
  return [
    ...cutoverFaults(system, cutover),
    ...Object.keys(cutover)
      .filter((name) => !workloads.includes(name))
      .map((name) => `cutover.${name}: it has no listener here; name it among workloads`),
    ...(Number.isInteger(idleSeconds) && idleSeconds >= 1 && idleSeconds <= mostIdle
      ? []
      : [`idleSeconds ${idleSeconds}; give whole seconds, 1 to ${mostIdle}`]),
    ...(workloads.length > mostListeners
      ? [
          `${workloads.length} workloads, over the ${mostListeners} listeners of a load balancer; use two, each with its own workloads`,
        ]
      : []),
    ...workloads.flatMap((name) => {
      const workload = Object.hasOwn(system.workloads, name) ? system.workloads[name] : undefined;
      if (!workload) return [`workload "${name}" is not declared; leave it out`];
      return answersRequests(workload)
        ? []
        : [`workload "${name}": kind ${workload.kind} answers no requests; leave it out`];
    }),
  ];
}
