import type * as pulumi from "@pulumi/pulumi";
import { type Host, limits } from "../../planner/index.ts";
import { type System, sourceOf, usesOf, type Workload } from "../../spec/index.ts";
import { type Fault, plainFaults } from "../shared/validation.ts";
import type { Tasks } from "./Balancer.ts";
import type { Bindings } from "./bindings.ts";
import type { Consumer } from "./consumers.ts";
import { bindingFaults, callsOf, checksTokens, type TokenIssuer } from "./function-plan.ts";
import { type Hosting, hostOf, isFunction } from "./hosting.ts";
import { instanceCalls, instanceFaults, type Launcher, taskHostOf } from "./instance-plan.ts";
import { type Overflows, overflowFaults, type Twins, twinCalls } from "./overflow.ts";
import {
  answersRequests,
  type Capacity,
  capacityFaults,
  connectionFault,
  scalingOf,
} from "./scaling-plan.ts";
import { type Calls, type NetworkPlace, type Reach, reachFaults } from "./security-groups.ts";

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
  /** Of the workloads without a GPU, for arm64. */
  readonly image?: TaskImage;
  /** Of the workloads with a GPU, for x86 with CUDA. */
  readonly gpuImage?: TaskImage;
  /** Of http and socket workloads: what the load balancer has for them, `Balancer.tasks`. */
  readonly tasks?: Readonly<Record<string, Tasks>>;
  /** Of workloads that queues start: `EventPipeline.consumers`. */
  readonly consumers?: Readonly<Record<string, Consumer>>;
  /** Who signs the tokens of routes with auth "jwt". */
  readonly userPool?: TokenIssuer;
  /** Pages that may open web sockets. Default: those that the system's edge names */
  readonly origins?: readonly string[];
  readonly capacity?: Readonly<Record<string, Capacity>>;
  /** Of workloads with overflow: their function twins, `ServerlessEdge.functions`. */
  readonly twins?: Twins;
  readonly overflow?: Overflows;
}

/** The image that a workload is started from. */
export const imageOf = (
  { image, gpuImage }: Pick<ContainerPlanArgs, "image" | "gpuImage">,
  gpu: boolean,
): TaskImage | undefined => (gpu ? gpuImage : image);

/** What tasks call beside what the workload does: their image's registry, and the logs. */
export const startingCalls = { kinds: ["registry", "logs", "objectStore"] } as const;

/** All that a workload's tasks call. On instances, these start them. */
export function taskCalls(
  { system, placements }: Pick<ContainerPlanArgs, "system" | "placements">,
  workload: string,
  on: Launcher = "fargate",
): Calls {
  const toTwin = overflows({ placements }, workload) ? twinCalls : [];
  const calls = both(callsOf(system, workload), { kinds: toTwin, outside: [] });
  return on === "ec2" ? calls : both(calls, { ...startingCalls, outside: [] });
}

const both = (one: Calls, other: Calls): Calls => ({
  kinds: [...new Set([...one.kinds, ...other.kinds])],
  outside: [...one.outside, ...other.outside],
});

/** Whether a workload's tasks hand requests to a function twin. */
export const overflows = (
  { placements }: Pick<ContainerPlanArgs, "placements">,
  workload: string,
): boolean => hostOf({ placements }, workload) === "container-with-overflow";

/** What is said of the tasks of workloads that have none. */
export const capacityPlaceFaults = (
  capacity: ContainerPlanArgs["capacity"],
  workloads: readonly string[],
): Fault[] =>
  Object.keys(capacity ?? {})
    .filter((name) => !workloads.includes(name))
    .map((name) => `capacity.${name}: it is on no container here; take it out, or place it on one`);

/** Where a workload runs in a container, if nobody says more. */
const ownHost = ({ gpu }: Workload): Host => (gpu ? "gpu-container" : "container");

/** Why a workload cannot run in a container yet, or at all; `undefined` for what can. */
export function containerObstacle(
  system: System,
  name: string,
  host: Host = ownHost(system.workloads[name] as Workload),
): string | undefined {
  const workload = system.workloads[name] as Workload;
  if (host === "gpu-container" && !workload.gpu)
    return "it is placed on gpu-container, and says of no GPU that it needs one; say gpu: true, or place it on container";
  if (workload.gpu && host !== "gpu-container")
    return `it needs a GPU, which ${host} has none of; place it on gpu-container`;
  if (host === "container-with-overflow" && workload.kind !== "http")
    return `kind ${workload.kind} has no requests that could overflow; place it on container`;
  const fed = sourceOf(system, name)?.via === "queue" || workload.kind === "workflow";
  return fed || answersRequests(workload)
    ? undefined
    : `kind ${workload.kind} is called as a function; place it on a function`;
}

