import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { DataStores, type DataStoresArgs } from "../../../components/aws/DataStores.ts";
import { ServerlessEdge, type ServerlessEdgeArgs } from "../../../components/aws/ServerlessEdge.ts";
import { UserPool } from "../../../components/aws/UserPool.ts";
import { defineSystem, edge, http, identity, queue, table } from "../../../spec/index.ts";
import { system } from "../../../system.ts";
import { type Graph, type MockOptions, runUnderMocks } from "../harness.ts";

const folder = join(tmpdir(), "spillway-component-tests");
mkdirSync(folder, { recursive: true });

/** A zip that could be uploaded. What is in it decides nothing here. */
export const code = { archive: join(folder, "empty.zip") };
// The same bytes whenever, and never half of them: others read it at the same time.
const zip = zipSync(
  { "index.mjs": new TextEncoder().encode("export {};") },
  { mtime: new Date(1980, 0, 1) },
);
const draft = join(folder, `.empty-${process.pid}.zip`);
writeFileSync(draft, zip);
renameSync(draft, code.archive);

/** The workloads of storefront that this edge and its user pool serve. */
export const served = ["users", "auth", "webhooks"] as const;
export const hooks = ["signUpRules", "welcome", "mailCode"] as const;
export const artefacts = Object.fromEntries([...served, ...hooks].map((name) => [name, code]));
export const secrets = {
  "stripe-webhook": "s1",
  "github-webhook": "s2",
  "twilio-webhook": "s3",
  "standard-webhook": "s4",
};

/** Storefront's stores, user pool and edge, as the program puts them together. */
export const storefront = (
  options: Partial<ServerlessEdgeArgs> & {
    readonly stack?: string;
    readonly data?: Partial<DataStoresArgs>;
    readonly outputs?: MockOptions["outputs"];
  } = {},
) => {
  const { stack = "dev", data, outputs, ...args } = options;
  return runUnderMocks(
    () => {
      const stores = new DataStores("stores", {
        system,
        workloads: [...served, ...hooks],
        secrets,
        ...data,
      });
      const users = new UserPool("users", { system, artefacts, stores: stores.bindings });
      return new ServerlessEdge("edge", {
        system,
        workloads: served,
        artefacts,
        stores: stores.bindings,
        userPool: users,
        ...args,
      });
    },
    { project: "shop", stack, outputs },
  );
};

const load = { perDay: 1000, shape: "steady", ms: { p50: 20, p99: 90 }, memoryMb: 256 } as const;

/** A system of one public http workload, with parts of it replaced. */
export const small = (options: Partial<Parameters<typeof http>[0]> = {}) =>
  defineSystem({
    name: "small",
    stores: { notes: table() },
    channels: { inbox: queue() },
    services: { edge: edge(), identity: identity() },
    workloads: {
      hello: http({
        code: "functions/hello",
        routes: ["GET /hello"],
        auth: "none",
        load,
        ...options,
      }),
    },
  });

/** An edge of the small system alone. */
export const smallEdge = (
  args: Partial<ServerlessEdgeArgs> = {},
  options: Partial<Parameters<typeof http>[0]> = {},
) =>
  runUnderMocks(
    () =>
      new ServerlessEdge("edge", { system: small(options), artefacts: { hello: code }, ...args }),
  );

export const userPool = { issuer: "https://issuer.example/pool", clientId: "client-1" };
export { load, system };

/** All that leads out of a network, and what that leads to: routes, associations and endpoints. */
export const waysOf = (graph: Graph) =>
  [
    "aws:ec2/route:Route",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:ec2/vpcEndpoint:VpcEndpoint",
  ].flatMap((type) => graph.all(type));
