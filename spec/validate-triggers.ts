import type { ResourceKind } from "./access.ts";
import type { System } from "./declaration.ts";
import type { DataPattern, Matcher } from "./patterns.ts";
import { cronFault, timeZoneFault } from "./schedule.ts";
import { throttleFaults } from "./validate-resources.ts";
import { workflowFaults } from "./validate-workflow.ts";
import type { OnMessage, Workload } from "./workloads.ts";

type Fault = string;
/** Kinds of the names that a system declares. */
export type Kinds = ReadonlyMap<string, ResourceKind>;

/** What is wrong with what starts a workload. */
export function triggerFaults(system: System, kinds: Kinds, workload: Workload): Fault[] {
  const names = (what: string, name: string, kind: ResourceKind): Fault[] =>
    kinds.get(name) === kind
      ? []
      : [
          `${what} "${name}" is no declared ${kind}; declare it or use one of ${
            [...kinds]
              .filter(([, k]) => k === kind)
              .map(([n]) => n)
              .join(", ") || "none so far"
          }`,
        ];
  switch (workload.kind) {
    case "onMessage": {
      const sources = (["queue", "topic", "bus", "stream"] as const).flatMap((kind) => {
        const name = workload[kind];
        return name === undefined ? [] : [names(kind, name, kind)];
      });
      if (workload.changes !== undefined) {
        const store = system.stores[workload.changes];
        sources.push([
          ...names("changes", workload.changes, "table"),
          ...(store?.kind === "table" && !store.changes
            ? [
                `changes "${workload.changes}" keeps no change feed; declare table({ changes: true })`,
              ]
            : []),
        ]);
      }
      const count =
        sources.length === 1
          ? []
          : [
              `has ${sources.length} sources; give exactly one of queue, topic, bus, stream, changes`,
            ];
      const filter =
        workload.filter && workload.topic === undefined
          ? ["has a filter but no topic; filters belong to topics"]
          : [];
      const batch =
        workload.batch === undefined ||
        (Number.isInteger(workload.batch) && workload.batch > 0 && workload.batch <= 10_000)
          ? []
          : [`batch ${workload.batch}; use a whole number from 1 to 10000`];
      return [
        ...count,
        ...sources.flat(),
        ...filter,
        ...batch,
        ...receivesFaults(workload),
        ...busFaults(workload),
      ];
    }
    case "onObject":
      return names("store", workload.store, "objectStore");
    case "job":
      return names("queue", workload.queue, "queue");
    case "onSchedule":
      return [cronFault(workload.cron), timeZoneFault(workload.timeZone ?? "UTC")].filter(
        (fault) => fault !== undefined,
      );
    case "workflow":
      return workflowFaults(workload);
    case "http":
      return [
        ...(workload.routes.length > 0 ? [] : ["has no routes; give at least one"]),
        ...(workload.throttle ? throttleFaults(workload.throttle) : []),
        ...positiveFaults("maxBodyBytes", workload.maxBodyBytes),
        ...authFaults(system, workload),
      ];
    case "socket":
      return [
        ...(/^\/[^\s{}]*$/.test(workload.path)
          ? []
          : [`path "${workload.path}"; write it as "/presence"`]),
        ...positiveFaults("heartbeatSeconds", workload.heartbeatSeconds),
        ...authFaults(system, workload),
      ];
    default:
      return [];
  }
}

function receivesFaults({ maxReceives, topic, bus }: OnMessage): Fault[] {
  if (maxReceives === undefined) return [];
  if (topic === undefined && bus === undefined)
    return ["has maxReceives but no topic or bus; a declared queue has its own"];
  return Number.isInteger(maxReceives) && maxReceives >= 1 && maxReceives <= 1000
    ? []
    : [`maxReceives ${maxReceives}; use a whole number from 1 to 1000`];
}

function busFaults({ bus, pattern, topic, filter }: OnMessage): Fault[] {
  if (pattern && bus === undefined) return ["has a pattern but no bus; patterns belong to buses"];
  const empty = Object.entries(filter ?? {})
    .filter(([, values]) => topic !== undefined && values.length === 0)
    .map(
      ([field]) =>
        `filter ${field} has no values, so that nothing fits; give some, or leave it out`,
    );
  return [...empty, ...(pattern ? patternFaults(pattern, "pattern") : [])];
}

function patternFaults(pattern: object, path: string): Fault[] {
  const fields = Object.entries(pattern);
  if (fields.length === 0) return [`${path} is empty, so that everything fits; leave it out`];
  return fields.flatMap(([field, part]): Fault[] => {
    const where = `${path}.${field}`;
    if (Array.isArray(part))
      return part.length > 0
        ? (part as readonly Matcher[]).flatMap((matcher) => matcherFaults(matcher, where))
        : [`${where} has no values, so that nothing fits; give some, or leave it out`];
    return typeof part === "object" && part !== null
      ? patternFaults(part as DataPattern, where)
      : [`${where} is ${JSON.stringify(part) ?? "empty"}; write a list of values, such as ["a"]`];
  });
}

const forms: readonly string[] = ["prefix", "anything-but", "exists", "numeric"];

function matcherFaults(matcher: Matcher, where: string): Fault[] {
  if (typeof matcher !== "object" || matcher === null) return [];
  const keys = Object.keys(matcher);
  return keys.length === 1 && forms.includes(keys[0] as string)
    ? []
    : [`${where} has ${JSON.stringify(matcher)}; use a value, or one of ${forms.join(", ")}`];
}

/** What is wrong between workloads that are started by the same resource. */
export function sharedTriggerFaults(system: System): Fault[] {
  const faults: Fault[] = [];
  const consumers = new Map<string, string>();
  const prefixes: { readonly name: string; readonly store: string; readonly prefix: string }[] = [];
  for (const [name, workload] of Object.entries(system.workloads)) {
    if (
      (workload.kind === "onMessage" || workload.kind === "job") &&
      workload.queue !== undefined
    ) {
      const other = consumers.get(workload.queue);
      if (other)
        faults.push(
          `workload "${name}": queue "${workload.queue}" belongs to workload "${other}" already, each message would reach one of them; give it a queue of its own, or a topic`,
        );
      else consumers.set(workload.queue, name);
    }
    if (workload.kind === "onObject") {
      // Amazon S3 refuses notifications of one event whose prefixes overlap.
      const { store, prefix } = workload;
      const other = prefixes.find(
        (one) =>
          one.store === store && (one.prefix.startsWith(prefix) || prefix.startsWith(one.prefix)),
      );
      if (other)
        faults.push(
          `workload "${name}": prefix "${prefix}" of store "${store}" overlaps "${other.prefix}" of workload "${other.name}"; let one of them pass it on through a queue`,
        );
      prefixes.push({ name, store, prefix });
    }
  }
  return faults;
}

export function positiveFaults(part: string, value: number | undefined): Fault[] {
  return value === undefined || (Number.isFinite(value) && value > 0)
    ? []
    : [`${part} ${value}; use a number above 0`];
}

function authFaults(system: System, workload: { readonly auth?: string }): Fault[] {
  const hasIdentity = Object.values(system.services).some((s) => s.kind === "identity");
  return (workload.auth ?? "jwt") === "jwt" && !hasIdentity
    ? ['needs a token but no identity is declared; declare identity(), or say auth: "none"']
    : [];
}
