import { beforeAll, describe, expect, test } from "vitest";
import type { ContainerCore } from "../../../components/aws/ContainerCore.ts";
import { Migrations, type MigrationsArgs } from "../../../components/aws/Migrations.ts";
import { type Graph, runUnderMocks } from "../harness.ts";
import { type CoreOptions, core } from "./core-fixtures.ts";
import { code, waysOf } from "./fixtures.ts";

const type = {
  egress: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  function: "aws:lambda/function:Function",
  invocation: "aws:lambda/invocation:Invocation",
  service: "aws:ecs/service:Service",
} as const;

let graph: Graph<ContainerCore>;
beforeAll(async () => {
  const config = { placement: { orders: "container-with-overflow" } };
  graph = await core({ config, migrations: "hash-1" });
});
const needsOf = (token: string, name: string) =>
  graph.dependencies(graph.find(token, name)).map((each) => each.name);

describe("a database's migrations", () => {
  test("are run by a function inside the network, which knows where the master's secret is", () => {
    const { environment, timeout, vpcConfig } = graph.find(
      type.function,
      "migrations-ledger-function",
    ).inputs;
    expect(Object.keys(environment.variables).sort()).toEqual([
      "NODE_EXTRA_CA_CERTS",
      "SPILLWAY_MASTER_SECRET",
      "SPILLWAY_SQL_LEDGER",
    ]);
    expect(environment.variables.SPILLWAY_MASTER_SECRET).toMatch(/^arn:.*:secret:rds!/);
    expect(timeout).toBe(900);
    expect(vpcConfig.subnetIds).toEqual(["network-inside-1-id", "network-inside-2-id"]);
  });

  test("may connect as the one user, and read the one secret", () => {
    const [connect, secret, ...platform] = graph.policy("migrations-ledger-policy").Statement;
    expect(connect).toMatchObject({
      Action: ["rds-db:connect"],
      Resource: [expect.stringMatching(/:dbuser:[^*]+\/spillway$/)],
    });
    expect(secret).toMatchObject({
      Action: ["secretsmanager:GetSecretValue"],
      Resource: [expect.stringMatching(/^arn:[^*]+$/)],
    });
    expect(platform.map(({ Sid }) => Sid)).toEqual([
      "Logs",
      "Traces",
      "NetworkInterfaces",
      "NotByCode",
    ]);
  });

  test("run when they, or the database, are others; not when their runner is", () => {
    expect(graph.find(type.invocation, "migrations-ledger").inputs.triggers).toEqual({
      migrations: "hash-1",
      database: "db-STORES-LEDGER",
    });
  });

  test("run once the database may be reached, and its secret", () => {
    expect(needsOf(type.invocation, "migrations-ledger")).toEqual(
      expect.arrayContaining([
        "migrations-ledger-function",
        "migrations-ledger-group-to-ledger",
        "ledger-from-migrations-ledger-group",
        "migrations-ledger-group-to-internet",
      ]),
    );
  });

  test("run once the network has its ways out, as tasks do", async () => {
    const made = await core({ migrations: "hash-1", network: { endpoints: ["queue"] } });
    const ways = waysOf(made);
    expect(ways.map(({ name }) => name)).toEqual([
      ...["network-inside-1", "network-inside-2", "network-outside"],
      ...["network-inside-1", "network-inside-2", "network-outside-1"],
      ...["network-objectStore", "network-sqs", "network-table"],
    ]);
    for (const [token, name] of [
      [type.invocation, "migrations-ledger"],
      [type.service, "core-orders-service"],
      [type.service, "core-report-service"],
    ] as const)
      expect(made.dependencies(made.find(token, name))).toEqual(expect.arrayContaining(ways));
  });

  test("run before what uses the database changes, on either host, and nothing else waits", () => {
    expect(needsOf(type.service, "core-orders-service")).toContain("migrations-ledger");
    expect(needsOf(type.function, "edge-orders-function")).toContain("migrations-ledger");
    expect(needsOf(type.service, "core-status-service")).not.toContain("migrations-ledger");
  });

  test("have no secret in what is stored of them", () => {
    const { inputs } = graph.find(type.invocation, "migrations-ledger");
    expect(inputs.input).toBe("{}");
  });
});

describe("migrations that cannot run are refused", () => {
  const doors = ["queue", "identity", "registry", "logs"] as const;
  const closed = (endpoints: NonNullable<CoreOptions["network"]>["endpoints"]): CoreOptions => ({
    migrations: "hash-1",
    network: { nat: "none", endpoints },
  });

  test("without a way to Secrets Manager", async () => {
    await expect(core(closed(doors))).rejects.toThrow(
      'migrations of sql "ledger": runs inside the network and reads the master user\'s secret, which has no door to secret; give network.endpoints: [secret], or network.nat: one',
    );
    const open = await core(closed([...doors, "secret"]));
    expect(open.all(type.egress).map(({ name }) => name)).toContain(
      "migrations-ledger-group-to-secret",
    );
  });

  test("without code, or with logs that are kept forever", async () => {
    const made = (args: Partial<MigrationsArgs>) =>
      runUnderMocks(
        () =>
          new Migrations("migrations", {
            databases: { ledger: undefined as never },
            artefacts: { ledger: { ...code, migrations: "m" } },
            network: { vpcId: "vpc-1", subnetIds: ["subnet-1"], internet: true },
            ...args,
          }),
      );
    await expect(made({ artefacts: {} })).rejects.toThrow(
      'Migrations "migrations": sql "ledger": nothing migrates it; give artefacts["ledger"]',
    );
    await expect(made({ logRetentionDays: 4 })).rejects.toThrow("logRetentionDays 4; use one of");
  });
});
