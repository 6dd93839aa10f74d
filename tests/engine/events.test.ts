import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineEvent, Stack } from "@pulumi/pulumi/automation/index.js";
import { zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Channels } from "../../components/aws/Channels.ts";
import { DataStores } from "../../components/aws/DataStores.ts";
import { EventPipeline } from "../../components/aws/EventPipeline.ts";
import type { Host } from "../../planner/index.ts";
import { type Engine, openEngine, openStack, stateText } from "../../tools/engine.ts";
import { health, plant, plantSecrets } from "../components/aws/event-fixtures.ts";
import { inCloud, resourcesOf } from "./state.ts";

/** One for each way in which events reach code. */
const workloads = ["takes", "resizes", "hears", "matches", "reads", "follows", "daily", "saga"];
const moved = ["takes", "hears"];
/** What must outlive a move: messages are in it, or on their way to it. */
const lasting = /^aws:(sqs|sns|s3|scheduler|cloudwatch\/event)/;

/** The event side on the real engine: one test after the other on one stack. */
describe("the event side on the real engine", { timeout: 300_000 }, () => {
  let folder: string;
  let engine: Engine;
  let stack: Stack;
  let host: Host = "function";

  const program = async () => {
    const archive = join(folder, "function.zip");
    const made = { system: plant, workloads };
    const data = new DataStores("stores", { ...made, secrets: plantSecrets, protect: false });
    const channels = new Channels("channels", { ...made, stores: data.bindings });
    const events = new EventPipeline("events", {
      ...made,
      artefacts: Object.fromEntries(workloads.map((name) => [name, { archive }])),
      stores: { ...data.bindings, ...channels.bindings, health },
      placements: Object.fromEntries(moved.map((name) => [name, { host }])),
    });
    return { machine: events.machines.saga?.arn, given: channels.bindings.saga?.arn };
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "spillway-events-"));
    writeFileSync(join(folder, "function.zip"), zipSync({ "index.mjs": new Uint8Array([59]) }));
    engine = await openEngine(folder, { checkpoints: false });
    stack = await openStack(engine, {
      program,
      config: { "aws:region": { value: "eu-central-1" } },
    });
  }, 900_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const state = () => resourcesOf(stateText(engine));
  /** Ids of what must outlive a move. */
  const kept = () =>
    state()
      .filter(({ type }) => lasting.test(type))
      .map(({ urn, id }) => `${urn} ${id}`)
      .sort();

  test("a preview plans everything, and makes nothing", async () => {
    const { changeSummary } = await previewed(stack);
    expect(Object.keys(changeSummary)).toEqual(["create"]);
    expect(inCloud(engine)).toEqual([]);
  });

  test("an up makes it, the state machine under the name that it was given beforehand", async () => {
    const { summary, outputs } = await stack.up();
    expect(Object.keys(summary.resourceChanges ?? {})).toEqual(["create"]);
    expect(outputs.machine?.value).toBe(outputs.given?.value);
    expect(outputs.machine?.value).toMatch(/:stateMachine:sample-dev-channels-saga$/);
  });

  test("a second up changes nothing", async () => {
    expect(Object.keys((await stack.up()).summary.resourceChanges ?? {})).toEqual(["same"]);
  });

  test("a move to a container takes the functions away, and touches no queue nor what fills it", async () => {
    const before = kept();
    expect(before.length).toBeGreaterThan(20);
    host = "container";
    const { steps } = await previewed(stack);
    expect(steps.length).toBeGreaterThan(10);
    expect(steps.filter((step) => !/^delete .* events-(takes|hears)(-\w+)?$/.test(step))).toEqual(
      [],
    );
    expect(steps.filter((step) => lasting.test(step.split(" ")[1] ?? ""))).toEqual([]);
    expect(steps).toContain("delete aws:lambda/function:Function events-takes-function");
    await stack.up();
    expect(kept()).toEqual(before);
  });

  test("and back again, with the same queues", async () => {
    const before = kept();
    host = "function";
    const { steps } = await previewed(stack);
    expect(steps.filter((step) => !/^create .* events-(takes|hears)(-\w+)?$/.test(step))).toEqual(
      [],
    );
    expect(steps.filter((step) => lasting.test(step.split(" ")[1] ?? ""))).toEqual([]);
    await stack.up();
    expect(kept()).toEqual(before);
  });

  test("destroy leaves nothing", async () => {
    await stack.destroy();
    expect(inCloud(engine)).toEqual([]);
    expect(state()).toEqual([]);
  });
});

/** A preview's counts, and "operation type name" of what is not the same. */
async function previewed(stack: Stack) {
  const steps: string[] = [];
  const onEvent = ({ resourcePreEvent }: EngineEvent): void => {
    const { op, urn = "", type } = resourcePreEvent?.metadata ?? {};
    if (op && op !== "same") steps.push(`${op} ${type} ${urn.split("::").at(-1)}`);
  };
  const { changeSummary } = await stack.preview({ onEvent });
  return { changeSummary, steps };
}