/** Everything that keeps workloads from running in containers here. */
export const containerFaults = (args: ContainerPlanArgs): Fault[] => [
  ...args.workloads.flatMap((name) => workloadFaults(args, name)),
  ...capacityPlaceFaults(args.capacity, args.workloads),
  ...overflowFaults(
    args.system,
    args.overflow,
    args.workloads.filter((name) => overflows(args, name)),
  ),
];

function workloadFaults(args: ContainerPlanArgs, name: string): Fault[] {
  const { system, tasks = {}, consumers = {} } = args;
  const workload = Object.hasOwn(system.workloads, name) ? system.workloads[name] : undefined;
  const say = (fault: Fault): Fault[] => [`workload "${name}": ${fault}`];
  if (!workload) return say("it is not declared; leave it out");
  const host = args.placements?.[name] ? hostOf(args, name) : ownHost(workload);
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
    ...(overflows(args, name) && !Object.hasOwn(args.twins ?? {}, name)
      ? say(`placed on ${host}, and no twin is given; give twins["${name}"]`)
      : []),
    ...bindingFaults(system, name, args.stores),
    ...imageFaults(args, workload).flatMap(say),
    ...taskFaults(args, name),
  ];
}

/** What is wrong with a workload's tasks, as the system and the stack's config have them. */
export function taskFaults(
  args: Pick<ContainerPlanArgs, "system" | "placements" | "capacity"> & { readonly network: Reach },
  name: string,
): Fault[] {
  const workload = args.system.workloads[name] as Workload;
  const { memoryMb } = workload.load;
  const capacity = args.capacity?.[name];
  const { on } = taskHostOf(workload, capacity);
  return [
    ...(memoryMb > limits.containerMemoryMb
      ? [`load.memoryMb ${memoryMb} is over a task's ${limits.containerMemoryMb}; divide its work`]
      : []),
    ...capacityFaults(scalingOf(workload, capacity)),
    ...plainFaults(capacity, connectionFault),
    ...instanceFaults(workload, capacity),
    ...reachFaults(
      on === "ec2" ? both(taskCalls(args, name, on), instanceCalls) : taskCalls(args, name),
      "in a container",
      args.network,
    ),
  ].map((fault) => `workload "${name}": ${fault}`);
}

const imageFaults = (args: ContainerPlanArgs, { gpu = false }: Workload): Fault[] =>
  imageOf(args, gpu)
    ? []
    : [`no image ${gpu ? "with CUDA is given; give gpuImage" : "is given; give image"}`];

/** Connections that a process opens to a database: see runtime/adapters/sql-pool.ts. */
const connectionsOf = { function: 1, task: 5 } as const;
/** While it is deployed a service has twice its tasks. */
const whileDeploying = 2;

/**
 * More connections than a database has, where everything that is placed runs at its most.
 * @param args.functionsBeside workloads on containers that have a function as well
 * @param connections what the database has for workloads
 * @param pool what the proxy before it holds at the most, for all functions together. Default: there is none
 */
export function connectionFaults(
  {
    system,
    workloads,
    placements,
    capacity,
    functionsBeside = [],
  }: Pick<ContainerPlanArgs, "system" | "workloads" | "placements" | "capacity"> & {
    readonly functionsBeside?: readonly string[];
  },
  connections: number,
  pool?: number,
): Fault[] {
  const stores = Object.entries(system.stores).filter(([, { kind }]) => kind === "sql");
  return stores.flatMap(([store]): Fault[] => {
    const users = workloads.filter((name) =>
      usesOf(system, name).some((use) => use.name === store),
    );
    const onFunction = (name: string) => isFunction(hostOf({ placements }, name));
    const asFunction = (name: string) => onFunction(name) || functionsBeside.includes(name);
    const held = users.map((name): readonly [string, number] => {
      const workload = system.workloads[name] as Workload;
      const inTasks = onFunction(name)
        ? 0
        : whileDeploying * scalingOf(workload, capacity?.[name]).max * connectionsOf.task;
      if (pool !== undefined || !asFunction(name)) return [name, inTasks];
      const reserved = placements?.[name]?.concurrency?.reserved ?? Number.POSITIVE_INFINITY;
      return [name, inTasks + reserved * connectionsOf.function];
    });
    const shared = users.some(asFunction) ? [["proxy", pool ?? 0] as const] : [];
    const all = [...held, ...shared].filter(([, each]) => each > 0);
    const most = all.reduce((sum, [, each]) => sum + each, 0);
    if (most <= connections) return [];
    const spilling = users.some(
      (name) => functionsBeside.includes(name) && overflows({ placements }, name),
    );
    const parts = all.map((each) => each.join(" ")).join(", ");
    // A proxy takes half of what there is, whatever that is; and without end nothing is enough.
    const enough = pool === undefined && Number.isFinite(most) ? ` to ${most}` : "";
    return [
      `sql "${store}": ${parts} connections at the most, over the ${connections} of database.connections; raise it${enough} with database.instanceClass, or lower the workloads' capacity.max${spilling ? " and overflow.concurrency" : ""}`,
    ];
  });
}
