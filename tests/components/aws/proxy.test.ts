import { beforeAll, describe, expect, test } from "vitest";
import { connectionFaults } from "../../../components/aws/container-plan.ts";
import { DataStores } from "../../../components/aws/DataStores.ts";
import { allConnections } from "../../../components/aws/database.ts";
import { WorkloadFunction } from "../../../components/aws/Function.ts";
import { Network } from "../../../components/aws/Network.ts";
import { proxyPool } from "../../../components/aws/proxy.ts";
import { defineSystem, http, sql } from "../../../spec/index.ts";
import { awsInvoke, type Graph, runUnderMocks } from "../harness.ts";
import { code, load } from "./fixtures.ts";

const type = {
  egress: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  function: "aws:lambda/function:Function",
  logs: "aws:cloudwatch/logGroup:LogGroup",
  proxy: "aws:rds/proxy:Proxy",
  target: "aws:rds/proxyTarget:ProxyTarget",
  targets: "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup",
} as const;

const books = { auth: "none", uses: { ledger: "read-write" }, load } as const;
const system = defineSystem({
  name: "books",
  stores: { ledger: sql({ migrations: "m" }) },
  workloads: {
    orders: http({ ...books, code: "functions/orders", routes: ["GET /orders"] }),
    bills: http({ ...books, code: "functions/bills", routes: ["GET /bills"] }),
  },
});

const made = (proxy: boolean) =>
  runUnderMocks(
    () => {
      const network = new Network("network");
      const data = new DataStores("stores", { system, network, database: { proxy } });
      const own = { system, network, stores: data.bindings, artefact: code };
      new WorkloadFunction("orders", { ...own, workload: "orders" });
      return data.bindings;
    },
    { project: "shop", stack: "dev", invoke: awsInvoke },
  );

describe("a proxy before a database", () => {
  let graph: Graph<unknown>;
  beforeAll(async () => {
    graph = await made(true);
  });

  test("is there where the stack asks for one", async () => {
    expect((await made(false)).all(type.proxy)).toEqual([]);
    expect(graph.all(type.proxy)).toHaveLength(1);
  });

  test("takes IAM alone on both its sides, and TLS alone, so that no secret is kept for it", () => {
    expect(graph.find(type.proxy).inputs).toMatchObject({
      engineFamily: "POSTGRESQL",
      defaultAuthScheme: "IAM_AUTH",
      requireTls: true,
    });
    expect(graph.find(type.proxy).inputs).not.toHaveProperty("auths");
    expect(graph.all("aws:secretsmanager/secret:Secret")).toEqual([]);
  });

  test("may connect to its database as the workloads' user, and nothing else", () => {
    expect(graph.policy("stores-ledger-proxy-policy").Statement).toEqual([
      expect.objectContaining({
        Action: ["rds-db:connect"],
        Resource: ["arn:aws:rds-db:eu-central-1:123456789012:dbuser:db-STORES-LEDGER/spillway"],
      }),
    ]);
    expect(
      graph
        .all(type.egress)
        .filter(({ inputs }) => inputs.securityGroupId === "stores-ledger-proxy-group-id")
        .map(({ inputs }) => [inputs.referencedSecurityGroupId, inputs.fromPort]),
    ).toEqual([["stores-ledger-group-id", 5432]]);
  });

  test("stands beside its database, where nothing leads out, and its logs forget", () => {
    expect(graph.find(type.proxy).inputs.vpcSubnetIds).toEqual([
      "network-stores-1-id",
      "network-stores-2-id",
    ]);
    expect(graph.find(type.logs, "stores-ledger-proxy-logs").inputs).toMatchObject({
      name: "/aws/rds/proxy/shop-dev-stores-ledger-proxy",
      retentionInDays: 14,
    });
  });

  test("leaves tasks half of the connections, and nobody waiting for longer than its clients do", () => {
    expect(graph.find(type.targets).inputs.connectionPoolConfig).toMatchObject({
      maxConnectionsPercent: 50,
      connectionBorrowTimeout: 3,
    });
    expect(graph.find(type.target).inputs.dbInstanceIdentifier).toBe("shop-dev-stores-ledger");
  });

  test("is what functions connect to, with its own name in their policy and its own group", () => {
    expect(graph.find(type.function).inputs.environment.variables).toMatchObject({
      SPILLWAY_SQL_LEDGER:
        "postgres://spillway@shop-dev-stores-ledger-proxy.proxy-1a2b.eu-central-1.rds.amazonaws.com:5432/ledger?pooled",
    });
    expect(graph.policy("orders-policy").Statement[0]?.Resource).toEqual([
      "arn:aws:rds-db:eu-central-1:123456789012:dbuser:prx-stores-ledger-proxy/spillway",
    ]);
    const out = graph
      .all(type.egress)
      .filter(
        ({ inputs }) => inputs.securityGroupId === "orders-group-id" && inputs.fromPort === 5432,
      )
      .map(({ inputs }) => inputs.referencedSecurityGroupId);
    expect(out).toEqual(["stores-ledger-proxy-group-id"]);
  });
});

describe("connections that are held at the most", () => {
  const placements = {
    orders: { host: "function" as const, concurrency: { expected: 1 } },
    bills: { host: "container" as const },
  };
  const faults = (max: number, pool?: number) =>
    connectionFaults(
      {
        system,
        workloads: ["orders", "bills"],
        placements,
        capacity: { bills: { max } },
      },
      180,
      pool,
    );
  const pool = proxyPool(allConnections(180));

  test("are the proxy's in the place of every function's", () => {
    expect(pool).toBe(97);
    expect(faults(8)).toEqual([expect.stringContaining("orders Infinity, bills 80 connections")]);
    expect(faults(8, pool)).toEqual([]);
  });

  test("are still those of tasks beside it", () => {
    expect(faults(9, pool)).toEqual([
      expect.stringContaining("bills 90, proxy 97 connections at the most, over the 180"),
    ]);
  });

  test("are no proxy's where no function uses the database", () => {
    const alone = { bills: placements.bills };
    const args = {
      system,
      workloads: ["bills"],
      placements: alone,
      capacity: { bills: { max: 18 } },
    };
    expect(connectionFaults(args, 180, pool)).toEqual([]);
  });
});
