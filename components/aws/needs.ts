import {
  type Named,
  type Queue,
  queueOptions,
  type System,
  secretsOf,
  type Table,
  usesOf,
  type Workload,
} from "../../spec/index.ts";
import type { Fault } from "../shared/validation.ts";

/** What workloads use or are started by; of stores, channels and services those that they need. */
export interface Needs {
  readonly tables: Named<Table>;
  readonly buckets: Named<unknown>;
  /** With the options that they have in effect. */
  readonly queues: Named<Queue>;
  readonly secrets: readonly string[];
  readonly faults: readonly Fault[];
  /** Those of a group that are needed and of a kind, in the order of the declaration. */
  of<T extends { readonly kind: string }, K extends T["kind"]>(
    group: Named<T>,
    kind: K,
  ): Readonly<Record<string, Extract<T, { kind: K }>>>;
  /** Whether a name is needed. */
  has(name: string): boolean;
}

/** Names of the stores and channels whose events start a workload. */
function sourcesOf(workload: Workload): string[] {
  switch (workload.kind) {
    case "onMessage": {
      const { queue, topic, bus, stream, changes } = workload;
      return [queue, topic, bus, stream, changes].filter((name) => name !== undefined);
    }
    case "onObject":
      return [workload.store];
    case "job":
      return [workload.queue];
    default:
      return [];
  }
}

/**
 * What workloads use or are started by, in the order of the declaration; nothing that only others
 * need. A scheduler needs the queue that it sends to.
 * @param workloads their names. Default: all
 */
export function neededBy(
  system: System,
  workloads: readonly string[] = Object.keys(system.workloads),
): Needs {
  const declared = workloads.filter((name) => Object.hasOwn(system.workloads, name));
  const faults = workloads
    .filter((name) => !declared.includes(name))
    .map(
      (name) =>
        `workload "${name}" is not declared; use one of ${Object.keys(system.workloads).join(", ")}`,
    );
  const names = new Set<string>();
  for (const name of declared) {
    for (const source of sourcesOf(system.workloads[name] as Workload)) names.add(source);
    for (const use of usesOf(system, name)) {
      if (use.kind !== "secret") names.add(use.name);
      const service = use.kind === "scheduler" ? system.services[use.name] : undefined;
      if (service?.kind === "scheduler") names.add(service.queue);
    }
  }
  const secrets = secretsOf(system, declared);
  const of: Needs["of"] = (group, kind) =>
    Object.fromEntries(
      Object.entries(group).filter(([name, { kind: own }]) => own === kind && names.has(name)),
    ) as never;
  return {
    tables: of(system.stores, "table"),
    buckets: of(system.stores, "objectStore"),
    queues: Object.fromEntries(
      Object.keys(of(system.channels, "queue")).map((name) => [name, queueOptions(system, name)]),
    ),
    secrets: system.secrets.filter((secret) => secrets.includes(secret)),
    faults,
    of,
    has: (name) => names.has(name),
  };
}
