import { Balancer, type BalancerArgs } from "../../../components/aws/Balancer.ts";
import { ContainerCore, type ContainerCoreArgs } from "../../../components/aws/ContainerCore.ts";
import { DataStores } from "../../../components/aws/DataStores.ts";
import { EventPipeline } from "../../../components/aws/EventPipeline.ts";
import { Network, type NetworkArgs } from "../../../components/aws/Network.ts";
import { SocketEdge, type SocketEdgeArgs } from "../../../components/aws/SocketEdge.ts";
import { WorkloadImage } from "../../../components/aws/WorkloadImage.ts";
import {
  cache,
  defineSystem,
  identity,
  job,
  onMessage,
  queue,
  socket,
  table,
} from "../../../spec/index.ts";
import { awsInvoke, runUnderMocks } from "../harness.ts";
import { load, userPool } from "./fixtures.ts";

/** Rooms that tell who is there, pictures that are labelled on a GPU, and reports on instances. */
export const live = defineSystem({
  name: "live",
  stores: { rooms: cache(), catalog: table() },
  channels: { labelling: queue(), reporting: queue() },
  services: { identity: identity() },
  workloads: {
    presence: socket({
      code: "functions/presence",
      path: "/presence",
      uses: { rooms: "read-write" },
      state: "connections",
      load: { ...load, memoryMb: 512 },
    }),
    ticker: socket({ code: "functions/ticker", path: "/ticker", auth: "none", load }),
    patient: socket({
      code: "functions/patient",
      path: "/patient",
      auth: "none",
      heartbeatSeconds: 90,
      load,
    }),
    classify: onMessage({
      code: "functions/classify",
      queue: "labelling",
      gpu: true,
      uses: { catalog: ["put"] },
      load: { ...load, memoryMb: 4096 },
    }),
    report: job({
      code: "functions/report",
      queue: "reporting",
      load: { ...load, memoryMb: 2048 },
    }),
  },
});
export const sockets = ["presence", "ticker"];
export const workers = ["classify", "report"];

export interface LiveOptions {
  /** Default: presence and ticker */
  readonly workloads?: readonly string[];
  /** What queues start. Default: nothing */
  readonly workers?: readonly string[];
  readonly network?: NetworkArgs;
  readonly balancer?: Partial<BalancerArgs>;
  readonly edge?: Partial<SocketEdgeArgs>;
  readonly core?: Partial<ContainerCoreArgs>;
  readonly protect?: boolean;
}

/** Sockets and workers with all that they need, put together as the program does. */
export function makeLive({ workloads = sockets, workers = [], protect, ...own }: LiveOptions = {}) {
  const system = live;
  const network = new Network("network", { nat: "one", internetGateway: true, ...own.network });
  const all = [...workloads, ...workers];
  const data = new DataStores("stores", { system, workloads: all, network, protect });
  const shared = { system, network, stores: data.bindings };
  const balancer =
    workloads.length > 0
      ? new Balancer("balancer", { ...shared, workloads, protect, ...own.balancer })
      : undefined;
  const edge =
    balancer && new SocketEdge("sockets", { ...shared, workloads, balancer, protect, ...own.edge });
  const placements = {
    classify: { host: "gpu-container" as const },
    report: { host: "container" as const },
  };
  const { consumers } =
    workers.length > 0
      ? new EventPipeline("events", { ...shared, placements, workloads: workers })
      : {};
  const context = "context";
  const source = { context, platform: "linux/arm64" as const, tag: "abc123" };
  const image = new WorkloadImage("image", { source, protect });
  const gpuSource = { context, platform: "linux/amd64" as const, tag: "def456" };
  const gpuImage = workers.includes("classify")
    ? new WorkloadImage("gpu-image", { source: gpuSource, protect })
    : undefined;
  const images = { image, gpuImage };
  const run = { ...shared, ...images, workloads: all, balancer, consumers, userPool };
  return { edge, core: new ContainerCore("core", { ...run, ...own.core }) };
}

export const runLive = (options: LiveOptions = {}) =>
  runUnderMocks(() => makeLive(options), { project: "shop", stack: "dev", invoke: awsInvoke });
