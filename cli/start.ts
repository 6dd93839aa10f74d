import { existsSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { startHost } from "../local/host.ts";
import { readSettings, StartFault } from "../local/settings.ts";
import type { System } from "../spec/index.ts";
import { readPlacement } from "./stack-config.ts";

/**
 * `spillway start`: runs the system of the current folder on this machine until SIGTERM or SIGINT,
 * which let what runs end first. The environment is read: SPILLWAY_STACK (default: dev) here, the
 * rest by `readSettings` and the adapters; docs/local.md lists all of it.
 * @returns the exit code: 0 after a stop, 1 where something broke, 2 where it cannot start as asked
 */
export async function start(argv: string[]): Promise<number> {
  try {
    if (argv.length > 0)
      throw new StartFault(
        `start: ${argv.join(" ")} is not understood; it takes PORT, SPILLWAY_DATA, DATABASE_URL and SPILLWAY_STACK from the environment`,
      );
    const root = process.cwd();
    const stopped = stopSignal();
    const settings = readSettings(process.env, root);
    const system = await readSystem(root);
    const { SPILLWAY_STACK: stack, SPILLWAY_PLACEMENT: own } = process.env;
    const placement = readPlacement(root, stack || "dev", system, own);
    const host = await startHost({ system, root, settings: { ...settings, placement } });
    console.log(`ready ${host.url}`);
    await stopped;
    await host.stop().catch((error: Error) => {
      console.error(error.message);
      // What could not be ended would keep the process.
      process.exit(1);
    });
    return 0;
  } catch (error) {
    console.error((error as Error).message);
    return error instanceof StartFault ? 2 : 1;
  }
}

async function readSystem(root: string): Promise<System> {
  const file = path.join(root, "system.ts");
  if (!existsSync(file))
    throw new StartFault(`start: ${root} has no system.ts; run it in the project's folder`);
  try {
    const { system } = (await import(pathToFileURL(file).href)) as { system?: System };
    if (!system?.workloads) throw new Error("exports no system; export what defineSystem gives");
    return system;
  } catch (error) {
    throw new StartFault(`start "system.ts": ${(error as Error).message}`, { cause: error });
  }
}

/** Signals reach a process twice where npm passes on what the terminal sent to all, in milliseconds. */
const echoMs = 1000;

/** How often it is looked whether npm, which started this, is still there, in milliseconds. */
const parentMs = 500;

/**
 * Resolves at the first SIGTERM or SIGINT; a later one ends the process at once. Where npm started
 * it and was killed, nobody is left to stop it: that counts as a signal.
 */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let first: number | undefined;
    const stop = (signal: NodeJS.Signals) => {
      const now = performance.now();
      first ??= now;
      if (now - first > echoMs) {
        for (const each of ["SIGTERM", "SIGINT"] as const) process.off(each, stop);
        process.kill(process.pid, signal);
      }
      resolve();
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
    if (!process.env.npm_lifecycle_event) return;
    const parent = process.ppid;
    const watch = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(watch);
      resolve();
    }, parentMs);
    watch.unref();
  });
}
