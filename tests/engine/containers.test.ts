import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineEvent, Stack, StepEventMetadata } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cutovers } from "../../components/aws/cutover-plan.ts";
import { type Engine, openEngine, openStack, stateText } from "../../tools/engine.ts";
import { type CoreOptions, makeCore } from "../components/aws/core-fixtures.ts";
import { inCloud, resourcesOf } from "./state.ts";

const type = {
  database: "aws:rds/instance:Instance",
  policy: "aws:iam/rolePolicy:RolePolicy",
  service: "aws:ecs/service:Service",
  task: "aws:ecs/taskDefinition:TaskDefinition",
} as const;

/** Containers with their network, stores and load balancer: one test after the other on one stack. */
describe("containers on the real engine", { timeout: 300_000 }, () => {
  let folder: string;
  let engine: Engine;
  let stack: Stack;
  let options: CoreOptions = { protect: false, migrations: "first" };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "spillway-containers-"));
    engine = await openEngine(folder, { checkpoints: false });
    const program = async () => void makeCore(options);
    const config = { "aws:region": { value: "eu-central-1" } };
    stack = await openStack(engine, { project: "shop", program, config });
  }, 900_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const state = () => resourcesOf(stateText(engine, "shop", "dev"));
  const outputs = (token: string, name: string): Record<string, string> => {
    const found = state().find(({ type: of, urn }) => of === token && urn.endsWith(`::${name}`));
    return (found?.outputs ?? {}) as Record<string, string>;
  };
  const quiet = ["same", "refresh", "read"];
  /** Runs an update; what begins and ends in it, and of updates which properties differ. */
  async function timed() {
    const timeline: string[] = [];
    const diffs: Record<string, readonly string[]> = {};
    const note = (when: string, metadata?: StepEventMetadata) => {
      const { op = "same", urn = "", type: of = "" } = metadata ?? {};
      if (quiet.includes(op)) return;
      const name = urn.split("::").at(-1) ?? "";
      timeline.push(`${when} ${op} ${of} ${name}`);
      if (op === "update") diffs[name] = metadata?.diffs ?? [];
    };
    await stack.up({
      onEvent: ({ resourcePreEvent, resOutputsEvent }: EngineEvent) => {
        note("begin", resourcePreEvent?.metadata);
        note("end", resOutputsEvent?.metadata);
      },
    });
    const steps = timeline.flatMap((line) => (/^begin (.*)/.exec(line) ?? []).slice(1));
    return { timeline, steps, diffs };
  }
  const migrate = "aws:lambda/invocation:Invocation migrations-ledger";
  const up = async () => (await timed()).steps;
  /** Those of the cloud: the stack's own outputs are left out. */
  const inTheCloud = (steps: readonly string[]) =>
    steps.filter((step) => !step.startsWith("update pulumi:"));

  test("are made, every input as the provider takes it, and once there is a way out", async () => {
    const { envVars } = stack.workspace;
    const late = { SPILLWAY_SIMULATED_FAULT: "5000ms create aws:ec2/natGateway:NatGateway" };
    stack.workspace.envVars = { ...envVars, ...late };
    const { timeline, steps } = await timed();
    stack.workspace.envVars = envVars;
    for (const step of [
      `create ${type.database} stores-ledger`,
      "create aws:elasticache/replicationGroup:ReplicationGroup stores-live",
      "create aws:lb/listener:Listener balancer-orders",
      `create ${type.service} core-orders-service`,
      "create aws:appautoscaling/policy:Policy core-fulfil-wake",
    ])
      expect(steps).toContain(step);
    const route = timeline.indexOf("end create aws:ec2/route:Route network-inside-1");
    expect(route).toBeGreaterThan(0);
    for (const what of [migrate, `${type.service} core-orders-service`])
      expect(timeline.indexOf(`begin create ${what}`)).toBeGreaterThan(route);
  });

  test("are told where their stores are, and may connect there alone", () => {
    const { address, resourceId } = outputs(type.database, "stores-ledger");
    const [container] = JSON.parse(
      outputs(type.task, "core-orders-task").containerDefinitions ?? "",
    );
    expect(container.environment).toContainEqual({
      name: "SPILLWAY_SQL_LEDGER",
      value: `postgres://spillway@${address}:5432/ledger`,
    });
    expect(outputs(type.policy, "core-orders-policy").policy).toContain(
      `:dbuser:${resourceId}/spillway"`,
    );
  });

  test("change nothing when nothing changed", async () => {
    expect(await up()).toEqual([]);
  });

  test("scale between other bounds, while the tasks that run stay as they are", async () => {
    options = { ...options, core: { capacity: { orders: { min: 3, max: 9 } } } };
    const steps = await up();
    expect(inTheCloud(steps)).toEqual([
      "update aws:ecs/service:Service core-orders-service",
      "update aws:appautoscaling/target:Target core-orders-scaling",
    ]);
    expect(outputs(type.service, "core-orders-service").desiredCount).toBe(2);
  });

  test("have their database migrated first, and again when there is something to migrate", async () => {
    const capacity = { orders: { min: 4, max: 9 } };
    options = { ...options, migrations: "second", core: { capacity } };
    const { timeline, steps } = await timed();
    expect(inTheCloud(steps).sort()).toEqual([
      `create-replacement ${migrate}`,
      `delete-replaced ${migrate}`,
      `replace ${migrate}`,
      "update aws:appautoscaling/target:Target core-orders-scaling",
      "update aws:ecs/service:Service core-orders-service",
    ]);
    expect(timeline.indexOf(`end create-replacement ${migrate}`)).toBeLessThan(
      timeline.indexOf(`begin update ${type.service} core-orders-service`),
    );
    expect(await up()).toEqual([]);
  });

  test("stay as they are where a migration fails", async () => {
    const before = outputs("aws:appautoscaling/target:Target", "core-orders-scaling");
    const capacity = { orders: { min: 3, max: 9 } };
    const { envVars } = stack.workspace;
    const fault = { SPILLWAY_SIMULATED_FAULT: `fail create ${migrate.split(" ").at(-1)}` };
    stack.workspace.envVars = { ...envVars, ...fault };
    const last = options;
    options = { ...options, migrations: "third", core: { capacity } };
    await expect(timed()).rejects.toThrow("simulated failure");
    stack.workspace.envVars = envVars;
    expect(outputs("aws:appautoscaling/target:Target", "core-orders-scaling")).toEqual(before);
    options = last;
    expect(inTheCloud(await up()).filter((step) => !step.endsWith(migrate))).toEqual([]);
  });

  /** Moves the orders, and says what that changed. */
  async function move(host: string, cutover?: number) {
    const split: Cutovers = cutover === undefined ? {} : { orders: { function: cutover } };
    const config = { placement: { orders: host }, cutover: split };
    options = { protect: false, migrations: "second", config };
    return timed();
  }
  const position = (timeline: readonly string[], what: RegExp) => ({
    first: timeline.findIndex((line) => what.test(line)),
    last: timeline.findLastIndex((line) => what.test(line)),
  });
  /** What comes first, and what must not before it, where the edge and its listeners lead elsewhere. */
  const orders = {
    // What a route or a listener will lead to is there before it does.
    "integration, route": [/^end create\S* \S+Integration edge-orders$/, /^begin update \S+Route /],
    "permission, route": [/^end create\S* \S+Permission /, /^begin update \S+Route /],
    "target, listener": [/^end create\S* \S+TargetGroupAttachment /, /^begin \S+ \S+Listener /],
    // And nothing goes before they lead elsewhere.
    "route, deletion": [/^end update \S+Route /, /^begin delete/],
    "listener, deletion": [/^end update \S+Listener balancer-orders$/, /^begin delete/],
  } as const;
  /**
   * At no moment do the edge's routes, or a listener, lead to what is not there.
   * @param ordered those of the orders that the update has, all of them: none is compared with nothing
   */
  function expectNoGap(timeline: readonly string[], ordered: readonly (keyof typeof orders)[]) {
    const found = Object.entries(orders).map(([name, [before, after]]) => ({
      name,
      before: position(timeline, before).last,
      after: position(timeline, after).first,
    }));
    const both = found.filter(({ before, after }) => before >= 0 && after >= 0);
    expect(both.map(({ name }) => name)).toEqual(ordered);
    for (const { before, after } of both)
      expect([before, timeline]).toSatisfy(() => before < after);
  }
  const listener = "aws:lb/listener:Listener balancer-orders";
  const made = (steps: readonly string[], op: string) =>
    inTheCloud(steps)
      .filter((step) => step.startsWith(`${op} `))
      .map((step) => step.split(" ").at(-1));

  test("are joined by a function, which is there before the listener leads to it", async () => {
    await move("container");
    const { timeline, steps, diffs } = await move("container", 0);
    expectNoGap(timeline, ["target, listener"]);
    expect(made(steps, "create")).toEqual(
      expect.arrayContaining(["edge-orders-function", "balancer-orders-function"]),
    );
    expect(made(steps, "delete")).toEqual([]);
    expect(diffs["balancer-orders"]).toEqual(["defaultActions"]);
    expect(position(timeline, /^end create .*TargetGroupAttachment /).last).toBeLessThan(
      position(timeline, /^begin update .*Listener /).first,
    );
  });

  test("are split by weights alone", async () => {
    for (const percent of [10, 100]) {
      const { steps, diffs } = await move("container", percent);
      expect(inTheCloud(steps)).toEqual([`update ${listener}`]);
      expect(diffs["balancer-orders"]).toEqual(["defaultActions"]);
    }
    expect(inTheCloud((await move("function", 100)).steps)).toEqual([]);
  });

  test("give way to the function, which the edge then leads to itself", async () => {
    const { timeline, steps } = await move("function");
    expectNoGap(timeline, ["integration, route", "route, deletion"]);
    expect(made(steps, "create-replacement")).toEqual(["edge-orders"]);
    expect(made(steps, "create")).toEqual([]);
    expect(made(steps, "delete")).toEqual(
      expect.arrayContaining(["core-orders-service", "balancer-orders"]),
    );
    expect(made(steps, "delete")).not.toContain("edge-orders-function");
    // What is left of the old way goes in the order in which nothing is led to nowhere.
    const begins = (what: RegExp) => position(timeline, what).first;
    expect(begins(/begin delete .*Service core-orders-service/)).toBeLessThan(
      begins(/begin delete .*Listener balancer-orders/),
    );
    expect(begins(/begin delete .*Listener balancer-orders/)).toBeLessThan(
      begins(/begin delete .*TargetGroupAttachment/),
    );
  });

  test("take over again, and the function goes when nothing leads to it", async () => {
    const back = await move("function", 100);
    expectNoGap(back.timeline, [
      "integration, route",
      "permission, route",
      "target, listener",
      "route, deletion",
    ]);
    expect(made(back.steps, "create-replacement")).toEqual(["edge-orders"]);
    expect(made(back.steps, "delete")).toEqual([]);
    expect(position(back.timeline, /^end create .*Listener balancer-orders/).last).toBeLessThan(
      position(back.timeline, /^begin create-replacement .*Integration edge-orders/).first,
    );
    expect(inTheCloud((await move("function", 0)).steps)).toEqual([`update ${listener}`]);
    expect(inTheCloud((await move("container", 0)).steps)).toEqual([]);
    const { timeline, steps } = await move("container");
    expectNoGap(timeline, ["listener, deletion"]);
    expect(made(steps, "update")).toEqual(["balancer-orders"]);
    expect(made(steps, "delete")).toEqual(expect.arrayContaining(["edge-orders-function"]));
  });

  test("overflow into a function that their role alone may call", async () => {
    await move("container-with-overflow");
    const { arn = "" } = outputs("aws:lambda/function:Function", "edge-orders-function");
    const { Statement } = JSON.parse(outputs(type.policy, "core-orders-policy").policy ?? "");
    expect(Statement.at(-1)).toEqual({
      Sid: "Twin",
      Effect: "Allow",
      Action: ["lambda:InvokeFunction"],
      Resource: arn,
    });
    expect(state().filter(({ type: of }) => of === "aws:lambda/permission:Permission")).toEqual([]);
    const [task] = JSON.parse(outputs(type.task, "core-orders-task").containerDefinitions ?? "");
    expect(task.environment).toContainEqual({ name: "SPILLWAY_TWIN", value: arn });
  });

  test("leave nothing, and nothing to be read in the state", async () => {
    expect(stateText(engine, "shop", "dev")).not.toMatch(/"(password|authToken)":"[^"]/);
    await stack.destroy();
    expect(inCloud(engine)).toEqual([]);
  });
});
