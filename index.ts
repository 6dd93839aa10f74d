import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Alerts } from "./components/aws/Alerts.ts";
import { Balancer } from "./components/aws/Balancer.ts";
import { Channels } from "./components/aws/Channels.ts";
import { ContainerCore } from "./components/aws/ContainerCore.ts";
import { DataStores } from "./components/aws/DataStores.ts";
import { needsGpu, needsNetwork, usesScanner } from "./components/aws/deployment.ts";
import { EventPipeline } from "./components/aws/EventPipeline.ts";
import { Migrations } from "./components/aws/Migrations.ts";
import { Network, type NetworkArgs } from "./components/aws/Network.ts";
import { Observability } from "./components/aws/Observability.ts";
import { Scanners } from "./components/aws/Scanners.ts";
import { ServerlessEdge } from "./components/aws/ServerlessEdge.ts";
import { SocketEdge } from "./components/aws/SocketEdge.ts";
import { planStack } from "./components/aws/stack-plan.ts";
import { UserPool } from "./components/aws/UserPool.ts";
import { WorkloadImage } from "./components/aws/WorkloadImage.ts";
import { bundleFunctions, hasCode } from "./components/shared/bundling.ts";
import { imageSource } from "./components/shared/image.ts";
import { bundleMigrations } from "./components/shared/migration-bundles.ts";
import { skipPromiseStacks } from "./components/shared/promise-stacks.ts";
import { summary } from "./planner/index.ts";
import { alertsOf, certificateOf, corsOf, readSettings } from "./settings.ts";
import { secretsOf } from "./spec/index.ts";
import { system } from "./system.ts";

skipPromiseStacks();
const coded = Object.keys(system.workloads).filter((name) => hasCode(system, name));
const settings = readSettings(system, secretsOf(system, coded));
const plan = planStack(system, settings, (name) => coded.includes(name));
if (plan.faults.length > 0) throw new pulumi.RunError(plan.faults.join("\n"));
for (const { name, because } of plan.left)
  void pulumi.log.info(`Not deployed: ${name}, ${because}`);
const { functions, containers, servers, twins, placements, ofKind } = plan;

const { protect, backups, logRetentionDays, secrets, database, cache, capacity } = settings;
const { cutover, overflow } = settings;
const provider = new aws.Provider("aws", {
  region: settings.region as aws.Region,
  defaultTags: { tags: { ...settings.tags, system: system.name, stack: pulumi.getStack() } },
});
const opts = { providers: [provider] };
const made = { system, workloads: plan.deployed };
const artefacts = await bundleFunctions({ system, workloads: [...functions, ...twins] });
const [onGpu, plain] = [true, false].map((gpu) =>
  containers.filter((name) => needsGpu(system, name) === gpu),
) as [string[], string[]];
const source = await imageSource({ system, workloads: plain });
const gpuSource = await imageSource({ system, workloads: onGpu, gpu: true });
const shared = { system, logRetentionDays, placements, artefacts };

const alerts = new Alerts("alerts", alertsOf(settings), opts);
const sockets = ofKind("socket");
const net = settings.network as NetworkArgs;
const network = needsNetwork(system, plan.deployed, containers)
  ? new Network("network", { ...net, internetGateway: sockets.length > 0 }, opts)
  : undefined;

const cors = corsOf(system, settings);
const kept = { protect, backups, secrets, origins: cors?.origins, database, cache };
const data = new DataStores("stores", { ...made, ...kept, network, logRetentionDays }, opts);
const channels = new Channels("channels", { ...made, stores: data.bindings }, opts);
const databases = settings.migrations === "automatic" ? data.databases : {};
const runners = await bundleMigrations({ system, stores: Object.keys(databases) });
const migrated =
  network && Object.keys(databases).length > 0
    ? new Migrations(
        "migrations",
        { databases, artefacts: runners, network, logRetentionDays },
        opts,
      )
    : undefined;
const scanners =
  network && usesScanner(system, plan.deployed)
    ? new Scanners("scanners", { ...made, network, logRetentionDays }, opts)
    : undefined;
const found = { ...data.bindings, ...migrated?.bindings, ...scanners?.bindings };
const stores = { ...found, ...channels.bindings };

const hooks = { ...shared, workloads: ofKind("onIdentity"), stores, protect };
const users = new UserPool("users", hooks, opts);
const inside = { ...shared, network, stores };
const served = { ...inside, protect, cutover, certificate: certificateOf(settings) };
const balancer =
  network && servers.length > 0
    ? new Balancer("balancer", { ...served, network, workloads: servers }, opts)
    : undefined;
const socketEdge =
  network && balancer && sockets.length > 0
    ? new SocketEdge(
        "sockets",
        { system, workloads: sockets, balancer, network, logRetentionDays, protect },
        opts,
      )
    : undefined;
const routed = { workloads: ofKind("http"), twins, listeners: balancer?.listeners };
const edge = new ServerlessEdge("edge", { ...inside, ...routed, userPool: users, cors }, opts);
const bound = { ...stores, ...edge.bindings };
const started = ofKind("onMessage", "onObject", "onSchedule", "job", "workflow");
const events = new EventPipeline(
  "events",
  { ...inside, workloads: started, stores: bound, alarms: alerts.arn },
  opts,
);
const { consumers: fed } = events;
const images = {
  image: source && new WorkloadImage("image", { source, protect }, opts),
  gpuImage: gpuSource && new WorkloadImage("gpu-image", { source: gpuSource, protect }, opts),
};
const tasks = { workloads: containers, balancer, consumers: fed, capacity, overflow };
const beside = { twins: edge.functions, stores: bound, origins: cors?.origins };
const run = { ...shared, ...tasks, ...images, ...beside };
const core =
  network && containers.length > 0
    ? new ContainerCore("core", { ...run, network, userPool: users }, opts)
    : undefined;
const watched = { ...made, stores, edge, users, events, core, alerts };
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
  Object.entries(fed).map(([name, { queueUrl }]) => [name, queueUrl]),
);
/** Each deployed workload with its host and monthly cost; `spillway plan` says why. */
export const placement = Object.fromEntries(plan.placed.map((p) => [p.name, summary(p)]));
