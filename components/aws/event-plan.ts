import type { Concurrency, Host } from "../../planner/index.ts";
import {
  type Queue,
  queue,
  type Source,
  type System,
  sourceOf,
  type Workload,
} from "../../spec/index.ts";
import { type Fault, plainFaults, retentionFault } from "../shared/validation.ts";
import { bindingOf } from "./bindings.ts";
import { schedulerCron } from "./cron.ts";
import { bindingFaults, codeFaults, functionFaults, timeoutOf } from "./function-plan.ts";
import { type Hosting, hostOf, isFunction } from "./hosting.ts";

export interface EventPlanArgs extends Omit<Hosting, "transform"> {
  /** Names of the workloads that are deployed. Default: all that events or executions start */
  readonly workloads?: readonly string[];
}

/** A workload that a queue starts. */
export interface Queued {
  readonly name: string;
  readonly host: Host;
  readonly source: Extract<Source, { via: "queue" }>;
}

/** A workload that reads a stream or a change feed. */
export interface Reader {
  readonly name: string;
  readonly source: Extract<Source, { via: "stream" | "changes" }>;
}

export interface EventPlan {
  readonly queued: readonly Queued[];
  readonly readers: readonly Reader[];
  /** Workflows, and where their steps run. */
  readonly workflows: readonly { readonly name: string; readonly host: Host }[];
  /** Queues that belong to a workload, by its name. */
  readonly queues: Readonly<Record<string, Queue>>;
  /** Dead letters without a queue before them: of readers. */
  readonly failures: readonly string[];
}

/** Kinds of workloads that run because something happened. */
const eventKinds: readonly Workload["kind"][] = [
  "onMessage",
  "onObject",
  "onSchedule",
  "job",
  "workflow",
];

const eventWorkloads = (system: System): string[] =>
  Object.entries(system.workloads)
    .filter(([, workload]) => eventKinds.includes(workload.kind))
    .map(([name]) => name);

/** What an event pipeline is made of. Only for arguments without {@link eventFaults}. */
export function planEvents(args: EventPlanArgs): EventPlan {
  const { system } = args;
  const names = args.workloads ?? eventWorkloads(system);
  const sourced = names.map((name) => ({
    name,
    host: hostOf(args, name),
    source: sourceOf(system, name),
  }));
  const queued = sourced.filter((each): each is Queued => each.source?.via === "queue");
  const readers = sourced.filter(
    (each): each is typeof each & Reader =>
      each.source?.via === "stream" || each.source?.via === "changes",
  );
  const workflows = sourced.filter(({ name }) => system.workloads[name]?.kind === "workflow");
  return {
    queued,
    readers,
    workflows,
    queues: Object.fromEntries([
      ...queued
        .filter(({ source }) => source.own)
        .map(({ name, source }) => [name, source.options]),
      // Steps on a container are asked for by messages.
      ...workflows
        .filter(({ host }) => !isFunction(host))
        .map(({ name }) => [name, stepQueue(system.workloads[name] as Workload)]),
    ]),
    failures: readers.map(({ name }) => name),
  };
}

const stepQueue = (workload: Workload): Queue =>
  queue({ visibilitySeconds: Math.max(180, 6 * timeoutOf(workload)), maxBytes: 1_048_576 });

/** Everything that keeps an event pipeline from being deployed. */
export function eventFaults(args: EventPlanArgs): Fault[] {
  const names = args.workloads ?? eventWorkloads(args.system);
  return [
    ...plainFaults(args.logRetentionDays, retentionFault),
    ...names.flatMap((name) => workloadFaults(args, name)),
  ];
}

