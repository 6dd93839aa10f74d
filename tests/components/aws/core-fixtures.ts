import { Balancer } from "../../../components/aws/Balancer.ts";
import { ContainerCore, type ContainerCoreArgs } from "../../../components/aws/ContainerCore.ts";
import { DataStores } from "../../../components/aws/DataStores.ts";
import { EventPipeline } from "../../../components/aws/EventPipeline.ts";
import { Network, type NetworkArgs } from "../../../components/aws/Network.ts";
import { ServerlessEdge } from "../../../components/aws/ServerlessEdge.ts";
import { WorkloadImage } from "../../../components/aws/WorkloadImage.ts";
import {
  cache,
  defineSystem,
  edge,
  http,
  identity,
  job,
  onMessage,
  queue,
  socket,
  sql,
  table,
} from "../../../spec/index.ts";
import { awsInvoke, runUnderMocks } from "../harness.ts";
import { load, userPool } from "./fixtures.ts";

/** A shop with its steady half on containers. */
export const shop = defineSystem({
  name: "shop",
  stores: { ledger: sql({ migrations: "m" }), live: cache(), catalog: table() },
  channels: { placed: queue(), reporting: queue() },
  services: { edge: edge(), identity: identity() },
  workloads: {
    orders: http({
      code: "functions/orders",
      routes: ["POST /orders", "GET /orders/{id}"],
      uses: { ledger: "read-write", live: "read-write", placed: "send" },
      load: { perDay: 4_000_000, shape: "steady", ms: { p50: 30, p99: 95 }, memoryMb: 512 },
    }),
    status: http({ code: "functions/status", routes: ["GET /status"], auth: "none", load }),
    fulfil: onMessage({
      code: "functions/fulfil",
      queue: "placed",
      uses: { catalog: ["put"] },
      load,
    }),
    report: job({
      code: "functions/report",
      queue: "reporting",
      uses: { catalog: ["query"] },
      load: { perDay: 500, shape: "rare", ms: { p50: 60_000, p99: 900_000 }, memoryMb: 2048 },
    }),
    presence: socket({ code: "functions/presence", path: "/presence", state: "connections", load }),
  },
});
export const onContainers = ["orders", "status", "fulfil", "report"] as const;

export interface CoreOptions {
  readonly core?: Partial<ContainerCoreArgs>;
  readonly network?: NetworkArgs;
  readonly stack?: string;
  readonly protect?: boolean;
}

/** The shop's components, put together as the program does. */
export function makeCore({ core: own, network: net, protect }: Omit<CoreOptions, "stack"> = {}) {
  const system = shop;
  const placements = Object.fromEntries(
    onContainers.map((name) => [name, { host: "container" as const }]),
  );
  const network = new Network("network", net);
  const data = new DataStores("stores", { system, workloads: onContainers, network, protect });
  const source = {
    context: "context",
    dockerfile: "Dockerfile",
    platform: "linux/arm64" as const,
    tag: "abc123",
  };
  const image = new WorkloadImage("image", { source, protect });
  const workloads = ["orders", "status"];
  const balancer = new Balancer("balancer", { system, workloads, network, protect });
  const stores = data.bindings;
  const { listeners } = balancer;
  const shared = { system, placements, stores, network, userPool };
  new ServerlessEdge("edge", { ...shared, workloads, listeners });
  const started = { system, placements, stores, workloads: ["fulfil", "report"] };
  const { consumers } = new EventPipeline("events", started);
  const run = { workloads: onContainers, image, balancer, consumers };
  return new ContainerCore("core", { ...shared, ...run, ...own });
}

export const core = ({ stack = "dev", ...options }: CoreOptions = {}) =>
  runUnderMocks(() => makeCore(options), { project: "shop", stack, invoke: awsInvoke });
