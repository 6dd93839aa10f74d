import { beforeAll, describe, expect, test } from "vitest";
import type { ContainerCore } from "../../../components/aws/ContainerCore.ts";
import { admissionOf, overflowFaults } from "../../../components/aws/overflow.ts";
import { scalingOf } from "../../../components/aws/scaling-plan.ts";
import { awsUsEast1 } from "../../../planner/index.ts";
import { admissionFrom } from "../../../runtime/overflow/settings.ts";
import type { Graph } from "../harness.ts";
import { core, planCore, shop } from "./core-fixtures.ts";

const placement = { orders: "container-with-overflow" };
const overflow = { orders: { perHourUsd: 9, concurrency: 12, ceiling: 40 } };
const capacity = { orders: { min: 2, max: 6 } };

let graph: Graph<ContainerCore>;
beforeAll(async () => {
  graph = await core({ config: { placement, overflow }, core: { capacity } });
});
const policyOf = (name: string) => graph.policy(name).Statement;
const environment = (workload: string): Record<string, string> => {
  const [task] = JSON.parse(
    graph.find("aws:ecs/taskDefinition:TaskDefinition", `core-${workload}-task`).inputs
      .containerDefinitions,
  );
  return Object.fromEntries(
    task.environment.map(({ name, value }: Record<string, string>) => [name, value]),
  );
};
const twinArn = "arn:aws:lambda:eu-central-1:123456789012:function:shop-dev-edge-orders";

describe("a workload with overflow", () => {
  test("is a service, and a function of the same code beside it", () => {
    expect(graph.find("aws:ecs/service:Service", "core-orders-service")).toBeDefined();
    expect(graph.find("aws:lambda/function:Function", "edge-orders-function").inputs).toMatchObject(
      {
        handler: "index.handler",
        reservedConcurrentExecutions: 12,
      },
    );
    expect(graph.all("aws:lambda/function:Function")).toHaveLength(1);
  });

  test("has a twin inside the network, with the uses of the workload and a role of its own", () => {
    const { vpcConfig } = graph.find("aws:lambda/function:Function", "edge-orders-function").inputs;
    expect(vpcConfig.subnetIds).toEqual(["network-inside-1-id", "network-inside-2-id"]);
    expect(policyOf("edge-orders-policy").map(({ Sid }) => Sid)).toEqual(
      expect.arrayContaining(["SqlLedger", "CacheLive", "QueuePlaced"]),
    );
    expect(policyOf("edge-orders-policy").map(({ Sid }) => Sid)).not.toContain("Twin");
  });

  test("may call its twin, and nobody else may call it: no service, and no other task", () => {
    expect(policyOf("core-orders-policy").at(-1)).toMatchObject({
      Sid: "Twin",
      Action: ["lambda:InvokeFunction"],
      Resource: [twinArn],
    });
    const invoking = graph
      .all("aws:iam/rolePolicy:RolePolicy")
      .filter(({ inputs }) => inputs.policy.includes("lambda:InvokeFunction"));
    expect(invoking.map(({ name }) => name)).toEqual(["core-orders-policy"]);
    expect(graph.all("aws:lambda/permission:Permission")).toEqual([]);
  });

  test("is told where its twin is, and what it may cost: an even share for each task", () => {
    const own = environment("orders");
    expect(own.SPILLWAY_TWIN).toBe(twinArn);
    expect(admissionFrom(own)).toEqual({
      ceiling: 40,
      budget: {
        perHour: 1.5,
        prices: { perRequest: expect.closeTo(2e-7, 12), perGbSecond: 0.0000133334, memoryMb: 512 },
      },
    });
    expect(environment("status")).not.toHaveProperty("SPILLWAY_TWIN");
  });

  test("answers its routes by its tasks", () => {
    const routes = graph.all("aws:apigatewayv2/integration:Integration");
    expect(routes.map(({ inputs }) => inputs.integrationType)).toEqual([
      "HTTP_PROXY",
      "HTTP_PROXY",
    ]);
  });

  test("reports under the stack's own name", () => {
    expect(environment("orders").SPILLWAY_METRICS).toBe("shop-dev-core-orders");
    expect(graph.result.services.orders).toMatchObject({
      reportsAs: "shop-dev-core-orders",
      spills: true,
    });
    expect(graph.result.services.status).toMatchObject({ spills: false });
    expect(graph.result.services.fulfil?.reportsAs).toBeUndefined();
  });

  test("has a budget even where the stack says nothing: a dollar an hour", () => {
    const { orders } = shop.workloads;
    const { perHour } = admissionOf(orders).budget;
    expect(perHour * scalingOf(orders).max).toBeCloseTo(1);
    const unknown = { ...awsUsEast1.prices["function requests"], amount: "unknown" as const };
    const prices = {
      ...awsUsEast1,
      prices: { ...awsUsEast1.prices, "function requests": unknown },
    };
    expect(() => admissionOf(orders, {}, {}, prices)).toThrow(
      "the price of function requests is unknown",
    );
  });
});

describe("overflow is refused, with what to do", () => {
  test("where tasks cannot reach Lambda", async () => {
    const doors = ["queue", "identity", "registry", "logs"] as const;
    const config = { placement };
    await expect(core({ config, network: { nat: "none", endpoints: doors } })).rejects.toThrow(
      "which has no door to lambda; give network.endpoints: [lambda]",
    );
    const open = await core({ config, network: { nat: "none", endpoints: [...doors, "lambda"] } });
    const out = open
      .all("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
      .map(({ name }) => name);
    expect(out).toContain("core-orders-group-to-lambda");
  });

  test("where the twin's calls would take more connections than the database has", () => {
    const config = { placement, capacity: { orders: { min: 2, max: 10 } } };
    const faults = (concurrency: number) =>
      planCore({ ...config, overflow: { orders: { concurrency } } }).faults;
    expect(faults(80)).toEqual([]);
    expect(faults(81)).toEqual([
      'sql "ledger": orders 181 connections at the most, over the 180 of database.connections; raise it to 181 with database.instanceClass, or lower the workloads\' capacity.max and overflow.concurrency',
    ]);
  });

  test.each([
    [{ status: {} }, "overflow.status: it has no twin; place it on container-with-overflow"],
    [{ nobody: {} }, "overflow.nobody: it has no twin"],
    [
      { orders: { concurrency: 1.5 } },
      "overflow.orders: concurrency 1.5; give a whole number from 1",
    ],
    [{ orders: { ceiling: 0 } }, "overflow.orders: ceiling 0; give a whole number from 1"],
    [{ orders: { perHourUsd: 0 } }, "overflow.orders: perHourUsd 0; give more than 0, or place it"],
  ])("for %j", (given, message) => {
    expect(overflowFaults(shop, given, ["orders"])).toEqual([expect.stringContaining(message)]);
  });

  test("of capacity that nobody has, also where there is no container at all", () => {
    const functions = Object.fromEntries(
      ["orders", "status", "fulfil"].map((name) => [name, "function"]),
    );
    const { faults } = planCore({ placement: functions, capacity: { orders: { max: 4 } } });
    expect(faults).toEqual([
      "capacity.orders: it is on no container here; take it out, or place it on one",
    ]);
  });
});
