import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineEvent, Stack } from "@pulumi/pulumi/automation/index.js";
import { zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DataStores } from "../../components/aws/DataStores.ts";
import { ServerlessEdge } from "../../components/aws/ServerlessEdge.ts";
import { UserPool } from "../../components/aws/UserPool.ts";
import {
  cache,
  defineSystem,
  edge,
  http,
  identity,
  objectStore,
  onIdentity,
  queue,
  sql,
  table,
} from "../../spec/index.ts";
import { type Engine, openEngine, openStack, stateText } from "../../tools/engine.ts";
import { inCloud, resourcesOf, type Stateful } from "./state.ts";

const load = { perDay: 1000, shape: "steady", ms: { p50: 20, p99: 90 }, memoryMb: 256 } as const;

/** One workload for each thing that the storefront's stack has not. */
const system = defineSystem({
  name: "shop",
  stores: {
    media: objectStore(),
    catalog: table({ changes: true }),
    ledger: sql({ migrations: "migrations" }),
    live: cache(),
  },
  channels: { inbox: queue() },
  services: { edge: edge(), identity: identity() },
  secrets: ["api-key"],
  workloads: {
    inNetwork: http({
      code: "functions/in-network",
      routes: ["GET /report/{id}", "POST /report"],
      uses: {
        ledger: "read-write",
        live: "read-write",
        media: "read",
        inbox: "send",
        secrets: ["api-key"],
      },
      load,
    }),
    onContainer: http({ code: "functions/on-container", routes: ["ANY /legacy/{rest+}"], load }),
    fromImage: http({
      code: "functions/from-image",
      routes: ["GET /render"],
      auth: "none",
      uses: { catalog: ["get"] },
      load,
    }),
    keptReady: http({ code: "functions/kept-ready", routes: ["GET /"], auth: "none", load }),
    hook: onIdentity({ code: "functions/hook", hooks: ["pre-token"], load }),
  },
});

const secret = "a secret that only the engine may keep";

// Somebody's own, instead of what components make: a database, a cache, a balancer, a network.
const stores = {
  ledger: {
    kind: "sql",
    arn: "arn:aws:rds-db:eu-central-1:123456789012:dbuser:db-1/app",
    location: "ledger.internal",
    securityGroupId: "sg-1",
    port: 5432,
  },
  live: {
    kind: "cache",
    arn: "arn:aws:elasticache:eu-central-1:123456789012:replicationgroup:live",
    userArn: "arn:aws:elasticache:eu-central-1:123456789012:user:app",
    location: "live.internal",
    securityGroupId: "sg-2",
    port: 6379,
  },
} as const;
const door = { securityGroupId: "sg-3" };
const network = {
  vpcId: "vpc-1",
  subnetIds: ["subnet-1", "subnet-2"],
  endpoints: {
    objectStore: { prefixListId: "pl-1" },
    queue: door,
    secret: door,
    identity: door,
  },
};
const listenerArn =
  "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/legacy/1234567890abcdef/1234567890abcdef";
const image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/render:1";

const type = {
  alias: "aws:lambda/alias:Alias",
  bucket: "aws:s3/bucket:Bucket",
  function: "aws:lambda/function:Function",
  integration: "aws:apigatewayv2/integration:Integration",
  link: "aws:apigatewayv2/vpcLink:VpcLink",
  logs: "aws:cloudwatch/logGroup:LogGroup",
  pool: "aws:cognito/userPool:UserPool",
  ready: "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig",
  secret: "aws:secretsmanager/secret:Secret",
} as const;

