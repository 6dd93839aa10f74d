import { type Queue, type System, type Table, usesOf, type Workload } from "../../spec/index.ts";
import type { Fault } from "../shared/validation.ts";

/** What {@link DataStores} makes for a set of workloads. */
export interface Needs {
  readonly tables: Readonly<Record<string, Table>>;
  readonly buckets: Readonly<Record<string, unknown>>;
  readonly queues: Readonly<Record<string, Queue>>;
  readonly secrets: readonly string[];
  readonly faults: readonly Fault[];
}

/** Names of the stores and channels whose events start a workload. */
function sourcesOf(workload: Workload): string[] {
  switch (workload.kind) {
    case "onMessage":
      return [workload.queue, workload.changes].filter((name) => name !== undefined);
    case "onObject":
      return [workload.store];
    case "job":
      return [workload.queue];
    default:
      return [];
  }
}

/**
 * The stores, queues and secrets that workloads use or are started by, in the order of the
 * declaration; nothing that only others need.
 * @param workloads their names. Default: all
 */
export function neededBy(
  system: System,
  workloads: readonly string[] = Object.keys(system.workloads),
): Needs {
  const names = new Set<string>();
  const secrets = new Set<string>();
  const faults: Fault[] = [];
  for (const name of workloads) {
    const workload = Object.hasOwn(system.workloads, name) ? system.workloads[name] : undefined;
    if (!workload) {
      faults.push(
        `workload "${name}" is not declared; use one of ${Object.keys(system.workloads).join(", ")}`,
      );
      continue;
    }
    for (const source of sourcesOf(workload)) names.add(source);
    for (const use of usesOf(system, name)) (use.kind === "secret" ? secrets : names).add(use.name);
  }
  const needed = <T extends { readonly kind: string }, K extends T["kind"]>(
    group: Readonly<Record<string, T>>,
    kind: K,
  ) =>
    Object.fromEntries(
      Object.entries(group).filter(([name, { kind: own }]) => own === kind && names.has(name)),
    ) as Record<string, Extract<T, { kind: K }>>;
  return {
    tables: needed(system.stores, "table"),
    buckets: needed(system.stores, "objectStore"),
    queues: needed(system.channels, "queue"),
    secrets: system.secrets.filter((secret) => secrets.has(secret)),
    faults,
  };
}
