import { bus } from "../../runtime/adapters/local/bus.ts";
import { queue, queueAdmin } from "../../runtime/adapters/local/queue.ts";
import {
  changesReaderAdmin,
  streamReaderAdmin,
} from "../../runtime/adapters/local/reader-admin.ts";
import { stream } from "../../runtime/adapters/local/stream.ts";
import { topic } from "../../runtime/adapters/local/topic.ts";
import type { QueueAdmin } from "../../runtime/ports/index.ts";
import { queuesOf, sourceOf } from "../../spec/index.ts";
import { subscribersOf } from "../subscribers.ts";
import type { AdapterOptions } from "./options.ts";

/**
 * Opens the queues, topics, buses and streams of a system into `byName`.
 * @returns what operators see: every queue, and each reader of a stream or a change feed
 */
export function openChannels(
  { system, pool, boss }: AdapterOptions,
  byName: Map<string, object>,
): ReadonlyMap<string, QueueAdmin> {
  const queues = new Map<string, QueueAdmin>();
  for (const [name, options] of Object.entries(queuesOf(system)))
    queues.set(name, queueAdmin({ name, boss, options }));
  for (const workload of Object.keys(system.workloads)) {
    const source = sourceOf(system, workload);
    if (source?.via === "stream")
      queues.set(workload, streamReaderAdmin({ stream: source.stream, workload, boss }));
    if (source?.via === "changes")
      queues.set(workload, changesReaderAdmin({ table: source.table, workload, boss }));
  }
  const shared = { boss, source: system.name };
  for (const [name, channel] of Object.entries(system.channels)) {
    const options = queuesOf(system)[name];
    if (channel.kind === "queue" && options) byName.set(name, queue({ name, boss, options }));
    if (channel.kind === "topic")
      byName.set(
        name,
        topic({ ...shared, name, subscribers: subscribersOf(system, "topic", name) }),
      );
    if (channel.kind === "bus")
      byName.set(name, bus({ ...shared, name, subscribers: subscribersOf(system, "bus", name) }));
    if (channel.kind === "stream") byName.set(name, stream({ name, pool, news: boss.news }));
  }
  return queues;
}