/** What the storefront leaves out, on the real engine: one test after the other on one stack. */
describe("components on the real engine", { timeout: 300_000 }, () => {
  let folder: string;
  let engine: Engine;
  let stack: Stack;
  let logRetentionDays = 14;

  const program = async () => {
    const archive = join(folder, "function.zip");
    const artefacts = {
      inNetwork: { archive },
      fromImage: { image },
      keptReady: { archive },
      hook: { archive },
    };
    const data = new DataStores("stores", {
      system,
      secrets: { "api-key": secret },
      network: { vpcId: "vpc-1", storeSubnetIds: ["subnet-3", "subnet-4"] },
      logRetentionDays,
      protect: false,
    });
    const users = new UserPool("users", { system, artefacts, logRetentionDays, protect: false });
    const { url } = new ServerlessEdge("edge", {
      system,
      artefacts,
      network,
      logRetentionDays,
      userPool: users,
      stores: { ...data.bindings, ...stores },
      placements: {
        onContainer: { host: "container" },
        fromImage: { host: "function-image" },
        keptReady: {
          host: "function",
          concurrency: { expected: 4, provisioned: 5, reserved: 20 },
        },
      },
      listeners: { onContainer: { listenerArn, securityGroupId: "sg-4", port: 443 } },
    });
    return { url };
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "spillway-components-"));
    writeFileSync(join(folder, "function.zip"), zipSync({ "index.mjs": new Uint8Array([59]) }));
    engine = await openEngine(folder, { checkpoints: false });
    const config = { "aws:region": { value: "eu-central-1" } };
    stack = await openStack(engine, { program, config });
  }, 900_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The one resource of a type, or of a type and a name. */
  const made = (of: string, name?: string): Stateful => {
    const found = resourcesOf(stateText(engine)).filter(
      ({ urn, type }) => type === of && (name === undefined || urn.endsWith(`::${name}`)),
    );
    expect(found, `${of} ${name ?? ""}`).toHaveLength(1);
    return found[0] as Stateful;
  };

  test("a preview plans everything, and makes nothing", async () => {
    const { changeSummary } = await previewed(stack);
    expect(Object.keys(changeSummary)).toEqual(["create"]);
    expect(inCloud(engine)).toEqual([]);
  });

  test("an up makes what was planned", async () => {
    const planned = (await previewed(stack)).changeSummary.create;
    const { summary, outputs } = await stack.up();
    expect(summary.resourceChanges).toEqual({ create: planned });
    expect(outputs.url?.value).toMatch(
      /^https:\/\/\w+\.execute-api\.eu-central-1\.amazonaws\.com$/,
    );
  });

  test("names of which the program gives the beginning were completed", () => {
    const { id, outputs } = made(type.bucket);
    expect(id).toMatch(/^sample-dev-stores-media-\w{26}$/);
    expect(outputs.arn).toBe(`arn:aws:s3:::${id}`);
    expect(made(type.secret).outputs.arn).toMatch(/:secret:sample-dev-stores-api-key-\w{26}-\w+$/);
  });

  test("a function with a database and a cache is inside the network, and knows its stores", () => {
    const { outputs } = made(type.function, "edge-inNetwork-function");
    expect(outputs.vpcConfig).toMatchObject({
      subnetIds: network.subnetIds,
      securityGroupIds: [made("aws:ec2/securityGroup:SecurityGroup", "edge-inNetwork-group").id],
    });
    expect(outputs.environment).toMatchObject({
      variables: {
        SPILLWAY_SQL_LEDGER: "ledger.internal",
        SPILLWAY_CACHE_LIVE: "live.internal",
        SPILLWAY_OBJECT_STORE_MEDIA: made(type.bucket).id,
      },
    });
  });

  test("a workload on a container is reached through the link", () => {
    expect(made(type.integration, "edge-onContainer").outputs).toMatchObject({
      integrationUri: listenerArn,
      connectionType: "VPC_LINK",
      connectionId: made(type.link).id,
    });
  });

  test("a function image, a function that is kept ready, and a hook run as they are placed", () => {
    expect(made(type.function, "edge-fromImage-function").outputs).toMatchObject({
      packageType: "Image",
      imageUri: image,
    });
    expect(made(type.ready).outputs).toMatchObject({
      functionName: made(type.function, "edge-keptReady-function").id,
      qualifier: "live",
    });
    expect(made(type.integration, "edge-keptReady").outputs.integrationUri).toBe(
      made(type.alias).outputs.invokeArn,
    );
    expect(made(type.pool).outputs.lambdaConfig).toMatchObject({
      preTokenGenerationConfig: {
        lambdaArn: made(type.function, "users-hook-function").outputs.arn,
      },
    });
  });

  test("a second up changes nothing", async () => {
    expect(Object.keys((await stack.up()).summary.resourceChanges ?? {})).toEqual(["same"]);
  });

  test("another retention is a change of the log groups, and of nothing else", async () => {
    logRetentionDays = 30;
    const groups = resourcesOf(stateText(engine)).filter((each) => each.type === type.logs);
    const { steps } = await previewed(stack);
    expect(steps).toEqual(
      groups.map(({ urn }) => `update ${urn.split("::").at(-1)}: retentionInDays`).sort(),
    );
    const { resourceChanges } = (await stack.up()).summary;
    expect(resourceChanges).toMatchObject({ update: groups.length });
    expect(Object.keys(resourceChanges ?? {}).sort()).toEqual(["same", "update"]);
  });

  test("the secret stands in the state encrypted, and in the cloud not at all", () => {
    expect(stateText(engine)).toContain("ciphertext");
    expect(stateText(engine)).not.toContain(secret);
    const version = inCloud(engine).filter((name) => name.includes("secretVersion"));
    expect(version).toHaveLength(1);
    expect(readFileSync(join(engine.cloud, version[0] ?? ""), "utf8")).not.toContain(secret);
  });

  test("destroy leaves nothing", async () => {
    await stack.destroy();
    expect(inCloud(engine)).toEqual([]);
    expect(resourcesOf(stateText(engine))).toEqual([]);
  });
});

/** A preview's counts, and "operation name: properties" of what is not the same, sorted. */
async function previewed(stack: Stack) {
  const steps: string[] = [];
  const onEvent = ({ resourcePreEvent }: EngineEvent): void => {
    const { op, urn, detailedDiff } = resourcePreEvent?.metadata ?? {};
    if (!op || op === "same") return;
    steps.push(`${op} ${urn?.split("::").at(-1)}: ${Object.keys(detailedDiff ?? {}).join()}`);
  };
  const { changeSummary } = await stack.preview({ onEvent });
  return { changeSummary, steps: steps.sort() };
}
