import { type Native, type System, usesOf } from "../spec/index.ts";

/** A resource that only one cloud has, and who uses it. */
export interface LockIn extends Pick<Native, "cloud" | "arn" | "actions" | "because"> {
  readonly name: string;
  readonly workloads: readonly string[];
}

/** The native resources of a system, in the order of the declaration: what an exit has to replace. */
export const lockIn = (system: System): readonly LockIn[] =>
  Object.entries(system.natives).map(([name, { cloud, arn, actions, because }]) => ({
    name,
    cloud,
    arn,
    actions,
    because,
    workloads: Object.keys(system.workloads).filter((workload) =>
      usesOf(system, workload).some((use) => use.kind === "native" && use.name === name),
    ),
  }));

/** One of them in a line. */
export const explainLockIn = ({ name, cloud, actions, workloads, because }: LockIn): string =>
  `lock-in: ${name} (${cloud}: ${actions.join(", ")}), used by ${workloads.join(", ") || "nobody"}: ${because}`;
