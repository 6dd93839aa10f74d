import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { DataStores } from "./components/aws/DataStores.ts";
import { ServerlessEdge } from "./components/aws/ServerlessEdge.ts";
import { UserPool } from "./components/aws/UserPool.ts";
import { bundled, bundleFunctions } from "./components/shared/bundling.ts";
import { placeAll, placementFaults, summary } from "./planner/index.ts";
import { corsOf, readSettings } from "./settings.ts";
import { secretsOf } from "./spec/index.ts";
import { system } from "./system.ts";

// What has code and a component of its own today; the rest of the declaration is left out, aloud.
const deployed = bundled(system);
const left = Object.keys(system.workloads).filter((name) => !deployed.includes(name));
if (left.length > 0)
  void pulumi.log.info(`Not deployed, for want of code or of a component: ${left.join(", ")}`);

const settings = readSettings(system, secretsOf(system, deployed));
const placed = placeAll(system, { overrides: settings.placement });
const faults = [
  ...placementFaults(placed.filter(({ name }) => deployed.includes(name))),
  ...placed
    .filter(({ name, host }) => deployed.includes(name) && host !== "function")
    .map(({ name, host }) => `Placement "${name}": ${host}; only function is deployed so far`),
];
if (faults.length > 0) throw new pulumi.RunError(faults.join("\n"));

const { protect, backups, logRetentionDays, secrets } = settings;
const provider = new aws.Provider("aws", {
  region: settings.region as aws.Region,
  defaultTags: { tags: { ...settings.tags, system: system.name, stack: pulumi.getStack() } },
});
const opts = { providers: [provider] };
const shared = {
  system,
  logRetentionDays,
  placements: Object.fromEntries(placed.map((placement) => [placement.name, placement])),
  artefacts: await bundleFunctions({ system, workloads: deployed }),
};
const ofKind = (kind: string) =>
  deployed.filter((name) => system.workloads[name as keyof typeof system.workloads].kind === kind);

const stores = new DataStores(
  "stores",
  { system, workloads: deployed, secrets, protect, backups },
  opts,
);
const users = new UserPool(
  "users",
  { ...shared, workloads: ofKind("onIdentity"), stores: stores.bindings, protect },
  opts,
);
const edge = new ServerlessEdge(
  "edge",
  {
    ...shared,
    workloads: ofKind("http"),
    stores: stores.bindings,
    userPool: users,
    cors: corsOf(system, settings),
  },
  opts,
);

/** Where clients send requests. */
export const url = edge.url;
export const userPoolId = users.pool.id;
export const userPoolClientId = users.clientId;
/** Each deployed workload with its host and monthly cost; `spillway plan` says why. */
export const placement = Object.fromEntries(
  placed.filter(({ name }) => deployed.includes(name)).map((p) => [p.name, summary(p)]),
);
