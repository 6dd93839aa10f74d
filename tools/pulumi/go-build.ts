/**
 * Builds a Go program from its module and keeps it in the user's cache folder, by version.
 * Several processes may ask at once: one builds, the others wait; a program appears whole.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What to build, and how long a person should expect to wait. */
export interface GoProgram {
  name: string;
  version: string;
  /** The module that holds the program, its version is `version`. */
  module: string;
  package: string;
  /** Lines of go.mod beyond the requirement, such as a `replace`. */
  goMod?: string[];
  /** Told to people while it builds, such as "4 minutes". */
  about: string;
}

/** The oldest Go that builds the pinned versions. */
export const neededGo = "1.25.11";

/** A tool that the machine lacks; the message says how to get it. */
export class MissingTool extends Error {}

/** Where built programs are kept: `$XDG_CACHE_HOME/spillway` or `~/.cache/spillway`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "spillway");
}

/** The folder a built program has to itself, so that putting it on PATH brings nothing else. */
export function programFolder(program: GoProgram, cache = cacheFolder()): string {
  return join(cache, program.name, program.version);
}

/** Path of the program's executable; builds it first when the cache lacks it. */
export async function build(program: GoProgram, cache = cacheFolder()): Promise<string> {
  const folder = programFolder(program, cache);
  const executable = join(folder, "bin", program.name);
  if (existsSync(executable)) return executable;
  await needGo();
  const unlock = await lock(`${folder}.lock`, () => existsSync(executable));
  try {
    if (existsSync(executable)) return executable;
    const title = `${program.name} ${program.version}`;
    console.error(`building ${title} from source, about ${program.about}, once`);
    const work = `${folder}.build-${process.pid}`;
    mkdirSync(join(work, "bin"), { recursive: true });
    try {
      writeFileSync(join(work, "go.mod"), goMod(program));
      await run("go", goArguments(program), work);
      mkdirSync(join(folder, "bin"), { recursive: true });
      renameSync(join(work, "bin", program.name), executable);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
    return executable;
  } finally {
    unlock();
  }
}

function goMod(program: GoProgram): string {
  const lines = ["module spillway.invalid/build", "", `go ${neededGo}`, ""];
  lines.push(`require ${program.module} v${program.version}`, ...(program.goMod ?? []));
  return `${lines.join("\n")}\n`;
}

/** The version is stamped in: without it `pulumi version` is empty and the Automation API refuses. */
function goArguments(program: GoProgram): string[] {
  const stamp = `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${program.version}`;
  const flags = ["-mod=mod", "-trimpath", "-ldflags", `-s -w ${stamp}`];
  return ["build", ...flags, "-o", join("bin", program.name), program.package];
}

/** Refuses with the remedy when Go is missing or older than the modules need. */
export async function needGo(): Promise<void> {
  const get = `install Go ${neededGo} or newer (go.dev/dl) or put \`pulumi\` on PATH`;
  const answer = await run("go", ["env", "GOVERSION"], ".").catch((error: Error) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new MissingTool(`no \`pulumi\` on PATH, and no \`go\` to build it with; ${get}`);
  });
  const version = answer.trim().replace(/^go/, "");
  if (isOlder(version, neededGo))
    throw new MissingTool(
      `no \`pulumi\` on PATH, and Go ${version} is too old to build it; ${get}`,
    );
}

/** Whether dotted version `a` is older than `b`; suffixes such as "rc1" are ignored. */
export function isOlder(a: string, b: string): boolean {
  const parts = (v: string): number[] => v.split(".").map((part) => Number.parseInt(part, 10) || 0);
  const [left, right] = [parts(a), parts(b)];
  for (let i = 0; i < right.length; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/**
 * Takes a lock folder, waiting while a living process holds it and `done` is not yet true.
 * A lock left by a dead process is taken over; should two waiters do so at once, both build and
 * the rename of either result is whole.
 */
async function lock(folder: string, done: () => boolean): Promise<() => void> {
  const owner = join(folder, "pid");
  for (let told = false; ; ) {
    try {
      mkdirSync(join(folder, ".."), { recursive: true });
      mkdirSync(folder);
      writeFileSync(owner, String(process.pid));
      return () => rmSync(folder, { recursive: true, force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    if (done()) return () => {};
    if (!(await heldByLiving(owner))) rmSync(folder, { recursive: true, force: true });
    else if (!told) {
      told = true;
      console.error("another process is building it; waiting");
    }
    await sleep(500);
  }
}

async function heldByLiving(owner: string): Promise<boolean> {
  // The pid is written just after the folder is made: give its maker a moment.
  if (!existsSync(owner)) await sleep(1000);
  try {
    process.kill(Number(readFileSync(owner, "utf8")), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function run(command: string, args: string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let errors = "";
    child.stdout.on("data", (text) => (output += text));
    child.stderr.on("data", (text) => (errors += text));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args[0]} failed (${code}):\n${errors.slice(-4000)}`));
    });
  });
}
