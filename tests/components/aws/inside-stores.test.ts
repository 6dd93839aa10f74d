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

describe("a database's storage", () => {
  test.each([
    [{}, 20, 100],
    [{ storageGb: 200 }, 200, 400],
    [{ storageGb: 200, maxStorageGb: 220 }, 200, 220],
    [{ storageGb: 59_578 }, 59_578, 65_536],
  ])("%o grows by itself", async (database, allocatedStorage, maxAllocatedStorage) => {
    const graph = await stores({ database });
    expect(graph.find(type.database).inputs).toMatchObject({
      allocatedStorage,
      maxAllocatedStorage,
    });
  });
});

describe("what AWS would refuse minutes later is refused at once", () => {
  test.each<[Partial<DataStoresArgs>, string]>([
    [
      { database: { storageGb: 200, maxStorageGb: 219 } },
      "database.maxStorageGb 219 with storageGb 200; give whole GB, 220 (10 % more) to 65536",
    ],
    [{ database: { maxStorageGb: 65_537 } }, "database.maxStorageGb 65537 with storageGb 20"],
    [{ database: { storageGb: 19 } }, "database.storageGb 19; give whole GB, 20 to 59578"],
    [{ database: { storageGb: 20.5 } }, "database.storageGb 20.5; give whole GB"],
    [{ database: { storageGb: 59_579 } }, "database.storageGb 59579; give whole GB"],
    [{ database: { backupDays: 99 } }, "database.backupDays 99; give whole days, 0 to 35"],
    [
      { database: { instanceClass: "t4g.small" } },
      'database.instanceClass "t4g.small"; write it as db.<family>.<size>, such as "db.t4g.small"',
    ],
    [{ database: { instanceClass: "db.t4g.smal" } }, 'database.instanceClass "db.t4g.smal"'],
    [
      { cache: { nodeType: "t4g.micro" } },
      'cache.nodeType "t4g.micro"; write it as cache.<family>.<size>, such as "cache.t4g.micro"',
    ],
    [{ cache: { nodes: 7 } }, "cache.nodes 7; use 1 to 6"],
  ])("%o", async (args, message) => {
    await expect(stores(args)).rejects.toThrow(message);
  });

  test("all of it at once", async () => {
    const made = stores({ database: { backupDays: -1 }, cache: { nodes: 1.5 } });
    await expect(made).rejects.toThrow(/backupDays -1(.|\n)*nodes 1\.5/);
  });

  test("and nothing else is: sizes of all families", async () => {
    for (const size of ["db.m8g.48xlarge", "db.x2iedn.8xlarge", "db.t4g.medium", "db.r6gd.xlarge"])
      await stores({ database: { instanceClass: size } });
    for (const size of ["cache.r7g.16xlarge", "cache.c7gn.large", "cache.t4g.small"])
      await stores({ cache: { nodeType: size } });
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
