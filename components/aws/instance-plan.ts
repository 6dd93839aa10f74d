import { awsUsEast1, taskSize } from "../../planner/index.ts";
import type { Workload } from "../../spec/index.ts";
import type { Fault } from "../shared/validation.ts";
import { type Capacity, scalingOf } from "./scaling-plan.ts";
import type { Calls } from "./security-groups.ts";

/** Where ECS runs tasks: on machines of its own, or on instances of this account. */
export const launchers = ["fargate", "ec2"] as const;
export type Launcher = (typeof launchers)[number];

/** What an instance has. */
export interface InstanceSize {
  readonly vCpu: number;
  readonly memoryMb: number;
  readonly gpu: boolean;
}

/** What a workload's tasks run on. */
export type TaskHost =
  | { readonly on: "fargate"; readonly gpu: false }
  | { readonly on: "ec2"; readonly gpu: boolean; readonly instanceType: string };

/** Instances where the stack names none: of arm64, and the one that the planner's prices are of. */
const typeDefaults = { plain: "m7g.large", gpu: awsUsEast1.gpuInstance.type } as const;

/** GiB of memory for each vCPU, by family (Amazon EC2 instance types, specifications, 2026-11). */
const perVcpu: Readonly<Record<string, number>> = { c: 2, m: 4, r: 8, g4dn: 4, g5: 4, g6: 4 };
/** Burstable instances keep two vCPUs when they get smaller (same source). */
const burstable: Readonly<Record<string, readonly [vCpu: number, gib: number]>> = {
  medium: [2, 4],
  large: [2, 8],
  xlarge: [4, 16],
  "2xlarge": [8, 32],
};
/** Sizes of the GPU families with one GPU (same source): a task takes one, and so all of these. */
const singleGpu = ["xlarge", "2xlarge", "4xlarge", "8xlarge", "16xlarge"];
/** What tasks may take of an instance's memory: the rest is the system's and the agent's. */
const forTasks = 0.9;

/**
 * What an instance type has; `undefined` for what no image here is built for: arm64 without a GPU
 * (families c, m and r of Graviton, t4g), and x86 with one from NVIDIA (g4dn, g5, g6).
 */
export function sizeOf(type: string): InstanceSize | undefined {
  const [, family = "", size = ""] = /^([a-z0-9]+)\.([a-z0-9]+)$/.exec(type) ?? [];
  const gpu = /^g(4dn|5|6)$/.test(family);
  if (family === "t4g") {
    const [vCpu, gib] = burstable[size] ?? [];
    return vCpu === undefined || gib === undefined
      ? undefined
      : { vCpu, memoryMb: gib * 1024, gpu };
  }
  const letter = /^([cmr])\d+g[a-z]*$/.exec(family)?.[1];
  const gib = perVcpu[gpu ? family : (letter ?? "")];
  const vCpu = vCpusOf(size);
  if (gib === undefined || vCpu === undefined || (gpu && !singleGpu.includes(size)))
    return undefined;
  return { vCpu, memoryMb: vCpu * gib * 1024, gpu };
}

function vCpusOf(size: string): number | undefined {
  const named = { medium: 1, large: 2, xlarge: 4 }[size];
  if (named !== undefined) return named;
  const times = /^(\d+)xlarge$/.exec(size)?.[1];
  return times === undefined ? undefined : Number(times) * 4;
}

/** What a workload's tasks run on: instances where it needs a GPU, else what the stack says. */
export function taskHostOf(workload: Workload, { on, instanceType }: Capacity = {}): TaskHost {
  const gpu = workload.gpu === true;
  if (!gpu && on !== "ec2") return { on: "fargate", gpu };
  return { on: "ec2", gpu, instanceType: instanceType ?? typeDefaults[gpu ? "gpu" : "plain"] };
}

/**
 * CPU units and memory of a task. Next to a GPU that nobody else can use it has the instance's CPU.
 */
export function taskLimits(workload: Workload, host: TaskHost) {
  const { vCpu, memoryMb } = taskSize(workload.load.memoryMb);
  const own = host.on === "ec2" && host.gpu ? sizeOf(host.instanceType)?.vCpu : undefined;
  return { cpu: String((own ?? vCpu) * 1024), memory: String(memoryMb) };
}

/** Most instances of a service: one for each task, twice while it is deployed. */
export const mostInstances = (workload: Workload, capacity?: Capacity): number =>
  2 * scalingOf(workload, capacity).max;

/** What instances call by themselves: their cluster, and images and logs for the tasks. */
export const instanceCalls: Calls = {
  kinds: ["agent", "registry", "logs", "objectStore"],
  outside: [],
};

/** What is wrong with where a workload's tasks shall run. */
export function instanceFaults(workload: Workload, capacity: Capacity = {}): Fault[] {
  const { on, instanceType } = capacity;
  if (on !== undefined && !(launchers as readonly string[]).includes(on))
    return [`capacity.on "${on}"; use one of ${launchers.join(", ")}`];
  if (workload.gpu && on === "fargate")
    return ['needs a GPU, which capacity.on "fargate" has none of; leave it out'];
  const host = taskHostOf(workload, capacity);
  if (host.on === "fargate")
    return instanceType === undefined
      ? []
      : [`capacity.instanceType "${instanceType}" on Fargate; say capacity.on "ec2" as well`];
  const size = sizeOf(host.instanceType);
  const what = `capacity.instanceType "${host.instanceType}"`;
  if (!size || size.gpu !== host.gpu)
    return [
      host.gpu
        ? `${what} has not one GPU from NVIDIA that is known here; use g4dn, g5 or g6, of a size with one GPU`
        : `${what} does not run the arm64 image, or is not known here; use c, m or r of Graviton, such as m7g.large, or t4g`,
    ];
  const { cpu, memory } = taskLimits(workload, host);
  const room = Math.floor(size.memoryMb * forTasks);
  return Number(memory) <= room && Number(cpu) <= size.vCpu * 1024
    ? []
    : [
        `${what} has ${size.vCpu} vCPUs and ${room} MB for tasks, under the ${Number(cpu) / 1024} and ${memory} of one; use a larger one`,
      ];
}
