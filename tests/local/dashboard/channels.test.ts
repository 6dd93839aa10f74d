import { expect, test } from "vitest";
import { describeChannels } from "../../../local/dashboard/channels.ts";
import { bus, defineSystem, onMessage, queue, stream, table, topic } from "../../../spec/index.ts";

const load = { perDay: 10, shape: "rare", ms: { p50: 1, p99: 2 }, memoryMb: 128 } as const;
const code = (name: string) => ({ code: `functions/${name}`, load });
const system = defineSystem({
  name: "lab",
  stores: { notes: table({ changes: true }), quiet: table() },
  channels: { jobs: queue(), news: topic(), facts: bus(), clicks: stream() },
  services: {},
  workloads: {
    worker: onMessage({ ...code("a"), queue: "jobs" }),
    reader: onMessage({ ...code("b"), topic: "news", filter: { type: ["note.made"] } }),
    all: onMessage({ ...code("c"), topic: "news" }),
    picky: onMessage({ ...code("d"), bus: "facts", pattern: { type: [{ prefix: "note." }] } }),
    counter: onMessage({ ...code("e"), stream: "clicks" }),
    follower: onMessage({ ...code("f"), changes: "notes" }),
  },
});

test("channels are listed with their readers, what they want, and how far they have read", async () => {
  const positions = [{ shard: "0", at: "41", behind: 2 }];
  const channels = await describeChannels(system, async (channel, workload) =>
    channel === "clicks" && workload === "counter" ? positions : [],
  );
  expect(channels).toEqual([
    {
      name: "news",
      kind: "topic",
      subscribers: [
        { workload: "reader", wants: '{"type":["note.made"]}', queue: "reader" },
        { workload: "all", wants: undefined, queue: "all" },
      ],
    },
    {
      name: "facts",
      kind: "bus",
      subscribers: [{ workload: "picky", wants: '{"type":[{"prefix":"note."}]}', queue: "picky" }],
    },
    {
      name: "clicks",
      kind: "stream",
      subscribers: [{ workload: "counter", wants: undefined, queue: undefined, positions }],
    },
    {
      name: "notes",
      kind: "changes",
      subscribers: [{ workload: "follower", wants: undefined, queue: undefined }],
    },
  ]);
});
