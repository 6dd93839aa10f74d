import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Engine,
  nodePath,
  openEngine,
  releaseDeadLocks,
  runPulumi,
  stateText,
} from "../../tools/engine.ts";
import { prepareStack } from "../../tools/simulated-config.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bin = join(root, "cli/spillway.mjs");

/** Makes a Node say that it is an old one. */
const oldNode = fileURLToPath(new URL("fixtures/old-node.mjs", import.meta.url));

/** A copy of the sample project, with the packages of this one. */
function copyOfSample(): string {
  const folder = mkdtempSync(join(tmpdir(), "spillway-cli-"));
  cpSync(fileURLToPath(new URL("fixtures/sample", import.meta.url)), folder, { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}

interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

function run(command: string, args: string[], cwd: string, env = {}): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd, env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

const spillway = (args: string[], cwd: string, env = {}): Promise<Finished> =>
  run(nodePath(), [bin, ...args], cwd, env);

/** The folders of PATH that have no `pulumi`. */
const pathWithoutPulumi = (process.env.PATH ?? "")
  .split(delimiter)
  .filter((folder) => !existsSync(join(folder, "pulumi")))
  .join(delimiter);

describe("spillway preview, up, destroy --simulated", { timeout: 300_000 }, () => {
  let project: string;
  beforeAll(() => {
    project = copyOfSample();
  });
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  test("runs the project with placeholders for secrets, and leaves its files alone", async () => {
    const config = readFileSync(join(project, "Pulumi.dev.yaml"), "utf8");
    const preview = await spillway(["preview", "--simulated"], project);
    expect(preview).toMatchObject({ code: 0 });
    expect(preview.stdout).toContain("+ 11 to create");
    const up = await spillway(["up", "--simulated", "--stack", "dev"], project);
    expect(up.stdout).toContain("+ 11 created");
    expect((await spillway(["preview", "--simulated", "--expect-no-changes"], project)).code).toBe(
      0,
    );

    const folder = join(project, ".spillway/simulated");
    const state = stateText({ backend: join(folder, "backend") } as Engine);
    expect(state).not.toContain("placeholder-");
    const used = readFileSync(join(folder, "project/Pulumi.dev.yaml"), "utf8");
    expect(used).toMatch(/sample:memory: 256/);
    expect(used).toMatch(/github-webhook:\s+secure: /);
    expect(used).not.toContain("placeholder-");

    expect((await spillway(["destroy", "--simulated"], project)).stdout).toContain("- 11 deleted");
    expect(readFileSync(join(project, "Pulumi.dev.yaml"), "utf8")).toBe(config);
  });

  test("says what is wrong in one line, with exit code 2", async () => {
    const env = { PATH: pathWithoutPulumi };
    const cases: [string[], string][] = [
      [
        ["preview", "--simulated", "--stack", "prod"],
        'no Pulumi.prod.yaml for stack "prod"; use --stack dev',
      ],
      [["preview", "--simulated", "--stack"], "--stack needs a name"],
      [["preview"], "no `pulumi` on PATH; install it"],
      [["prevew"], '"prevew" is not a command; use one of'],
      [["toString"], '"toString" is not a command; use one of'],
      [
        ["preview", "--simulated", "--stack", "plain"],
        "Pulumi.plain.yaml has sample:secrets.github-webhook in plain text; change that secret",
      ],
    ];
    const readable = "config:\n  sample:secrets:\n    github-webhook: readable\n";
    const file = join(project, "Pulumi.plain.yaml");
    for (const [args, message] of cases) {
      if (args.includes("plain")) writeFileSync(file, readable);
      const { code, stderr } = await spillway(args, project, env);
      expect(stderr).toContain(message);
      expect(stderr.trim().split("\n")).toHaveLength(1);
      expect(code).toBe(2);
    }
    rmSync(file);
  });

  test("without --simulated hands everything to the user's own pulumi", async () => {
    const own = mkdtempSync(join(tmpdir(), "spillway-own-"));
    writeFileSync(join(own, "pulumi"), '#!/bin/sh\necho "own pulumi: $*"\nexit 7\n', {
      mode: 0o755,
    });
    const env = { PATH: [own, process.env.PATH].join(delimiter) };
    const { code, stdout } = await spillway(["up", "--diff", "-s", "prod", "--yes"], project, env);
    expect(stdout).toBe("own pulumi: up --stack prod --diff --yes\n");
    expect(code).toBe(7);
    rmSync(own, { recursive: true });
  });

  test("on an older Node hands over to the one that npm installed", async () => {
    const old = ["--import", oldNode, bin];
    const { code, stderr } = await run(nodePath(), [...old, "prevew"], project);
    expect(stderr).toContain('"prevew" is not a command');
    expect(code).toBe(2);
  });

  test("on an older Node, with none installed, names the remedy", async () => {
    const bare = mkdtempSync(join(tmpdir(), "spillway-bare-"));
    cpSync(bin, join(bare, "cli/spillway.mjs"));
    const old = ["--import", oldNode, join(bare, "cli/spillway.mjs")];
    const { code, stderr } = await run(nodePath(), [...old, "preview"], bare);
    expect(stderr).toBe(
      "spillway: Node 20.20.2 is too old and the project's own is missing; run npm ci, or use Node 22.18 or newer\n",
    );
    expect(code).toBe(1);
    rmSync(bare, { recursive: true });
  });

  test("npx finds the command in the project itself", async () => {
    const npx = await run("npx", ["--no-install", "spillway", "prevew"], root);
    expect(npx.stderr).toContain('"prevew" is not a command');
    expect(npx.code).toBe(2);
  });
});

describe("an update that is killed", { timeout: 300_000 }, () => {
  test("leaves a stack that the next up completes", async () => {
    const project = copyOfSample();
    const folder = join(project, ".spillway/simulated");
    const engine = await openEngine(folder);
    const config = await prepareStack(engine, project, "dev", join(folder, "project"));
    const up = ["up", "--yes", "--stack", "dev", "--config-file", config, "--skip-preview"];
    const killed = runPulumi(engine, up, {
      cwd: project,
      env: { SPILLWAY_SIMULATED_FAULT: "hang create aws:lambda/function:Function" },
      started: async (pid) => {
        await until(() => pendingIn(engine).some((urn) => urn.endsWith("::users")));
        process.kill(pid, "SIGKILL");
      },
    });
    expect((await killed).code).toBe(137);
    releaseDeadLocks(engine);

    const resumed = await runPulumi(engine, up, { cwd: project });
    expect(resumed.stdout + resumed.stderr).toMatch(/\+ 3 created/);
    expect(resumed.code).toBe(0);
    // Whether the cut-off create reached the cloud, Pulumi cannot know; it says so until told.
    const clear = ["refresh", "--yes", "--stack", "dev", "--config-file", config];
    await runPulumi(engine, [...clear, "--clear-pending-creates"], { cwd: project });
    expect(pendingIn(engine)).toEqual([]);
    const again = await runPulumi(
      engine,
      ["preview", "--stack", "dev", "--config-file", config, "--expect-no-changes"],
      { cwd: project },
    );
    expect(again.code).toBe(0);
    rmSync(project, { recursive: true, force: true });
  });
});

describe("an update that is interrupted", { timeout: 300_000 }, () => {
  test("ends by itself, and leaves nothing half made", async () => {
    const project = copyOfSample();
    const folder = join(project, ".spillway/simulated");
    const engine = await openEngine(folder);
    const config = await prepareStack(engine, project, "dev", join(folder, "project"));
    const up = ["up", "--yes", "--stack", "dev", "--config-file", config, "--skip-preview"];
    const interrupted = await runPulumi(engine, up, {
      cwd: project,
      env: { SPILLWAY_SIMULATED_FAULT: "hang create users" },
      started: async (pid) => {
        await until(() => pendingIn(engine).some((urn) => urn.endsWith("::users")));
        process.kill(pid, "SIGINT");
      },
    });
    expect(interrupted.code).not.toBe(0);
    expect(pendingIn(engine)).toEqual([]);
    expect((await runPulumi(engine, up, { cwd: project })).stdout).toMatch(/\+ 3 created/);
    rmSync(project, { recursive: true, force: true });
  });
});

describe("plain pulumi preview", { timeout: 300_000 }, () => {
  let project: string;
  let engine: Engine;
  let args: string[];
  beforeAll(async () => {
    project = copyOfSample();
    const folder = join(project, ".spillway/simulated");
    engine = await openEngine(folder);
    const config = await prepareStack(engine, project, "dev", join(folder, "project"));
    args = ["preview", "--stack", "dev", "--config-file", config];
  }, 900_000);
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  test("runs the TypeScript as it is on the Node of the shell", async () => {
    const { code, stdout } = await runPulumi(engine, [...args, "--json"], { cwd: project });
    expect(code).toBe(0);
    expect(JSON.parse(stdout).changeSummary).toEqual({ create: 11 });
  });

  test("on an older Node stops with one line that names the remedy", async () => {
    const env = { NODE_OPTIONS: `--import ${oldNode}` };
    const { code, stdout } = await runPulumi(engine, args, { cwd: project, env });
    const diagnostics = stdout.slice(stdout.indexOf("Diagnostics:")).match(/error: .*/g);
    expect(diagnostics).toEqual([
      "error: Node 20.20.2 cannot run this program as it is; put Node 22.18 or newer on PATH",
    ]);
    expect(code).not.toBe(0);
  });
});

/** What the state says was begun and not finished. */
function pendingIn(engine: Engine): string[] {
  try {
    const { checkpoint } = JSON.parse(stateText(engine)) as {
      checkpoint: { latest?: { pending_operations?: { resource: { urn: string } }[] } };
    };
    return (checkpoint.latest?.pending_operations ?? []).map(({ resource }) => resource.urn);
  } catch {
    // Being written at this moment, or not written yet.
    return [];
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(50);
}
