import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, test } from "vitest";
import { DataStores, type DataStoresArgs } from "../../../components/aws/DataStores.ts";
import { cache, defineSystem, http, sql } from "../../../spec/index.ts";
import { awsInvoke, type Graph, runUnderMocks } from "../harness.ts";
import { load } from "./fixtures.ts";

const type = {
  cacheUser: "aws:elasticache/user:User",
  database: "aws:rds/instance:Instance",
  group: "aws:ec2/securityGroup:SecurityGroup",
  replicas: "aws:elasticache/replicationGroup:ReplicationGroup",
} as const;

const shop = defineSystem({
  name: "shop",
  stores: { orderLedger: sql({ migrations: "m" }), live: cache() },
  workloads: {
    orders: http({
      code: "functions/orders",
      routes: ["GET /orders"],
      auth: "none",
      uses: { orderLedger: "read-write", live: "read-write" },
      load,
    }),
  },
});

const stores = (args: Partial<DataStoresArgs> = {}) =>
  runUnderMocks(
    () =>
      new DataStores("stores", {
        system: shop,
        network: { vpcId: "vpc-1", storeSubnetIds: ["subnet-1", "subnet-2"] },
        ...args,
      }),
    { project: "shop", stack: "dev", invoke: awsInvoke },
  );
type Made = Graph<DataStores>;
const known = (value: unknown) =>
  (pulumi.output(value) as unknown as { promise(): Promise<unknown> }).promise();

describe("a database", () => {
  let graph: Made;
  beforeAll(async () => {
    graph = await stores();
  });
  const inputs = () => graph.find(type.database).inputs;

  test("is encrypted, inside the network, and kept from deletion", () => {
    expect(inputs()).toMatchObject({
      storageEncrypted: true,
      publiclyAccessible: false,
      deletionProtection: true,
      skipFinalSnapshot: false,
      backupRetentionPeriod: 35,
    });
    expect(graph.find(type.database).protect).toBe(true);
    expect(graph.find("aws:rds/subnetGroup:SubnetGroup").inputs.subnetIds).toEqual([
      "subnet-1",
      "subnet-2",
    ]);
  });

  test("takes connections with TLS alone, and as many as are foreseen", () => {
    const { parameters } = graph.find("aws:rds/parameterGroup:ParameterGroup").inputs;
    expect(parameters).toContainEqual({ name: "rds.force_ssl", value: "1" });
    expect(parameters).toContainEqual(
      expect.objectContaining({ name: "max_connections", value: "195" }),
    );
  });

  test("has no password that anybody here knows: RDS keeps the master's, workloads have IAM", () => {
    expect(inputs()).toMatchObject({
      manageMasterUserPassword: true,
      iamDatabaseAuthenticationEnabled: true,
    });
    for (const { inputs: given } of graph.resources)
      expect(Object.keys(given).filter((key) => /^passwords?/i.test(key))).toEqual([]);
  });

  test("logs into groups that forget", () => {
    const logs = graph.all("aws:cloudwatch/logGroup:LogGroup");
    expect(logs.map(({ inputs: given }) => [given.name, given.retentionInDays])).toEqual([
      ["/aws/rds/instance/shop-dev-stores-orderledger-87e940/postgresql", 14],
      ["/aws/rds/instance/shop-dev-stores-orderledger-87e940/upgrade", 14],
    ]);
  });

  test("is bound by a URL without a password, and by the one user who may connect", async () => {
    const { location, arn, port } = graph.result.bindings.orderLedger ?? {};
    expect(await known(location)).toBe(
      `postgres://spillway@${inputs().identifier}.rds.amazonaws.com:5432/order_ledger`,
    );
    expect(await known(arn)).toBe(
      "arn:aws:rds-db:eu-central-1:123456789012:dbuser:db-STORES-ORDERLEDGER/spillway",
    );
    expect(port).toBe(5432);
  });

  test("tells where the master's password is, for migrations", async () => {
    expect(await known(graph.result.databases.orderLedger?.masterSecretArn)).toContain(
      ":secret:rds!",
    );
  });

  test("follows its settings", async () => {
    const database = {
      instanceClass: "db.r8g.large",
      multiAz: true,
      storageGb: 200,
      maxStorageGb: 900,
    };
    const other = await stores({ database, protect: false, backups: false });
    expect(other.find(type.database).inputs).toMatchObject({
      instanceClass: "db.r8g.large",
      multiAz: true,
      allocatedStorage: 200,
      maxAllocatedStorage: 900,
      deletionProtection: false,
      skipFinalSnapshot: true,
      backupRetentionPeriod: 0,
    });
  });
});

describe("a cache", () => {
  let graph: Made;
  beforeAll(async () => {
    graph = await stores();
  });

  test("is encrypted at rest and on the way, and inside the network", () => {
    expect(graph.find(type.replicas).inputs).toMatchObject({
      engine: "valkey",
      atRestEncryptionEnabled: true,
      transitEncryptionEnabled: true,
      transitEncryptionMode: "required",
      securityGroupIds: ["stores-live-group-id"],
    });
  });

  test("knows the workloads' user by IAM, and lets the user without a name do nothing", () => {
    const [app, nobody] = graph.all(type.cacheUser).map(({ inputs }) => inputs);
    expect(app?.userName).toBe(app?.userId);
    expect(app?.authenticationMode).toEqual({ type: "iam" });
    expect(app?.accessString).toBe("on ~* &* +@all -@admin -@dangerous +info");
    expect(nobody).toMatchObject({ userName: "default", accessString: "off -@all" });
    expect(graph.find("aws:elasticache/userGroup:UserGroup").inputs.userIds).toEqual([
      nobody?.userId,
      app?.userId,
    ]);
  });

  test("is bound by user, host and replication group, and both ARNs that IAM asks for", async () => {
    const { location, arn, userArn } = graph.result.bindings.live ?? {};
    expect(await known(location)).toBe(
      "rediss://shop-dev-stores-live-app@master.shop-dev-stores-live.cache.amazonaws.com:6379?group=shop-dev-stores-live",
    );
    expect(await known(arn)).toMatch(/:replicationgroup:shop-dev-stores-live$/);
    expect(await known(userArn)).toMatch(/:user:shop-dev-stores-live-app$/);
  });

  test("with more nodes than one fails over between zones", async () => {
    const two = await stores({ cache: { nodes: 2, nodeType: "cache.r7g.large" } });
    expect([graph, two].map((g) => g.find(type.replicas).inputs)).toMatchObject([
      { numCacheClusters: 1, automaticFailoverEnabled: false, multiAzEnabled: false },
      { numCacheClusters: 2, automaticFailoverEnabled: true, multiAzEnabled: true },
    ]);
  });
});

describe("both", () => {
  test("are closed until somebody is let in", async () => {
    const graph = await stores();
    expect(graph.all(type.group).map(({ name }) => name)).toEqual([
      "stores-live-group",
      "stores-orderLedger-group",
    ]);
    expect(
      graph.resources.filter(({ type: token }) => token.includes("securityGroupIngressRule")),
    ).toEqual([]);
  });

  test("need a network", async () => {
    await expect(stores({ network: undefined })).rejects.toThrow(
      'store "orderLedger" is inside a network, and none is given; give network',
    );
    await expect(stores({ cache: { nodes: 0 } })).rejects.toThrow("cache.nodes 0; use 1 to 6");
  });
});
