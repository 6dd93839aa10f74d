import { beforeAll, describe, expect, test } from "vitest";
import type { ContainerCore } from "../../../components/aws/ContainerCore.ts";
import {
  cutoverFaults,
  hostedPlacements,
  splitBodyBytes,
} from "../../../components/aws/cutover-plan.ts";
import { placeAll } from "../../../planner/index.ts";
import { defineSystem, http, identity, job, queue } from "../../../spec/index.ts";
import { system as storefront } from "../../../system.ts";
import type { Graph, Resource } from "../harness.ts";
import { core, planCore, planOf } from "./core-fixtures.ts";
import { load } from "./fixtures.ts";

const type = {
  attachment: "aws:lb/targetGroupAttachment:TargetGroupAttachment",
  function: "aws:lambda/function:Function",
  integration: "aws:apigatewayv2/integration:Integration",
  listener: "aws:lb/listener:Listener",
  permission: "aws:lambda/permission:Permission",
  route: "aws:apigatewayv2/route:Route",
  targetGroup: "aws:lb/targetGroup:TargetGroup",
} as const;

const split = (percent: number, host = "container") =>
  core({
    config: { placement: { orders: host }, cutover: { orders: { function: percent } } },
  });
const namesBefore = (graph: Graph<unknown>, token: string, name: string) =>
  graph
    .dependencies(graph.find(token, name))
    .map((each) => `${each.type.split(":").at(-1)} ${each.name}`);

