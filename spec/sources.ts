import { type Queue, queue } from "./channels.ts";
import type { System } from "./declaration.ts";
import type { Workload } from "./workloads.ts";

/** What puts messages into the queue that starts a workload. */
export type Feed = "queue" | "topic" | "bus" | "objects" | "schedule";

/** How events reach a workload. */
export type Source =
  | {
      readonly via: "queue";
      readonly feed: Feed;
      /** A declared queue, or one of the workload's own, which then has the workload's name. */
      readonly queue: string;
      readonly own: boolean;
      readonly options: Queue;
      /** Messages per batch. */
      readonly batch: number;
    }
  /** Streams and change feeds are read by functions, in order; what fails goes to dead letters. */
  | { readonly via: "stream"; readonly stream: string; readonly batch: number }
  | { readonly via: "changes"; readonly table: string; readonly batch: number };

const feeds = { onObject: "objects", onSchedule: "schedule" } as const;
const defaultBatch = 10;

/**
 * How events reach a workload; `undefined` for one that is called (http, socket, onIdentity,
 * workflow).
 * @param name of a declared workload
 */
export function sourceOf(system: System, name: string): Source | undefined {
  const workload = system.workloads[name];
  switch (workload?.kind) {
    case "job":
      return declared(system, workload.queue, 1);
    case "onObject":
    case "onSchedule":
      // One at a time: an object takes memory, and none should share its time limit with others.
      return own(name, feeds[workload.kind], workload, 1);
    case "onMessage": {
      const { batch = defaultBatch } = workload;
      if (workload.queue !== undefined) return declared(system, workload.queue, batch);
      if (workload.stream !== undefined) return { via: "stream", stream: workload.stream, batch };
      if (workload.changes !== undefined) return { via: "changes", table: workload.changes, batch };
      return own(name, workload.bus === undefined ? "topic" : "bus", workload, batch);
    }
    default:
      return undefined;
  }
}

/** A queue of the workload's own, in front of what has none. */
const own = (name: string, feed: Feed, workload: Workload, batch: number): Source => ({
  via: "queue",
  feed,
  queue: name,
  own: true,
  options: queue({
    visibilitySeconds: visibilityFor(workload, 0),
    maxBytes: 1_048_576,
    ...(workload.kind === "onMessage" &&
      workload.maxReceives !== undefined && { maxReceives: workload.maxReceives }),
  }),
  batch,
});

function declared(system: System, name: string, batch: number): Source {
  return {
    via: "queue",
    feed: "queue",
    queue: name,
    own: false,
    options: queueOptions(system, name),
    batch,
  };
}

/**
 * A declared queue as it is made: hidden for at least six times as long as its consumers may take.
 * @param name of a declared queue
 */
export function queueOptions(system: System, name: string): Queue {
  const spec = system.channels[name] as Queue;
  const consumers = Object.values(system.workloads).filter(
    (workload) => workload.kind === "onMessage" && workload.queue === name,
  );
  const longest = consumers.map((workload) => visibilityFor(workload, spec.visibilitySeconds));
  return { ...spec, visibilitySeconds: Math.max(spec.visibilitySeconds, ...longest) };
}

// AWS Lambda Developer Guide, "Using Lambda with Amazon SQS", read 2026-11: at least six times.
const visibilityFactor = 6;
const shortestVisibility = 180;

const visibilityFor = (workload: Workload, declaredSeconds: number): number =>
  Math.max(declaredSeconds || shortestVisibility, visibilityFactor * timeLimitSeconds(workload));

/** Shortest time limit, in seconds: Lambda's own default, room for a slow first connection. */
const shortestSeconds = 3;
/** How far beyond p99 a run is given up, where its declaration names no maximum. */
const patience = 3;
/** The longest that a function may run, in seconds (AWS Lambda quotas, read 2026-11). */
const longestSeconds = 900;

/**
 * How long one run of a workload on a function may take, in seconds: its maximum, else 3 × p99; of a
 * workflow the longest that any of its steps may.
 */
export const timeLimitSeconds = (workload: Workload): number =>
  Math.min(Math.max(wantedSeconds(workload), shortestSeconds), longestSeconds);

function wantedSeconds(workload: Workload): number {
  const { ms } = workload.load;
  if (workload.kind !== "workflow") return Math.ceil((ms.max ?? ms.p99 * patience) / 1000);
  const steps = [...workload.steps, ...(workload.compensations ?? [])];
  return Math.max(...steps.map(({ timeoutSeconds }) => timeoutSeconds));
}

/**
 * The queues that a system has on every host: the declared ones, and one for each workload that
 * needs one of its own.
 */
export function queuesOf(system: System): Readonly<Record<string, Queue>> {
  const queues: Record<string, Queue> = {};
  for (const [name, channel] of Object.entries(system.channels))
    if (channel.kind === "queue") queues[name] = queueOptions(system, name);
  for (const name of Object.keys(system.workloads)) {
    const source = sourceOf(system, name);
    if (source?.via === "queue" && source.own) queues[source.queue] = source.options;
  }
  return queues;
}
