import type * as pulumi from "@pulumi/pulumi";
import { type Host, limits } from "../../planner/index.ts";
import { type System, sourceOf, usesOf, type Workload } from "../../spec/index.ts";
import type { Fault } from "../shared/validation.ts";
import type { Tasks } from "./Balancer.ts";
import type { Bindings } from "./bindings.ts";
import type { Consumer } from "./consumers.ts";
import { bindingFaults, callsOf, checksTokens, type TokenIssuer } from "./function-plan.ts";
import { type Hosting, hostOf, isFunction } from "./hosting.ts";
import { answersRequests, type Capacity, capacityFaults, scalingOf } from "./scaling-plan.ts";
import { type Calls, type NetworkPlace, reachFaults } from "./security-groups.ts";

/** The image that tasks are started from. A `WorkloadImage` is one. */
export interface TaskImage {
  /** With its digest. */
  readonly uri: pulumi.Input<string>;
  readonly repositoryArn: pulumi.Input<string>;
}

/** What decides about the containers of a system. */
export interface ContainerPlanArgs {
  readonly system: System;
  /** Names of the workloads on containers. */
  readonly workloads: readonly string[];
  /** Where each workload runs, as the planner says. Default: in a container */
  readonly placements?: Hosting["placements"];
  readonly stores?: Bindings;
  readonly network: NetworkPlace;
  readonly image: TaskImage;
  /** Of http and socket workloads: what the load balancer has for them, `Balancer.tasks`. */
  readonly tasks?: Readonly<Record<string, Tasks>>;
  /** Of workloads that queues start: `EventPipeline.consumers`. */
  readonly consumers?: Readonly<Record<string, Consumer>>;
  /** Who signs the tokens of routes with auth "jwt". */
  readonly userPool?: TokenIssuer;
  readonly capacity?: Readonly<Record<string, Capacity>>;
}

/** Hosts that are containers, and not built yet, with what to do instead. */
const unbuilt: Readonly<Partial<Record<Host, string>>> = {
  "container-with-overflow": "no twin is made for its overflow yet; place it on container",
  "gpu-container": "no instances with a GPU are made yet; leave it out",
};

/** What tasks call beside what the workload does: their image's registry, and the logs. */
export const startingCalls = { kinds: ["registry", "logs", "objectStore"] } as const;

/** All that a workload's tasks call. */
export function taskCalls(system: System, workload: string): Calls {
  const { kinds, outside } = callsOf(system, workload);
  return { kinds: [...new Set([...kinds, ...startingCalls.kinds])], outside };
}

/** Why a workload cannot run in a container yet, or at all; `undefined` for what can. */
export function containerObstacle(
  system: System,
  name: string,
  host: Host = "container",
): string | undefined {
  const workload = system.workloads[name] as Workload;
  const instead = unbuilt[host];
  if (instead !== undefined) return `it is placed on ${host}: ${instead}`;
  if (workload.gpu) return `it needs a GPU: ${unbuilt["gpu-container"]}`;
  const fed = sourceOf(system, name)?.via === "queue" || workload.kind === "workflow";
  return fed || answersRequests(workload)
    ? undefined
    : `kind ${workload.kind} is called as a function; place it on a function`;
}

/** Everything that keeps workloads from running in containers here. */
export const containerFaults = (args: ContainerPlanArgs): Fault[] => [
  ...args.workloads.flatMap((name) => workloadFaults(args, name)),
  ...Object.keys(args.capacity ?? {})
    .filter((name) => !args.workloads.includes(name))
    .map((name) => `capacity.${name}: it is on no container here; take it out, or place it on one`),
];

function workloadFaults(args: ContainerPlanArgs, name: string): Fault[] {
  const { system, tasks = {}, consumers = {}, network } = args;
  const workload = Object.hasOwn(system.workloads, name) ? system.workloads[name] : undefined;
  const say = (fault: Fault): Fault[] => [`workload "${name}": ${fault}`];
  if (!workload) return say("it is not declared; leave it out");
  const host = args.placements?.[name] ? hostOf(args, name) : "container";
  if (isFunction(host)) return say(`placed on ${host}; leave it out, or place it on container`);
  const obstacle = containerObstacle(system, name, host);
  if (obstacle !== undefined) return say(obstacle);
  return [
    ...(answersRequests(workload)
      ? Object.hasOwn(tasks, name)
        ? []
        : say(`no load balancer has a target for it; give tasks["${name}"]`)
      : Object.hasOwn(consumers, name)
        ? []
        : say(`no queue is given for it; give consumers["${name}"]`)),
    ...(checksTokens(workload) && !args.userPool
      ? say('needs a token but no issuer is given; give userPool, or say auth: "none"')
      : []),
    ...(workload.load.memoryMb > limits.containerMemoryMb
      ? say(
          `load.memoryMb ${workload.load.memoryMb} is over a task's ${limits.containerMemoryMb}; divide its work`,
        )
      : []),
    ...bindingFaults(system, name, args.stores),
    ...capacityFaults(scalingOf(workload, args.capacity?.[name])).flatMap(say),
    ...reachFaults(taskCalls(system, name), "in a container", network).flatMap(say),
  ];
}

/** Connections that a process opens to a database: see runtime/adapters/sql-pool.ts. */
const connectionsOf = { function: 1, task: 5 } as const;
/** While it is deployed a service has twice its tasks. */
const whileDeploying = 2;

/**
 * More connections than a database has, where everything that is placed runs at its most.
 * @param connections what the database has for workloads
 */
export function connectionFaults(
  {
    system,
    workloads,
    placements,
    capacity,
  }: Pick<ContainerPlanArgs, "system" | "workloads" | "placements" | "capacity">,
  connections: number,
): Fault[] {
  const stores = Object.entries(system.stores).filter(([, { kind }]) => kind === "sql");
  return stores.flatMap(([store]): Fault[] => {
    const users = workloads.filter((name) =>
      usesOf(system, name).some((use) => use.name === store),
    );
    const held = users.map((name) => {
      const workload = system.workloads[name] as Workload;
      if (!isFunction(hostOf({ placements }, name)))
        return whileDeploying * scalingOf(workload, capacity?.[name]).max * connectionsOf.task;
      return (
        (placements?.[name]?.concurrency?.reserved ?? Number.POSITIVE_INFINITY) *
        connectionsOf.function
      );
    });
    const most = held.reduce((sum, each) => sum + each, 0);
    if (most <= connections) return [];
    const parts = users.map((name, index) => `${name} ${held[index]}`).join(", ");
    return [
      `sql "${store}": ${parts} connections at the most, over the ${connections} of database.connections; raise it with database.instanceClass, or lower the workloads' capacity.max`,
    ];
  });
}
