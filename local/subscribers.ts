import { type System, sourceOf } from "../spec/index.ts";

/** The queues behind a topic or a bus, with what each of them wants. */
export const subscribersOf = (system: System, kind: "topic" | "bus", channel: string) =>
  Object.entries(system.workloads).flatMap(([name, workload]) => {
    const source = sourceOf(system, name);
    if (workload.kind !== "onMessage" || workload[kind] !== channel) return [];
    if (source?.via !== "queue") return [];
    const { filter, pattern } = workload;
    return [{ queue: source.queue, options: source.options, filter, pattern }];
  });

/** The queues that hear of a store's objects. */
export const objectSubscribersOf = (system: System, store: string) =>
  Object.entries(system.workloads).flatMap(([name, workload]) => {
    const source = sourceOf(system, name);
    return workload.kind === "onObject" && workload.store === store && source?.via === "queue"
      ? [{ prefix: workload.prefix, queue: source.queue, options: source.options }]
      : [];
  });
