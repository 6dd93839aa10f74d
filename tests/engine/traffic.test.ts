import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Cloud, openCloud, type Thing } from "../../tools/simulated/cloud.ts";
import { openTraffic } from "./traffic.ts";
import { startLoad } from "./traffic-load.ts";
import { viewOf, withLag } from "./traffic-view.ts";
import { type Way, wayOf } from "./traffic-way.ts";

const declared = { routes: ["POST /orders", "GET /orders/{id}"], maxBodyBytes: 65_536 };
const thing = (type: string, id: string, properties: Thing["properties"] = {}): Thing => ({
  type: `aws:${type}`,
  id,
  properties,
});
const rule = (way: "Egress" | "Ingress", of: string, other: string, port: number) =>
  thing(`vpc/securityGroup${way}Rule:SecurityGroup${way}Rule`, `${way} ${of} ${other}`, {
    securityGroupId: of,
    referencedSecurityGroupId: other,
    fromPort: port,
    toPort: port,
  });
const permission = (id: string, principal: string, sourceArn: string) =>
  thing("lambda/permission:Permission", id, {
    action: "lambda:InvokeFunction",
    function: "orders",
    principal: `${principal}.amazonaws.com`,
    sourceArn,
  });
const route = (routeKey: string, target: string) =>
  thing("apigatewayv2/route:Route", routeKey, {
    apiId: "api",
    routeKey,
    target: `integrations/${target}`,
    authorizationType: "JWT",
    authorizerId: "tokens",
  });
const routes = (target: string) => declared.routes.map((key) => route(key, target));

const listener = (weights: { readonly tasks: number; readonly function: number }) =>
  thing("lb/listener:Listener", "listener", {
    loadBalancerArn: "balancer",
    port: 10_001,
    defaultActions: [
      {
        forward: {
          targetGroups: [
            { arn: "group-tasks", weight: weights.tasks },
            { arn: "group-function", weight: weights.function },
          ],
        },
      },
    ],
  });

const api = [
  thing("apigatewayv2/api:Api", "api", { executionArn: "arn:api" }),
  thing("apigatewayv2/stage:Stage", "$default", { apiId: "api" }),
  thing("apigatewayv2/authorizer:Authorizer", "tokens", { apiId: "api" }),
];
const fn = thing("lambda/function:Function", "orders", {
  name: "orders",
  arn: "arn:fn",
  invokeArn: "arn:invoke-fn",
});
const direct = [
  fn,
  thing("apigatewayv2/integration:Integration", "to-function", { integrationUri: "arn:invoke-fn" }),
  permission("api-post", "apigateway", "arn:api/*/POST/orders"),
  permission("api-get", "apigateway", "arn:api/*/GET/orders/*"),
];
const balanced = [
  thing("apigatewayv2/integration:Integration", "to-listener", {
    connectionType: "VPC_LINK",
    connectionId: "link",
    integrationUri: "listener",
  }),
  thing("apigatewayv2/vpcLink:VpcLink", "link", { securityGroupIds: ["sg-link"] }),
  thing("lb/loadBalancer:LoadBalancer", "balancer", { securityGroups: ["sg-balancer"] }),
  rule("Egress", "sg-link", "sg-balancer", 10_001),
  rule("Ingress", "sg-balancer", "sg-link", 10_001),
];
const tasks = [
  thing("lb/targetGroup:TargetGroup", "group-tasks", { arn: "group-tasks", targetType: "ip" }),
  thing("ecs/service:Service", "service", {
    loadBalancers: [{ targetGroupArn: "group-tasks", containerPort: 8080 }],
    networkConfiguration: { securityGroups: ["sg-tasks"] },
  }),
  rule("Egress", "sg-balancer", "sg-tasks", 8080),
  rule("Ingress", "sg-tasks", "sg-balancer", 8080),
];
const beside = [
  fn,
  thing("lb/targetGroup:TargetGroup", "group-function", {
    arn: "group-function",
    targetType: "lambda",
    lambdaMultiValueHeadersEnabled: true,
  }),
  thing("lb/targetGroupAttachment:TargetGroupAttachment", "attached", {
    targetGroupArn: "group-function",
    targetId: "arn:fn",
  }),
  permission("balancer", "elasticloadbalancing", "group-function"),
];

/** What is needed on each of the three ways, and nothing more. */
const ways = {
  "of the API to a function": [...api, ...routes("to-function"), ...direct],
  "of a listener to tasks": [
    ...api,
    ...routes("to-listener"),
    ...balanced,
    listener({ tasks: 100, function: 0 }),
    ...tasks,
  ],
  "of a listener to a function": [
    ...api,
    ...routes("to-listener"),
    ...balanced,
    listener({ tasks: 0, function: 100 }),
    ...beside,
  ],
};
const post = { method: "POST", path: "/orders" };
const get = { method: "GET", path: "/orders/7" };
const of = (things: readonly Thing[], asked = post, draw = 0.5): Way =>
  wayOf(viewOf(things), asked, () => draw);