describe("a workload that is split", () => {
  let graph: Graph<ContainerCore>;
  beforeAll(async () => {
    graph = await split(10);
  });
  const listener = () => graph.find(type.listener, "balancer-orders").inputs;

  test("is on both hosts, and its listener shares requests out by weight", () => {
    expect(graph.find("aws:ecs/service:Service", "core-orders-service")).toBeDefined();
    expect(graph.find(type.function, "edge-orders-function")).toBeDefined();
    const groups = listener().defaultActions[0].forward.targetGroups;
    expect(groups).toEqual([
      { arn: expect.stringContaining("balancer-orders/"), weight: 90 },
      { arn: expect.stringMatching(/balancer-orders-\w{6}\//), weight: 10 },
    ]);
  });

  test("hands its function each header's values apart, so that no cookie is lost", () => {
    expect(graph.find(type.targetGroup, "balancer-orders-function").inputs).toMatchObject({
      targetType: "lambda",
      lambdaMultiValueHeadersEnabled: true,
    });
  });

  test("lets the load balancer call the function on behalf of that group alone", () => {
    const { arn } = listener().defaultActions[0].forward.targetGroups[1];
    expect(graph.find(type.permission, "balancer-orders-function").inputs).toMatchObject({
      principal: "elasticloadbalancing.amazonaws.com",
      sourceArn: arn,
    });
  });

  test("leads nowhere before it is there", () => {
    expect(namesBefore(graph, type.attachment, "balancer-orders-function")).toContain(
      "Permission balancer-orders-function",
    );
    expect(namesBefore(graph, type.listener, "balancer-orders")).toContain(
      "TargetGroupAttachment balancer-orders-function",
    );
    expect(namesBefore(graph, type.integration, "edge-orders")).toEqual(
      expect.arrayContaining([
        "Listener balancer-orders",
        "SecurityGroupEgressRule edge-link-group-to-orders",
        "SecurityGroupIngressRule orders-from-edge-link-group",
      ]),
    );
  });

  test("may be called by the API too: it has been, or will be, directly", () => {
    const api = graph
      .all(type.permission)
      .filter(({ inputs }) => inputs.principal.startsWith("api"));
    expect(api.map(({ inputs }) => inputs.sourceArn.split("/*/")[1])).toEqual([
      "GET/orders/*",
      "POST/orders",
    ]);
  });

  test("changes in its weights alone, whichever host the stack names", async () => {
    const before = resources(graph);
    for (const other of [await split(60), await split(60, "function"), await split(0)]) {
      const changed = Object.entries(resources(other)).filter(
        ([key, text]) => before[key] !== text,
      );
      expect(changed.map(([key]) => key)).toEqual([`${type.listener} balancer-orders`]);
      expect(Object.keys(resources(other))).toEqual(Object.keys(before));
    }
    const { defaultActions: _, ...rest } = listener();
    const { defaultActions, ...same } = (await split(60)).find(
      type.listener,
      "balancer-orders",
    ).inputs;
    expect(same).toEqual(rest);
    expect(JSON.stringify(defaultActions)).toContain('"weight":60');
  });
});

/** Of a graph, as text by type and name. */
const resources = (graph: Graph<unknown>): Record<string, string> =>
  Object.fromEntries(
    graph.resources
      .filter(({ custom }) => custom)
      .map(({ type: of, name, inputs }: Resource) => [`${of} ${name}`, JSON.stringify(inputs)])
      .sort(),
  );

describe("a workload on a function", () => {
  test("is routed to only where the API may call it", async () => {
    const graph = await core({ config: { placement: { orders: "function" } } });
    expect(namesBefore(graph, type.route, "edge-POST /orders")).toContainEqual(
      expect.stringMatching(/^Permission edge-POST-orders-/),
    );
  });

  test("is the same function while it is split", async () => {
    const alone = await core({ config: { placement: { orders: "function" } } });
    const both = await split(100, "function");
    const of = (graph: Graph<unknown>) => {
      const { urn, inputs } = graph.find(type.function, "edge-orders-function");
      return { urn, inputs };
    };
    expect(of(both)).toEqual(of(alone));
  });
});

describe("a split is refused, with what to do", () => {
  const ms = { p50: 20, p99: 90 };
  const system = defineSystem({
    name: "small",
    services: { identity: identity() },
    channels: { inbox: queue() },
    workloads: {
      page: http({ code: "a", routes: ["GET /a"], maxBodyBytes: splitBodyBytes, load }),
      large: http({ code: "b", routes: ["GET /b"], maxBodyBytes: splitBodyBytes + 1, load }),
      plain: http({ code: "c", routes: ["GET /c"], load }),
      heavy: http({
        code: "d",
        routes: ["GET /d"],
        maxBodyBytes: 9,
        load: { ...load, ms, memoryMb: 20_480 },
      }),
      work: job({ code: "e", queue: "inbox", load }),
    },
  });

  test.each([
    ["page", { function: 101 }, "cutover.page: function 101; give whole percent, 0 to 100"],
    ["page", { function: 0.5 }, "cutover.page: function 0.5; give whole percent"],
    ["page", {}, "cutover.page: function is missing; give the share"],
    ["large", { function: 1 }, "maxBodyBytes 750001 is over the 750000 that surely pass"],
    ["plain", { function: 1 }, "maxBodyBytes 1048576 is over the 750000 that surely pass"],
    ["heavy", { function: 1 }, "it cannot be a function (Placement"],
    ["work", { function: 1 }, "kind job has no requests to split; move it by placement"],
    ["nobody", { function: 1 }, "there is no such workload; leave it out"],
  ])("%s with %j", (name, cutover, message) => {
    expect(cutoverFaults(system, { [name]: cutover })).toEqual([expect.stringContaining(message)]);
  });

  test("but not where every host takes what it may be sent", () => {
    expect(cutoverFaults(system, { page: { function: 100 } })).toEqual([]);
    expect(splitBodyBytes).toBe(750_000);
  });

  test("where it would take more connections than the database has", () => {
    const plan = (max: number) =>
      planCore({ cutover: { orders: { function: 10 } }, capacity: { orders: { max } } }).faults;
    expect(plan(17)).toEqual([]);
    expect(plan(18)).toEqual([expect.stringContaining("orders 190 connections at the most")]);
  });

  test("and what cannot be a function keeps its placement until then", () => {
    const placed = placeAll(system);
    const hosted = hostedPlacements(system, placed, { heavy: { function: 1 } });
    expect(hosted.map(({ host }) => host)).toEqual(placed.map(({ host }) => host));
  });
});

describe("storefront", () => {
  const faults = (name: string, database = {}) =>
    planOf(storefront, { cutover: { [name]: { function: 10 } }, database }).faults;

  test("splits its orders with the default settings", () => {
    expect(faults("orders")).toEqual([]);
  });

  test("splits graphql with as many connections as the refusal names", () => {
    // Its function is kept to what the edge lets through at once: 500 a second for 250 ms.
    const [refusal = "", ...others] = faults("graphql");
    expect(others).toEqual([]);
    expect(refusal).not.toContain("overflow.concurrency");
    const [, enough] =
      /over the 180 of database\.connections; raise it to (\d+) /.exec(refusal) ?? [];
    expect(faults("graphql", { connections: Number(enough) })).toEqual([]);
    expect(faults("graphql", { connections: Number(enough) - 1 })).toHaveLength(1);
  });
});
