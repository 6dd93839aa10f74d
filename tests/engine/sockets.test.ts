import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineEvent, Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Capacity } from "../../components/aws/scaling-plan.ts";
import { type Engine, openEngine, openStack, stateText } from "../../tools/engine.ts";
import { makeLive, workers } from "../components/aws/socket-fixtures.ts";
import { inCloud, resourcesOf } from "./state.ts";

/** Web sockets and tasks on instances: one test after the other on one stack. */
describe("sockets and a GPU on the real engine", { timeout: 300_000 }, () => {
  let folder: string;
  let engine: Engine;
  let stack: Stack;
  let capacity: Readonly<Record<string, Capacity>> = { report: { on: "ec2" } };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "spillway-sockets-"));
    engine = await openEngine(folder, { checkpoints: false });
    const program = async () => {
      const { edge } = makeLive({ workers, protect: false, core: { capacity } });
      return { socketUrl: edge?.urls };
    };
    const config = { "aws:region": { value: "eu-central-1" } };
    stack = await openStack(engine, { project: "shop", program, config });
  }, 900_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const stepsOf = () => {
    const steps: string[] = [];
    const onEvent = ({ resourcePreEvent }: EngineEvent) => {
      const { op = "same", urn = "", type: of = "" } = resourcePreEvent?.metadata ?? {};
      if (!["same", "refresh", "read"].includes(op))
        steps.push(`${op} ${of} ${urn.split("::").at(-1)}`);
    };
    return { steps, onEvent };
  };

  test("are planned before there is anything", async () => {
    const { steps, onEvent } = stepsOf();
    await stack.preview({ onEvent });
    for (const step of [
      "create aws:cloudfront/vpcOrigin:VpcOrigin sockets-presence",
      "create aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule sockets-presence-from-cloudfront",
      "create aws:ecs/capacityProvider:CapacityProvider core-classify-on",
    ])
      expect(steps).toContain(step);
  });

  test("are made, every input as the provider takes it", async () => {
    const { outputs } = await stack.up();
    expect(outputs.socketUrl?.value.presence).toMatch(
      /^wss:\/\/d[0-9a-f]{13}\.cloudfront\.net\/presence$/,
    );
    const rule = resourcesOf(stateText(engine, "shop", "dev")).find(({ urn }) =>
      urn.endsWith("::sockets-presence-from-cloudfront"),
    );
    expect(rule?.outputs?.referencedSecurityGroupId).toMatch(/^sg-/);
  });

  test("change nothing when nothing changed", async () => {
    const { steps, onEvent } = stepsOf();
    await stack.up({ onEvent });
    expect(steps).toEqual([]);
  });

  test("move to Fargate without a new service", async () => {
    capacity = { report: {} };
    const { steps, onEvent } = stepsOf();
    await stack.up({ onEvent });
    expect(steps).toContain("update aws:ecs/service:Service core-report-service");
    expect(steps).toContain("delete aws:autoscaling/group:Group core-report-on");
    expect(steps.filter((step) => /sockets|classify/.test(step))).toEqual([]);
  });

  test("leave nothing", async () => {
    await stack.destroy();
    expect(inCloud(engine)).toEqual([]);
  });
});