describe.each(Object.entries(ways))("the way %s", (_, things) => {
  test("leads there", () => {
    for (const asked of [post, get]) expect(of(things, asked).to).not.toBe("nowhere");
  });

  test.each(things.map((each) => [`${each.type.split(":").at(-1)} ${each.id}`, each]))(
    "leads nowhere without %s, and says why",
    (_name, missing) => {
      const others = things.filter((each) => each !== missing);
      const lost = [post, get].map((asked) => of(others, asked)).find(({ to }) => to === "nowhere");
      expect(lost).toEqual({
        to: "nowhere",
        status: expect.toSatisfy((status) => status >= 404),
        why: expect.stringMatching(/not|no|nothing/),
      });
    },
  );
});

describe("a listener", () => {
  const split = (weights: Parameters<typeof listener>[0]) => [
    ...api,
    ...routes("to-listener"),
    ...balanced,
    listener(weights),
    ...tasks,
    ...beside,
  ];

  test("picks by weight", () => {
    const things = split({ tasks: 90, function: 10 });
    expect(of(things, post, 0.89)).toEqual({ to: "container", service: "service" });
    expect(of(things, post, 0.9)).toEqual({ to: "function", from: "balancer", manyValues: true });
  });

  test.each([0, 0.5, 0.999])("leads nothing to a weight of 0 (draw %d)", (draw) => {
    expect(of(split({ tasks: 0, function: 100 }), post, draw).to).toBe("function");
    expect(of(split({ tasks: 100, function: 0 }), post, draw).to).toBe("container");
  });

  test("leads to a group without targets what falls to it, though another has some", () => {
    const things = split({ tasks: 50, function: 50 }).filter(({ id }) => id !== "service");
    expect(of(things, post, 0.4)).toMatchObject({ to: "nowhere", status: 503 });
    expect(of(things, post, 0.6)).toMatchObject({ to: "function" });
  });
});

describe("an API", () => {
  test("goes on leading where it led until its change is deployed", () => {
    vi.useFakeTimers();
    const before = viewOf(ways["of the API to a function"]);
    const after = viewOf(ways["of a listener to tasks"]);
    let view = before;
    const look = withLag(() => view, 1_000);
    const goes = () => wayOf(look(), post, () => 0);
    expect(goes()).toMatchObject({ from: "api" });
    view = after;
    vi.advanceTimersByTime(999);
    // What it leads to is as it is, and the function has gone.
    expect(goes()).toMatchObject({ to: "nowhere", status: 500 });
    vi.advanceTimersByTime(1_000);
    expect(goes()).toMatchObject({ to: "container" });
    vi.useRealTimers();
  });
});

describe("requests", () => {
  let folder: string;
  let cloud: Cloud;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "spillway-traffic-"));
    cloud = openCloud(folder);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const put = (things: readonly Thing[]) => {
    for (const each of things) cloud.put(each.id, each);
  };
  const remove = ({ type, id }: Thing) => cloud.remove(type, id);

  test.each([
    ["api", ways["of the API to a function"]],
    ["container", ways["of a listener to tasks"]],
    ["function", ways["of a listener to a function"]],
  ] as const)("are answered through %s, each once and byte for byte", async (way, things) => {
    put(things);
    const traffic = openTraffic(folder, declared);
    const outcomes = await Promise.all([traffic.send(), traffic.send(), traffic.send()]);
    expect(outcomes).toEqual([0, 1, 2].map((at) => ({ id: `order-${at}`, at, way })));
    const by = way === "container" ? way : "function";
    expect([...traffic.effects.values()]).toEqual([[by], [by], [by]]);
    expect(await traffic.close()).toBe(0);
  });

  test("fail, without an effect, while a listener leads to what is not attached yet", async () => {
    const things = ways["of a listener to a function"];
    const attached = things.find(({ id }) => id === "attached") as Thing;
    put(things.filter((each) => each !== attached));
    const load = startLoad({ cloud: folder, perSecond: 50, declared });
    for (const { way, failure } of await load.next(5))
      expect({ way, failure }).toEqual({
        way: "nowhere",
        failure: "503: nothing is attached to the group",
      });
    cloud.put(attached.id, attached);
    expect((await load.next(5)).map(({ way }) => way)).toEqual(Array(5).fill("function"));
    const { effects, cut } = await load.end();
    const answered = load.outcomes.filter(({ failure }) => failure === undefined);
    expect(new Set(effects.map(([id]) => id))).toEqual(new Set(answered.map(({ id }) => id)));
    expect(cut).toBe(0);
  });

  test("under way are answered by a container whose service goes, and later ones fail", async () => {
    const things = ways["of a listener to tasks"];
    put(things);
    const traffic = openTraffic(folder, declared);
    const underWay = traffic.send();
    remove(things.find(({ id }) => id === "service") as Thing);
    await expect.poll(async () => (await traffic.send()).failure).toContain("no tasks");
    expect(await underWay).toEqual({ id: "order-0", at: 0, way: "container" });
    expect(await traffic.close()).toBe(0);
  });
});
