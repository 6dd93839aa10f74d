import { defineSystem, onMessage, queue, table } from "../../../spec/index.ts";

// Low enough for functions: they run in the host's own process, as most of a small system does.
const load = { perDay: 1000, shape: "bursty", ms: { p50: 1, p99: 5 }, memoryMb: 128 } as const;

/** Two queues for the benchmark: one whose handler does nothing, one that has its effect once. */
export const system = defineSystem({
  name: "bench",
  stores: { marks: table() },
  channels: { plain: queue(), marked: queue() },
  workloads: {
    idle: onMessage({ code: "idle", queue: "plain", load }),
    marking: onMessage({ code: "marking", queue: "marked", uses: { marks: ["once"] }, load }),
  },
});
