import { describe, expect, test } from "vitest";
import {
  bus,
  defineSystem,
  job,
  objectStore,
  onMessage,
  onObject,
  onSchedule,
  queue,
  queueOptions,
  queuesOf,
  sourceOf,
  stream,
  table,
  timeLimitSeconds,
  topic,
  workflow,
} from "../../spec/index.ts";
import { load } from "./faults.ts";

const common = { code: "functions/w", load: load() };
const system = defineSystem({
  name: "shop",
  stores: { media: objectStore(), catalog: table({ changes: true }) },
  channels: {
    inbox: queue({ visibilitySeconds: 30, maxBytes: 2048 }),
    long: queue({ visibilitySeconds: 3600 }),
    free: queue(),
    events: topic(),
    facts: bus(),
    clicks: stream(),
  },
  workloads: {
    reader: onMessage({
      ...common,
      queue: "inbox",
      batch: 3,
      load: load({ ms: { p50: 1, p99: 4_000 } }),
    }),
    worker: job({ ...common, queue: "long" }),
    listener: onMessage({ ...common, topic: "events", maxReceives: 12 }),
    witness: onMessage({ ...common, bus: "facts" }),
    counter: onMessage({ ...common, stream: "clicks", batch: 500 }),
    follower: onMessage({ ...common, changes: "catalog" }),
    resizer: onObject({
      ...common,
      store: "media",
      prefix: "a/",
      load: load({ ms: { p50: 1, p99: 2, max: 40_000 } }),
    }),
    nightly: onSchedule({ ...common, cron: "0 3 * * *" }),
  },
});

describe("sourceOf", () => {
  test.each([
    ["reader", { via: "queue", feed: "queue", queue: "inbox", own: false, batch: 3 }],
    ["worker", { via: "queue", feed: "queue", queue: "long", own: false, batch: 1 }],
    ["listener", { via: "queue", feed: "topic", queue: "listener", own: true, batch: 10 }],
    ["witness", { via: "queue", feed: "bus", queue: "witness", own: true, batch: 10 }],
    ["resizer", { via: "queue", feed: "objects", queue: "resizer", own: true, batch: 1 }],
    ["nightly", { via: "queue", feed: "schedule", queue: "nightly", own: true, batch: 1 }],
    ["counter", { via: "stream", stream: "clicks", batch: 500 }],
    ["follower", { via: "changes", table: "catalog", batch: 10 }],
  ])("%s", (name, expected) => {
    expect(sourceOf(system, name)).toMatchObject(expected);
  });

  test("of what is not declared is nothing", () => {
    expect(sourceOf(system, "nobody")).toBeUndefined();
  });
});

describe("the queues of a system", () => {
  test("are the declared ones, and those in front of what has none", () => {
    expect(Object.keys(queuesOf(system))).toEqual([
      "inbox",
      "long",
      "free",
      "listener",
      "witness",
      "resizer",
      "nightly",
    ]);
  });

  test("hide a message for six times as long as its consumer may take", () => {
    expect(queueOptions(system, "inbox").visibilitySeconds).toBe(72);
    expect(queuesOf(system).resizer?.visibilitySeconds).toBe(240);
    expect(queuesOf(system).listener?.visibilitySeconds).toBe(180);
  });

  test("deliver five times, or as often as their workload says", () => {
    expect(queuesOf(system).witness?.maxReceives).toBe(5);
    expect(queuesOf(system).listener?.maxReceives).toBe(12);
  });

  test("keep what they declare where that is longer, and for jobs", () => {
    expect(queueOptions(system, "long").visibilitySeconds).toBe(3600);
    expect(queueOptions(system, "free").visibilitySeconds).toBe(180);
    expect(queueOptions(system, "inbox").maxBytes).toBe(2048);
  });
});

describe("the time limit of a workload", () => {
  const limit = (ms: { p50: number; p99: number; max?: number }) =>
    timeLimitSeconds({ ...system.workloads.reader, load: load({ ms }) });

  test.each([
    [{ p50: 1, p99: 10 }, 3],
    [{ p50: 1, p99: 5_000 }, 15],
    [{ p50: 1, p99: 5_000, max: 5_001 }, 6],
    [{ p50: 1, p99: 2_000_000 }, 900],
  ])("%j is %i s", (ms, seconds) => {
    expect(limit(ms)).toBe(seconds);
  });

  test("of a workflow is that of its longest step, whatever is expected of most", () => {
    const steps = [{ name: "a", timeoutSeconds: 20, compensate: "b" }];
    const saga = workflow({ ...common, steps, compensations: [{ name: "b", timeoutSeconds: 30 }] });
    expect(timeLimitSeconds(saga)).toBe(30);
    expect(timeLimitSeconds({ ...saga, steps: [{ name: "a", timeoutSeconds: 5000 }] })).toBe(900);
  });
});
