import { Channels, type ChannelsArgs } from "../../../components/aws/Channels.ts";
import { DataStores } from "../../../components/aws/DataStores.ts";
import { EventPipeline, type EventPipelineArgs } from "../../../components/aws/EventPipeline.ts";
import type { Host } from "../../../planner/index.ts";
import {
  api,
  bus,
  chat,
  defineSystem,
  http,
  job,
  mailer,
  metrics,
  native,
  objectStore,
  onMessage,
  onObject,
  onSchedule,
  queue,
  scheduler,
  stream,
  table,
  topic,
  workflow,
} from "../../../spec/index.ts";
import { awsInvoke, type MockOptions, runUnderMocks } from "../harness.ts";
import { code, load } from "./fixtures.ts";

/** One workload for each way in which events reach code, and each thing that one may use. */
export const plant = defineSystem({
  name: "plant",
  stores: { files: objectStore(), notes: table({ changes: true }) },
  channels: {
    orders: queue({ maxReceives: 3 }),
    slow: queue({ visibilitySeconds: 600 }),
    news: topic(),
    facts: bus(),
    clicks: stream({ retentionHours: 48 }),
  },
  services: {
    post: mailer({ from: "plant@example.com" }),
    team: chat({ webhook: "team-url" }),
    bank: api({ url: "https://bank.example", secret: "bank-key" }),
    weather: api({ url: "https://weather.example" }),
    health: metrics(),
    later: scheduler({ queue: "slow" }),
  },
  natives: {
    partner: native.aws({
      arn: "arn:aws:events:eu-central-1:111122223333:event-bus/partner",
      actions: ["events:PutEvents"],
      because: "the partner listens on a bus of its own account",
    }),
  },
  secrets: ["team-url", "bank-key"],
  workloads: {
    takes: onMessage({
      code: "functions/takes",
      queue: "orders",
      uses: { notes: ["get", "once"], news: "publish", facts: "publish" },
      load,
    }),
    works: job({ code: "functions/works", queue: "slow", uses: { files: ["put"] }, load }),
    resizes: onObject({
      code: "functions/resizes",
      store: "files",
      prefix: "in/",
      uses: { files: ["get", "put"] },
      load: { ...load, ms: { p50: 400, p99: 2_000, max: 40_000 } },
    }),
    lists: onObject({ code: "functions/lists", store: "files", prefix: "lists/", load }),
    hears: onMessage({
      code: "functions/hears",
      topic: "news",
      filter: { type: ["a.b", "c.d"], colour: ["red"] },
      uses: { team: "post", bank: "call", weather: "call" },
      load,
    }),
    all: onMessage({ code: "functions/all", topic: "news", uses: { post: "send" }, load }),
    matches: onMessage({
      code: "functions/matches",
      bus: "facts",
      pattern: { type: [{ prefix: "order." }], data: { total: [{ numeric: [">", 100] }] } },
      uses: { partner: "use" },
      load,
    }),
    reads: onMessage({
      code: "functions/reads",
      stream: "clicks",
      batch: 500,
      uses: { notes: ["once"] },
      load,
    }),
    follows: onMessage({ code: "functions/follows", changes: "notes", load }),
    daily: onSchedule({
      code: "functions/daily",
      cron: "0 6 * * *",
      timeZone: "Europe/Berlin",
      uses: { health: "read", later: "schedule", saga: "start-and-read" },
      load,
    }),
    counts: http({
      code: "functions/counts",
      routes: ["POST /counts"],
      auth: "none",
      uses: { clicks: "write", saga: "start" },
      load,
    }),
    saga: workflow({
      code: "functions/saga",
      steps: [
        { name: "book", timeoutSeconds: 20, compensate: "unbook" },
        { name: "bill", timeoutSeconds: 45 },
      ],
      compensations: [{ name: "unbook", timeoutSeconds: 10 }],
      uses: { orders: "send" },
      load,
    }),
  },
});
export type PlantWorkload = keyof typeof plant.workloads;

export const plantArtefacts = Object.fromEntries(
  Object.keys(plant.workloads).map((name) => [name, code]),
);
export const plantSecrets = { "team-url": "hush", "bank-key": "hush" };

/** Bound by the edge, which is not made here. */
export const health = {
  kind: "metrics",
  location: JSON.stringify({ apiId: "api-1", alarmPrefix: "plant-dev-" }),
} as const;

/** The plant's stores, channels and event side, as a program puts them together. */
export const events = (
  args: Partial<EventPipelineArgs> & {
    readonly on?: Partial<Record<PlantWorkload, Host>>;
    readonly channels?: Partial<ChannelsArgs>;
    readonly outputs?: MockOptions["outputs"];
  } = {},
) => {
  const { on = {}, channels, outputs, ...own } = args;
  const placements = Object.fromEntries(Object.entries(on).map(([name, host]) => [name, { host }]));
  return runUnderMocks(
    () => {
      const data = new DataStores("stores", { system: plant, secrets: plantSecrets });
      const made = new Channels("channels", {
        system: plant,
        stores: data.bindings,
        ...channels,
      });
      return new EventPipeline("events", {
        system: plant,
        artefacts: plantArtefacts,
        stores: { ...data.bindings, ...made.bindings, health },
        placements,
        ...own,
      });
    },
    { project: "plant", stack: "dev", invoke: awsInvoke, outputs },
  );
};

export const account = "123456789012";
export const arnOf = (service: string, name: string) =>
  `arn:aws:${service}:eu-central-1:${account}:${name}`;
