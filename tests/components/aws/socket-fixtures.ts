import { Balancer, type BalancerArgs } from "../../../components/aws/Balancer.ts";
import { ContainerCore, type ContainerCoreArgs } from "../../../components/aws/ContainerCore.ts";
import { DataStores } from "../../../components/aws/DataStores.ts";
import { Network, type NetworkArgs } from "../../../components/aws/Network.ts";
import { SocketEdge, type SocketEdgeArgs } from "../../../components/aws/SocketEdge.ts";
import { WorkloadImage } from "../../../components/aws/WorkloadImage.ts";
import { cache, defineSystem, identity, socket } from "../../../spec/index.ts";
import { awsInvoke, runUnderMocks } from "../harness.ts";
import { load, userPool } from "./fixtures.ts";

/** Rooms that tell who is there, and a ticker that never speaks to the other. */
export const live = defineSystem({
  name: "live",
  stores: { rooms: cache() },
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
    room: socket({ code: "functions/room", path: "/rooms/{id}", auth: "none", load }),
    lobby: socket({ code: "functions/lobby", path: "/rooms/lobby", auth: "none", load }),
  },
});
export const sockets = ["presence", "ticker"];

export interface LiveOptions {
  readonly workloads?: readonly string[];
  readonly network?: NetworkArgs;
  readonly balancer?: Partial<BalancerArgs>;
  readonly edge?: Partial<SocketEdgeArgs>;
  readonly core?: Partial<ContainerCoreArgs>;
  readonly protect?: boolean;
}

/** Sockets with all that they need, put together as the program does. */
export function makeLive({ workloads = sockets, protect, ...own }: LiveOptions = {}) {
  const system = live;
  const network = new Network("network", { nat: "one", internetGateway: true, ...own.network });
  const { bindings } = new DataStores("stores", { system, workloads, network, protect });
  const balancer = new Balancer("balancer", {
    ...{ system, workloads, network, protect },
    ...own.balancer,
  });
  const edge = new SocketEdge("sockets", {
    ...{ system, workloads, network, balancer, protect },
    ...own.edge,
  });
  const source = { context: "context", dockerfile: "Dockerfile", tag: "abc123" };
  const image = new WorkloadImage("image", { source, protect });
  const run = { system, workloads, network, image, balancer, stores: bindings, userPool };
  new ContainerCore("core", { ...run, ...own.core });
  return edge;
}

export const runLive = (options: LiveOptions = {}) =>
  runUnderMocks(() => makeLive(options), { project: "shop", stack: "dev", invoke: awsInvoke });
