/**
 * The real Pulumi engine with simulated providers: its own home, backend and cloud in one folder,
 * so that nothing of the user's own Pulumi is read or written. Tests drive programs through the
 * Automation API (`openStack`) or the command line (`runPulumi`); `--simulated` uses the latter.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import type { ConfigMap, PulumiFn, Stack } from "@pulumi/pulumi/automation/index.js";
import { installLanguageHost, nodePath, writePlugins } from "./plugins.ts";
import { onPath, pulumiPath } from "./pulumi/install.ts";

export { nodePath } from "./plugins.ts";
export { MissingTool } from "./pulumi/go-build.ts";

/** An engine that is ready to run. */
export interface Engine {
  /** Path of the `pulumi` executable. */
  pulumi: string;
  /** PULUMI_HOME: the simulated plugins, and nothing else. */
  home: string;
  /** Folder of the file backend. */
  backend: string;
  /** Folder of what the simulated clouds hold; deleting a file there is drift. */
  cloud: string;
  /** The environment that makes a command use all of this. */
  env: Record<string, string>;
}

/** What a finished command line gave. */
export interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

const passphrase = "simulated";

/**
 * Sets up an engine in the folder; builds the command line first when the machine has none.
 * @param options.checkpoints whether the state is written before and after each resource, so that a
 *   command that is killed can be resumed: four fifths of an update's time at 600 resources. Default: true
 */
export async function openEngine(
  folder: string,
  { checkpoints = true }: { readonly checkpoints?: boolean } = {},
): Promise<Engine> {
  const pulumi = await pulumiPath();
  const engine = {
    pulumi,
    home: join(folder, "home"),
    backend: join(folder, "backend"),
    cloud: join(folder, "cloud"),
  };
  for (const path of [engine.home, engine.backend, engine.cloud])
    mkdirSync(path, { recursive: true, mode: 0o700 });
  writePlugins(engine.home);
  const env = {
    PULUMI_HOME: engine.home,
    PULUMI_BACKEND_URL: `file://${engine.backend}`,
    PULUMI_CONFIG_PASSPHRASE: passphrase,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // An experiment, says Pulumi; the state is then written once, at the end.
    ...(!checkpoints && { PULUMI_SKIP_CHECKPOINTS: "true", PULUMI_EXPERIMENTAL: "true" }),
    // A plugin of the same name on the user's PATH would be taken before the simulated one.
    PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
    SPILLWAY_SIMULATED_CLOUD: engine.cloud,
    // The engine looks for `pulumi` and `node` on PATH; programs run on the pinned Node.
    PATH: [dirname(nodePath()), dirname(pulumi), process.env.PATH].join(delimiter),
  };
  return { ...engine, env };
}

/** Options of an inline program's stack. */
export interface StackOptions {
  project?: string;
  stack?: string;
  program: PulumiFn;
  config?: ConfigMap;
  /** Environment beyond the engine's, such as SPILLWAY_SIMULATED_FAULT. */
  env?: Record<string, string>;
}

/** A stack of the engine that runs the program in this process; made when it is not there yet. */
export async function openStack(engine: Engine, options: StackOptions): Promise<Stack> {
  const { project = "sample", stack = "dev", program, config, env = {} } = options;
  const { LocalWorkspace, PulumiCommand } = await import("@pulumi/pulumi/automation/index.js");
  // One on PATH may stand anywhere; a root is a folder with bin/pulumi.
  const built = onPath("pulumi") === undefined;
  const pulumiCommand = await PulumiCommand.get(
    built ? { root: dirname(dirname(engine.pulumi)) } : undefined,
  );
  const workDir = join(dirname(engine.home), "work", project);
  mkdirSync(workDir, { recursive: true });
  const made = await LocalWorkspace.createOrSelectStack(
    { projectName: project, stackName: stack, program },
    { workDir, pulumiCommand, pulumiHome: engine.home, envVars: { ...engine.env, ...env } },
  );
  if (config) await made.setAllConfig(config);
  return made;
}

/** The state file of a stack, as text: what a test searches for secrets. */
export function stateText(engine: Engine, project = "sample", stack = "dev"): string {
  return readFileSync(join(engine.backend, ".pulumi/stacks", project, `${stack}.json`), "utf8");
}

/**
 * Removes the locks of updates that were killed, as `pulumi cancel` would: without it the next
 * command on the stack is refused. A lock of a living process stays.
 */
export function releaseDeadLocks(engine: Engine): void {
  const folder = join(engine.backend, ".pulumi/locks");
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!entry.endsWith(".json")) continue;
    const file = join(folder, entry);
    const { pid } = JSON.parse(readFileSync(file, "utf8")) as { pid: number };
    if (!isAlive(pid)) rmSync(file, { force: true });
  }
}

/** Whether a process of this machine still runs. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** How to run the command line. */
export interface RunOptions {
  cwd: string;
  env?: Record<string, string>;
  /** Show the output instead of collecting it. */
  show?: boolean;
  /** Told of the process when it runs, for tests that end it. */
  started?: (pid: number) => void;
}

/** Runs `pulumi` with the simulated providers on the program in `cwd`. */
export async function runPulumi(
  engine: Engine,
  args: string[],
  { cwd, env, show = false, started }: RunOptions,
): Promise<Finished> {
  await installLanguageHost(engine.home, engine.pulumi);
  const child = spawn(engine.pulumi, args, {
    cwd,
    env: { ...process.env, ...engine.env, ...env },
    stdio: show ? "inherit" : ["ignore", "pipe", "pipe"],
  });
  if (child.pid) started?.(child.pid);
  let [stdout, stderr] = ["", ""];
  child.stdout?.on("data", (text) => (stdout += text));
  child.stderr?.on("data", (text) => (stderr += text));
  return { code: await ended(child), stdout, stderr };
}

/**
 * The exit code of a Pulumi process. Ctrl-C at a terminal reaches it as well as this process, and
 * it needs time to wind down and keep its state: so this one stays, and hands on a SIGTERM.
 */
export async function ended(child: ChildProcess): Promise<number> {
  const stay = (): void => {};
  const handOn = (): void => void child.kill("SIGINT");
  process.on("SIGINT", stay).on("SIGTERM", handOn);
  try {
    return await new Promise((resolve, reject) => {
      child.on("error", reject);
      // 128 + signal is what a shell reports of a process that was ended.
      child.on("close", (code, signal) =>
        resolve(code ?? 128 + constants.signals[signal ?? "SIGKILL"]),
      );
    });
  } finally {
    process.off("SIGINT", stay).off("SIGTERM", handOn);
  }
}
