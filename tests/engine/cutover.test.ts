import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineEvent, Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cutovers } from "../../components/aws/cutover-plan.ts";
import type { Http } from "../../spec/index.ts";
import { type Engine, openEngine, openStack } from "../../tools/engine.ts";
import { type CoreOptions, makeCore, shop } from "../components/aws/core-fixtures.ts";
import type { Outcome } from "./traffic.ts";
import { type Load, startLoad } from "./traffic-load.ts";

const perSecond = 30;
/** How many requests are looked at in each state. */
const enough = 60;
/** The weights of the guide, on the way from function to container. */
const weights = [90, 50, 10, 0] as const;

/** Until a change of the API is deployed, in milliseconds: so long requests still go the old way. */
const lagMs = 3_000;
/**
 * What requests will be led to takes its time, tasks most of all and each longer than the API, while
 * turning them takes none: what turns before that is there fails many of them. Tasks drain as a
 * service is deleted, which takes longer than the API too; all else is gone at once.
 */
const pace = [
  "15000ms create aws:ecs/service:Service",
  "8000ms create aws:lambda/permission:Permission",
  "8000ms create aws:lb/targetGroupAttachment:TargetGroupAttachment",
  "8000ms create aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  "8000ms create aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  "12000ms delete aws:ecs/service:Service",
].join(";");

/** One test after the other on one stack, and one load over all of them. */
describe("a workload under constant load", { timeout: 600_000 }, () => {
  let folder: string;
  let engine: Engine;
  let stack: Stack;
  let load: Load | undefined;
  let options: CoreOptions;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "spillway-cutover-"));
    engine = await openEngine(folder, { checkpoints: false });
    const program = async () => void makeCore(options);
    const config = { "aws:region": { value: "eu-central-1" } };
    stack = await openStack(engine, { project: "shop", program, config });
    await move("function");
    stack.workspace.envVars = { ...stack.workspace.envVars, SPILLWAY_SIMULATED_FAULT: pace };
    load = start();
  }, 900_000);
  afterAll(async () => {
    await load?.end();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(): Load {
    const { routes, maxBodyBytes = 0 } = shop.workloads.orders as Http;
    const declared = { routes, maxBodyBytes };
    return startLoad({ cloud: engine.cloud, declared, perSecond, lagMs });
  }
  /** Moves the orders. What that did in the cloud, and which properties it updated. */
  async function move(host: string, percent?: number): Promise<readonly string[]> {
    const cutover: Cutovers = percent === undefined ? {} : { orders: { function: percent } };
    options = { protect: false, config: { placement: { orders: host }, cutover } };
    const steps: string[] = [];
    await stack.up({
      onEvent: ({ resourcePreEvent }: EngineEvent) => {
        const { op = "same", type = "", urn = "", diffs } = resourcePreEvent?.metadata ?? {};
        if (["same", "refresh", "read"].includes(op) || type.startsWith("pulumi:")) return;
        steps.push([op, urn.split("::").at(-1), ...(diffs ?? [])].join(" "));
      },
    });
    return steps;
  }
  const running = (): Load => {
    if (!load) throw new Error("no load is running");
    return load;
  };
  /** The next requests, once those that the API still leads the old way are over. */
  async function afterLag(): Promise<readonly Outcome[]> {
    await running().next((perSecond * lagMs) / 1_000 + 10);
    return running().next(enough);
  }
  const waysOf = (outcomes: readonly Outcome[]) => [...new Set(outcomes.map(({ way }) => way))];
  /** The share that the function answers of the next requests, in percent. */
  async function shareOfFunction(): Promise<number> {
    const outcomes = await running().next(enough);
    expect(["container", "function"]).toEqual(expect.arrayContaining(waysOf(outcomes)));
    return (outcomes.filter(({ way }) => way === "function").length * 100) / outcomes.length;
  }
  const onlyWeights = ["update balancer-orders defaultActions"];

  test("is answered by its function, which the API calls", async () => {
    expect(waysOf(await afterLag())).toEqual(["api"]);
  });

  test("is led through the listener to the same function", async () => {
    await move("function", 100);
    expect(waysOf(await afterLag())).toEqual(["function"]);
  });

  test.each(weights)(
    "moves to tasks by weights alone, %d percent left on the function",
    async (percent) => {
      expect(await move("function", percent)).toEqual(onlyWeights);
      const share = await shareOfFunction();
      expect(Math.abs(share - percent)).toBeLessThanOrEqual(percent === 0 ? 0 : 10);
    },
  );

  test("is answered by tasks when nothing is split any more, and its function is gone", async () => {
    expect(await move("container", 0)).toEqual([]);
    expect(await move("container")).toContain("delete edge-orders-function");
    expect(waysOf(await afterLag())).toEqual(["container"]);
  });

  test("is joined by its function again, which is asked nothing yet", async () => {
    await move("container", 0);
    expect(waysOf(await afterLag())).toEqual(["container"]);
  });

  test.each([10, 50, 90, 100])(
    "moves back by weights alone, %d percent on the function",
    async (percent) => {
      expect(await move("container", percent)).toEqual(onlyWeights);
      const share = await shareOfFunction();
      expect(Math.abs(share - percent)).toBeLessThanOrEqual(percent === 100 ? 0 : 10);
    },
  );

  test("is answered by its function alone, and its tasks are gone", async () => {
    expect(await move("function", 100)).toEqual([]);
    expect(await move("function")).toContain("delete core-orders-service");
    expect(waysOf(await afterLag())).toEqual(["api"]);
  });

  test("has lost no request on the way and back, and answered each exactly once", async () => {
    const { outcomes, end } = running();
    const { effects, cut } = await end();
    load = undefined;
    expect(outcomes.filter(({ failure }) => failure !== undefined)).toEqual([]);
    expect(cut).toBe(0);
    // More than those that were looked at: it never paused while the engine worked.
    expect(outcomes.length).toBeGreaterThan(13 * enough);
    const by = { api: "function", function: "function", container: "container" } as const;
    const expected = outcomes.map(({ id, way }) => [id, way === "nowhere" ? [] : [by[way]]]);
    expect(Object.fromEntries(effects)).toEqual(Object.fromEntries(expected));
  });

  test("fails while it is moved by placement alone, until its first tasks are there", async () => {
    load = start();
    await move("container");
    expect(waysOf(await afterLag())).toEqual(["container"]);
    const { outcomes } = load;
    const failures = outcomes.flatMap(({ failure }) => failure ?? []);
    expect([...new Set(failures)]).toEqual(["503: no tasks are registered in the group"]);
  });
});