function workloadFaults(args: EventPlanArgs, name: string): Fault[] {
  const { system, placements, artefacts = {} } = args;
  const workload = Object.hasOwn(system.workloads, name) ? system.workloads[name] : undefined;
  const say = (fault: Fault): Fault[] => [`workload "${name}": ${fault}`];
  if (!workload)
    return say(`it is not declared; use one of ${eventWorkloads(system).join(", ") || "none"}`);
  if (!eventKinds.includes(workload.kind))
    return say(`kind ${workload.kind}; give workloads of kind ${eventKinds.join(", ")}`);
  const host = hostOf(args, name);
  const { via } = sourceOf(system, name) ?? {};
  return [
    ...sourceFaults(args, name, workload).flatMap(say),
    ...(isFunction(host)
      ? [
          ...codeFaults(name, artefacts, host),
          ...functionFaults({
            ...args,
            workload: name,
            concurrency: placements?.[name]?.concurrency,
          }),
        ]
      : [
          ...bindingFaults(system, name, args.stores),
          ...(via === "stream" || via === "changes"
            ? say(`placed on ${host}, but functions alone read streams; place it on a function`)
            : []),
        ]),
  ];
}

/** What a filter policy may name, and a pattern's attribute (Amazon SNS quotas, read 2026-11). */
const mostFilterNames = 5;

function sourceFaults(
  { system, stores }: EventPlanArgs,
  name: string,
  workload: Workload,
): Fault[] {
  const lacks = (what: string, key: string, part?: "deadLetters" | "feedArn"): Fault[] => {
    const found = bindingOf(stores, key);
    if (!found)
      return [`is started by ${what} "${key}", which is not bound; give stores["${key}"]`];
    return part === undefined || found[part] !== undefined
      ? []
      : [
          `is started by ${what} "${key}", whose binding has no ${part}; give stores["${key}"].${part}`,
        ];
  };
  const source = sourceOf(system, name);
  if (source?.via === "queue" && !source.own) return lacks("queue", source.queue, "deadLetters");
  if (source?.via === "stream") return lacks("stream", source.stream);
  if (source?.via === "changes") return lacks("changes of table", source.table, "feedArn");
  switch (workload.kind) {
    case "onObject":
      return lacks("objects of", workload.store);
    case "onSchedule": {
      const cron = schedulerCron(workload.cron);
      return "fault" in cron ? [cron.fault] : [];
    }
    case "onMessage":
      return [
        ...(workload.topic === undefined ? [] : lacks("topic", workload.topic)),
        ...(workload.bus === undefined ? [] : lacks("bus", workload.bus)),
        ...(Object.keys(workload.filter ?? {}).length > mostFilterNames
          ? [
              `filter names ${Object.keys(workload.filter ?? {}).length} fields, over SNS's ${mostFilterNames}; filter by fewer`,
            ]
          : []),
      ];
    case "workflow":
      return lacks("executions of", name);
    default:
      return [];
  }
}

/** Functions that a backlog of one queue may keep busy: the account has 1,000 for everything. */
const most = 250;
const least = 10;
/** How far beyond the peak that is expected, to work a backlog off. */
const haste = 4;

/**
 * How many batches of one queue are worked on at once. Where the function's own concurrency is
 * capped, as many: more would be turned away, which counts as a delivery.
 */
export function maximumConcurrency({ expected, reserved }: Partial<Concurrency> = {}): number {
  const wanted = Math.min(Math.max(least, haste * (expected ?? 1)), most);
  // 2 is Lambda's own least.
  return Math.max(2, reserved === undefined ? wanted : Math.min(wanted, reserved));
}

/** Lambda takes more than ten messages at once only where it may wait for them. */
const freelyBatched = 10;
const longestWait = 5;

/**
 * How long a batch is gathered, in seconds: what the queue's visibility has over six times the
 * function's time limit (AWS Lambda Developer Guide, "Using Lambda with Amazon SQS", read 2026-11).
 */
export function batchingWindow({ batch, options }: Queued["source"], workload: Workload): number {
  if (batch <= freelyBatched) return 0;
  const spare = options.visibilitySeconds - 6 * timeoutOf(workload);
  return Math.min(Math.max(spare, 1), longestWait);
}
