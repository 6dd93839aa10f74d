import { type System, sourceOf } from "../../spec/index.ts";
import type { ChannelState, Position, SubscriberState } from "../state.ts";

/** How far a workload has read a stream or a change feed, by shard. */
export type PositionsOf = (channel: string, workload: string) => Promise<readonly Position[]>;

/**
 * Topics, buses, streams and change feeds with who reads them.
 * @param positionsOf asked for readers of streams and change feeds. Default: positions are not shown
 */
export async function describeChannels(
  system: System,
  positionsOf: PositionsOf = async () => [],
): Promise<ChannelState[]> {
  const feeds = Object.entries(system.stores)
    .filter(([, store]) => store.kind === "table" && store.changes)
    .map(([name]) => ({ name, kind: "changes" as const }));
  const channels = Object.entries(system.channels).flatMap(([name, { kind }]) =>
    kind === "queue" ? [] : [{ name, kind }],
  );
  return Promise.all(
    [...channels, ...feeds].map(async ({ name, kind }) => ({
      name,
      kind,
      subscribers: await Promise.all(
        readersOf(system, kind, name).map(async (subscriber) => {
          if (kind !== "stream" && kind !== "changes") return subscriber;
          const positions = await positionsOf(name, subscriber.workload);
          return positions.length > 0 ? { ...subscriber, positions } : subscriber;
        }),
      ),
    })),
  );
}

function readersOf(system: System, kind: ChannelState["kind"], channel: string): SubscriberState[] {
  return Object.entries(system.workloads).flatMap(([workload, declared]) => {
    if (declared.kind !== "onMessage" || declared[kind] !== channel) return [];
    const source = sourceOf(system, workload);
    const wants = declared.filter ?? declared.pattern;
    return [
      {
        workload,
        wants: wants && JSON.stringify(wants),
        queue: source?.via === "queue" ? source.queue : undefined,
      },
    ];
  });
}
