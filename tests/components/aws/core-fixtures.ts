import { Balancer, type BalancerArgs } from "../../../components/aws/Balancer.ts";
import { ContainerCore, type ContainerCoreArgs } from "../../../components/aws/ContainerCore.ts";
import { DataStores } from "../../../components/aws/DataStores.ts";
import { EventPipeline } from "../../../components/aws/EventPipeline.ts";
import { Migrations } from "../../../components/aws/Migrations.ts";
import { Network, type NetworkArgs } from "../../../components/aws/Network.ts";
import { ServerlessEdge } from "../../../components/aws/ServerlessEdge.ts";
import { planStack, type StackConfig } from "../../../components/aws/stack-plan.ts";
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
  type System,
  socket,
  sql,
  table,
} from "../../../spec/index.ts";
import { awsInvoke, runUnderMocks } from "../harness.ts";
import { code, load, userPool } from "./fixtures.ts";

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
      maxBodyBytes: 65_536,
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
  /** What the stack's config says beside that all but web sockets is on containers. */
  readonly config?: Partial<StackConfig>;
  /** What the migrations are now. Default: they are run by hand */
  readonly migrations?: string;
  readonly network?: NetworkArgs;
  readonly stack?: string;
  readonly protect?: boolean;
  /** Of the listeners. Default: none */
  readonly certificate?: BalancerArgs["certificate"];
}

/** The shop's components, put together as the program does. */
export function makeCore({ core: own, network: net, ...options }: Omit<CoreOptions, "stack"> = {}) {
  const { protect, migrations, certificate } = options;
  const system = shop;
  const plan = planCore(options.config);
  const { placements, servers, workers, twins, functions } = plan;
  const artefacts = Object.fromEntries([...functions, ...twins].map((name) => [name, code]));
  const network = new Network("network", net);
  const data = new DataStores("stores", { system, workloads: onContainers, network, protect });
  const { databases } = data;
  const runners = { ledger: { ...code, migrations: migrations ?? "" } };
  const migrated =
    migrations === undefined
      ? undefined
      : new Migrations("migrations", { databases, artefacts: runners, network });
  const source = {
    context: "context",
    platform: "linux/arm64" as const,
    tag: "abc123",
  };
  const image = new WorkloadImage("image", { source, protect });
  const { cutover, overflow } = options.config ?? {};
  const balanced = { system, workloads: servers, network, protect, cutover, certificate };
  const balancer = new Balancer("balancer", balanced);
  const stores = { ...data.bindings, ...migrated?.bindings };
  const { listeners } = balancer;
  const shared = { system, placements, stores, network, userPool };
  const served = { ...shared, artefacts, twins, workloads: ["orders", "status"], listeners };
  const { functions: beside } = new ServerlessEdge("edge", served);
  const started = { system, placements, stores, workloads: workers };
  const { consumers } = new EventPipeline("events", started);
  const workloads = [...servers, ...workers];
  const run = { workloads, image, balancer, consumers, twins: beside, overflow };
  return new ContainerCore("core", { ...shared, ...run, ...own });
}

/** What of the shop goes where. */
export function planCore(config: Partial<StackConfig> = {}) {
  const placement = {
    ...Object.fromEntries(onContainers.map((name) => [name, "container"])),
    ...config.placement,
  };
  return planOf(shop, { ...config, placement }, (name) => name !== "presence");
}

/** What of a system goes where, by a stack's config that says no more than this. */
export function planOf(
  system: System,
  config: Partial<StackConfig> = {},
  hasCode: (workload: string) => boolean = () => true,
) {
  const none = { placement: {}, network: {}, database: {}, cache: {}, capacity: {} };
  const others = { overflow: {}, cutover: {}, scanner: false, migrations: "automatic" as const };
  return planStack(system, { ...none, ...others, ...config }, hasCode);
}

export const core = ({ stack = "dev", ...options }: CoreOptions = {}) =>
  runUnderMocks(() => makeCore(options), { project: "shop", stack, invoke: awsInvoke });
