import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConfigMap, EngineEvent, Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Engine, openEngine, openStack, stateText } from "../../tools/engine.ts";
import { program } from "./fixtures/sample/program.ts";

const password = "correct-horse-battery-staple";
const config: ConfigMap = {
  "aws:region": { value: "eu-central-1" },
  "sample:password": { value: password, secret: true },
};

/** One run of the sample program; each part of the story continues where the last one ended. */
describe("the life of a stack on the real engine", { timeout: 300_000 }, () => {
  let folder: string;
  let engine: Engine;
  let stack: Stack;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "spillway-engine-"));
    engine = await openEngine(folder, { checkpoints: false });
    stack = await openStack(engine, { program, config });
  }, 900_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("preview plans everything and makes nothing", async () => {
    const { changeSummary } = await stack.preview();
    expect(changeSummary).toEqual({ create: 11 });
    expect(inCloud(engine)).toEqual([]);
  });

  test("preview does not know what only the cloud can answer", async () => {
    const seen: Record<string, unknown> = {};
    await stack.preview({ onEvent: (event) => noteOutputs(event, seen) });
    expect(seen["aws:apigatewayv2/api:Api"]).toMatchObject({ protocolType: "HTTP" });
    expect(seen["aws:apigatewayv2/api:Api"]).not.toHaveProperty(
      "apiEndpoint",
      expect.stringMatching(/^https/),
    );
  });

  test("an up that fails half way keeps what was made, and the next one makes the rest", async () => {
    const fault = { SPILLWAY_SIMULATED_FAULT: "fail create aws:lambda/function:Function" };
    const failing = await openStack(engine, { program, config, env: fault });
    await expect(failing.up()).rejects.toThrow(
      "simulated failure: the create of aws:lambda/function",
    );
    const made = inCloud(engine);
    expect(made.length).toBeGreaterThan(4);
    expect(made.join()).not.toContain("lambda");

    // One workspace holds the fault in its environment: open another.
    stack = await openStack(engine, { program, config });
    const { summary } = await stack.up();
    // The stack itself was made by the first; functions, and what waits for them, are the rest.
    expect(summary.resourceChanges).toEqual({ same: 11 - notMade(made), create: notMade(made) });
    expect(inCloud(engine)).toHaveLength(10);
  });

  test("outputs are plausible, and the secret one stays secret", async () => {
    const outputs = await stack.outputs();
    expect(outputs.url?.value).toMatch(
      /^https:\/\/\w{10}\.execute-api\.eu-central-1\.amazonaws\.com$/,
    );
    expect(outputs.table?.value).toMatch(/^catalog-[0-9a-f]{7}$/);
    expect(outputs.accountId?.value).toBe("123456789012");
    expect(outputs.password).toEqual({ value: password, secret: true });
  });

  test("a second up changes nothing", async () => {
    expect((await stack.up()).summary.resourceChanges).toEqual({ same: 11 });
  });

  test("a config change is exactly the expected diff", async () => {
    await stack.setConfig("sample:memory", { value: "512" });
    const changed: string[] = [];
    const { changeSummary } = await stack.preview({ onEvent: (event) => noteDiff(event, changed) });
    expect(changeSummary).toEqual({ same: 10, update: 1 });
    expect(changed).toEqual(["users update memorySize"]);
    expect((await stack.up()).summary.resourceChanges).toEqual({ same: 10, update: 1 });
  });

  test("a change that the cloud cannot make in place replaces", async () => {
    await stack.setConfig("sample:hashKey", { value: "id" });
    const changed: string[] = [];
    const before = (await stack.outputs()).table?.value;
    await stack.preview({ onEvent: (event) => noteDiff(event, changed) });
    expect(changed).toEqual([
      "catalog replace attributes,hashKey",
      // Its made name is new, so what refers to it changes with it.
      "users-policy update policy",
      "users update environment.variables.TABLE",
    ]);
    const { summary } = await stack.up();
    expect(summary.resourceChanges?.replace).toBe(1);
    expect((await stack.outputs()).table?.value).not.toBe(before);
    expect(inCloud(engine)).toHaveLength(10);
  });

  test("a refresh finds what was deleted elsewhere, and an up puts it back", async () => {
    expect((await stack.refresh()).summary.resourceChanges).toEqual({ same: 11 });
    const logs = inCloud(engine).find((path) => path.includes("logGroup")) ?? "";
    rmSync(join(engine.cloud, logs));
    expect((await stack.refresh()).summary.resourceChanges).toEqual({ same: 10, delete: 1 });
    expect((await stack.up()).summary.resourceChanges).toMatchObject({ create: 1 });
    expect((await stack.up()).summary.resourceChanges).toEqual({ same: 11 });
  });

  test("no secret stands in the state, nor in the simulated cloud", () => {
    const files = readdirSync(folder, { recursive: true, encoding: "utf8", withFileTypes: true });
    expect(stateText(engine)).toContain("ciphertext");
    const leaks = files
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name))
      .filter((path) => readFileSync(path, "utf8").includes(password));
    expect(leaks).toEqual([]);
  });

  test("destroy leaves nothing", async () => {
    expect((await stack.destroy()).summary.resourceChanges).toEqual({ delete: 11 });
    expect(inCloud(engine)).toEqual([]);
    const { deployment } = await stack.exportStack();
    expect(deployment.resources ?? []).toEqual([]);
  });
});

/** The files of the simulated cloud, one a resource. */
function inCloud(engine: Engine): string[] {
  const files = readdirSync(engine.cloud, { recursive: true, encoding: "utf8" });
  return files.filter((name) => name.endsWith(".json")).sort();
}

/** Of the sample's ten resources, those not in the cloud yet. */
const notMade = (made: string[]): number => 10 - made.length;

function noteOutputs({ resOutputsEvent }: EngineEvent, seen: Record<string, unknown>): void {
  const state = resOutputsEvent?.metadata.new;
  if (state) seen[state.type] = state.outputs;
}

/** Notes "name operation properties" of each resource that is not the same. */
function noteDiff({ resourcePreEvent }: EngineEvent, changed: string[]): void {
  const step = resourcePreEvent?.metadata;
  if (!step || !["update", "replace"].includes(step.op)) return;
  const name = step.urn.split("::").at(-1);
  changed.push(`${name} ${step.op} ${Object.keys(step.detailedDiff ?? {}).join()}`);
}
