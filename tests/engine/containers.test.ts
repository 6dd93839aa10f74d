import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineEvent, Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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
  let options: CoreOptions = { protect: false };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "spillway-containers-"));
    engine = await openEngine(folder);
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
  async function up() {
    const steps: string[] = [];
    const onEvent = ({ resourcePreEvent }: EngineEvent) => {
      const { op = "same", urn = "", type: of = "" } = resourcePreEvent?.metadata ?? {};
      if (!["same", "refresh", "read"].includes(op))
        steps.push(`${op} ${of} ${urn.split("::").at(-1)}`);
    };
    await stack.up({ onEvent });
    return steps;
  }

  test("are made, every input as the provider takes it", async () => {
    const steps = await up();
    for (const step of [
      `create ${type.database} stores-ledger`,
      "create aws:elasticache/replicationGroup:ReplicationGroup stores-live",
      "create aws:lb/listener:Listener balancer-orders",
      `create ${type.service} core-orders-service`,
      "create aws:appautoscaling/policy:Policy core-fulfil-wake",
    ])
      expect(steps).toContain(step);
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
    expect(steps.filter((step) => !step.startsWith("update pulumi:"))).toEqual([
      "update aws:ecs/service:Service core-orders-service",
      "update aws:appautoscaling/target:Target core-orders-scaling",
    ]);
    expect(outputs(type.service, "core-orders-service").desiredCount).toBe(2);
  });

  test("leave nothing, and nothing to be read in the state", async () => {
    expect(stateText(engine, "shop", "dev")).not.toMatch(/"(password|authToken)":"[^"]/);
    await stack.destroy();
    expect(inCloud(engine)).toEqual([]);
  });
});
