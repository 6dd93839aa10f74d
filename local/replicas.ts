import type { Placement } from "../planner/index.ts";
import { type System, sourceOf, type Workload } from "../spec/index.ts";
import { listensOn } from "./programs/entry.ts";
import { inHostBecause } from "./programs/ports.ts";
import { StartFault } from "./start-fault.ts";

/** How many processes workloads have that are placed on containers. */
export interface ReplicaSettings {
  /** Of those that answer on a port. Default: 2 */
  readonly listening?: number;
  /** By workload; goes before. Default: 1 for those that a queue feeds */
  readonly byName: Readonly<Record<string, number>>;
}

/** Each is a process of some 80 MB: this is one machine. */
const most = 16;

/**
 * Reads SPILLWAY_REPLICAS: a number for all that answer on a port, numbers by workload, or both, such
 * as `3` or `2,orders=4`.
 * @throws {StartFault} for what is neither
 */
export function readReplicas(text: string): ReplicaSettings {
  const byName: Record<string, number> = {};
  let listening: number | undefined;
  for (const part of text.split(",").map((one) => one.trim())) {
    if (part === "") continue;
    const [, name, digits = ""] = /^(?:([\w-]+)=)?(\d{1,3})$/.exec(part) ?? [];
    const count = Number(digits);
    if (digits === "" || count < 1 || count > most)
      throw new StartFault(
        `start "SPILLWAY_REPLICAS": "${part}" is no number of replicas; write 1 to ${most}, or workload=number`,
      );
    if (name === undefined) listening = count;
    else byName[name] = count;
  }
  return { byName, ...(listening !== undefined && { listening }) };
}

/**
 * The workloads that have processes of their own here, with how many: those that are placed on a
 * container and answer requests or read a queue, but for what needs something of the host's process.
 * @throws {StartFault} for replicas of a workload that has no process of its own
 */
export function replicasOf(
  system: System,
  placed: readonly Placement[],
  { listening = 2, byName }: ReplicaSettings = { byName: {} },
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { name, host } of placed) {
    const workload = system.workloads[name] as Workload;
    if (!onContainer.includes(host) || !hasProgram(system, name, workload)) continue;
    const ordinary = listensOn.includes(workload.kind) ? listening : 1;
    counts.set(name, byName[name] ?? ordinary);
  }
  for (const name of Object.keys(byName))
    if (!counts.has(name))
      throw new StartFault(
        `start "SPILLWAY_REPLICAS": workload "${name}" has no process of its own; use one of ${[...counts.keys()].join(", ") || "none, since there is none"}`,
      );
  return counts;
}

const onContainer: readonly Placement["host"][] = [
  "container",
  "container-with-overflow",
  "gpu-container",
];

/** Readers of streams keep their order in the host, and workflows are run by it. */
function hasProgram(system: System, name: string, workload: Workload): boolean {
  if (inHostBecause(system, name)) return false;
  return listensOn.includes(workload.kind) || sourceOf(system, name)?.via === "queue";
}
