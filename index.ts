import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Alerts } from "./components/aws/Alerts.ts";
import { Balancer } from "./components/aws/Balancer.ts";
import { Channels } from "./components/aws/Channels.ts";
import { ContainerCore } from "./components/aws/ContainerCore.ts";
import { connectionFaults } from "./components/aws/container-plan.ts";
import { DataStores } from "./components/aws/DataStores.ts";
import { allConnections, databaseDefaults } from "./components/aws/database.ts";
import { deploymentOf, needsGpu, needsNetwork, usesScanner } from "./components/aws/deployment.ts";
import { EventPipeline } from "./components/aws/EventPipeline.ts";
import { Network, type NetworkArgs, networkFaults } from "./components/aws/Network.ts";
import { Observability } from "./components/aws/Observability.ts";
import { proxyPool } from "./components/aws/proxy.ts";
import { Scanners } from "./components/aws/Scanners.ts";
import { ServerlessEdge } from "./components/aws/ServerlessEdge.ts";
import { SocketEdge } from "./components/aws/SocketEdge.ts";
import { UserPool } from "./components/aws/UserPool.ts";
import { WorkloadImage } from "./components/aws/WorkloadImage.ts";
import { bundleFunctions, hasCode } from "./components/shared/bundling.ts";
import { imageSource } from "./components/shared/image.ts";
import { placeAll, placementFaults, summary } from "./planner/index.ts";
import { alertsOf, corsOf, readSettings } from "./settings.ts";
import { secretsOf } from "./spec/index.ts";
import { system } from "./system.ts";

const coded = Object.keys(system.workloads).filter((name) => hasCode(system, name));
const settings = readSettings(system, secretsOf(system, coded));
const placed = placeAll(system, { overrides: settings.placement });
const { functions, waiting, servers, left } = deploymentOf(
  system,
  placed,
  (name) => coded.includes(name),
  { migrated: settings.migrations === "by-hand", scanned: settings.scanner },
);
const containers = [...servers, ...waiting];
const deployed = [...functions, ...containers];
const placements = Object.fromEntries(placed.map((placement) => [placement.name, placement]));
const net = settings.network as NetworkArgs;
const { capacity, database, cache } = settings;
const { connections = databaseDefaults.connections } = database;

// The rest of the declaration is left out, aloud; but not what the stack's config asks for.
const faults = [
  ...placementFaults(placed.filter(({ name }) => deployed.includes(name))),
  ...left
    .filter(({ name }) => Object.hasOwn(settings.placement, name))
    .map(
      ({ name, because }) => `Placement "${name}": ${because}; take it out of the stack's config`,
    ),
  ...networkFaults(net).map((fault) => `network: ${fault}`),
  ...connectionFaults(
    { system, workloads: deployed, placements, capacity },
    connections,
    database.proxy ? proxyPool(allConnections(connections)) : undefined,
  ),
];
if (faults.length > 0) throw new pulumi.RunError(faults.join("\n"));
for (const { name, because } of left) void pulumi.log.info(`Not deployed: ${name}, ${because}`);

const { protect, backups, logRetentionDays, secrets } = settings;
const provider = new aws.Provider("aws", {
  region: settings.region as aws.Region,
  defaultTags: { tags: { ...settings.tags, system: system.name, stack: pulumi.getStack() } },
});
const opts = { providers: [provider] };
const made = { system, workloads: deployed };
const shared = {
  system,
  logRetentionDays,
  placements,
  artefacts: await bundleFunctions({ system, workloads: functions }),
};
const [onGpu, plain] = [true, false].map((gpu) =>
  containers.filter((name) => needsGpu(system, name) === gpu),
) as [string[], string[]];
const source = await imageSource({ system, workloads: plain });
const gpuSource = await imageSource({ system, workloads: onGpu, gpu: true });
const ofKind = (...kinds: string[]) =>
  deployed.filter((name) =>
    kinds.includes(system.workloads[name as keyof typeof system.workloads].kind),
  );

const sockets = ofKind("socket");

const alerts = new Alerts("alerts", alertsOf(settings), opts);
const cors = corsOf(system, settings);
const network = needsNetwork(system, deployed, containers)
  ? new Network("network", { ...net, internetGateway: sockets.length > 0 }, opts)
  : undefined;
const data = new DataStores(
  "stores",
  {
    ...made,
    secrets,
    protect,
    origins: cors?.origins,
    backups,
    network,
    database,
    cache,
    logRetentionDays,
  },
  opts,
);
const channels = new Channels("channels", { ...made, stores: data.bindings }, opts);
const scanners =
  network && usesScanner(system, deployed)
    ? new Scanners("scanners", { ...made, network, logRetentionDays }, opts)
    : undefined;
const stores = { ...data.bindings, ...channels.bindings, ...scanners?.bindings };
const users = new UserPool(
  "users",
  { ...shared, workloads: ofKind("onIdentity"), stores, protect },
  opts,
);
const inside = { ...shared, network, stores };
const balancer =
  network && servers.length > 0
    ? new Balancer("balancer", { ...inside, network, workloads: servers, protect }, opts)
    : undefined;
const listeners = balancer?.listeners;
const socketEdge =
  network && balancer && sockets.length > 0
    ? new SocketEdge(
        "sockets",
        { system, workloads: sockets, balancer, network, logRetentionDays, protect },
        opts,
      )
    : undefined;
const edge = new ServerlessEdge(
  "edge",
  { ...inside, workloads: ofKind("http"), listeners, userPool: users, cors },
  opts,
);
const started = ofKind("onMessage", "onObject", "onSchedule", "job", "workflow");
const events = new EventPipeline(
  "events",
  { ...inside, workloads: started, stores: { ...stores, ...edge.bindings }, alarms: alerts.arn },
  opts,
);
if (network && containers.length > 0) {
  const image = source && new WorkloadImage("image", { source, protect }, opts);
  const gpuImage =
    gpuSource && new WorkloadImage("gpu-image", { source: gpuSource, protect }, opts);
  const { bindings } = edge;
  const { consumers } = events;
  const images = { image, gpuImage };
  const run = { workloads: containers, network, ...images, balancer, consumers, capacity };
  new ContainerCore(
    "core",
    { ...shared, ...run, stores: { ...stores, ...bindings }, userPool: users },
    opts,
  );
}
const watched = { ...made, stores, edge, users, events, alerts };
const { link } = new Observability("watch", watched, opts);

/** Where clients send requests. */
export const url = edge.url;
/** Where clients open web sockets, by workload. */
export const socketUrl = socketEdge?.urls;
/** Where people see how it fares: the stack's dashboard. */
export const dashboard = link;
export const userPoolId = users.pool.id;
export const userPoolClientId = users.clientId;
/** Queues that containers read, by workload. */
export const consumers = Object.fromEntries(
  Object.entries(events.consumers).map(([name, { queueUrl }]) => [name, queueUrl]),
);
/** Each deployed workload with its host and monthly cost; `spillway plan` says why. */
export const placement = Object.fromEntries(
  placed.filter(({ name }) => deployed.includes(name)).map((p) => [p.name, summary(p)]),
);
