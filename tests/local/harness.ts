import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { cp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import type { State } from "../../local/state.ts";

const root = path.resolve(import.meta.dirname, "../..");
const command = path.join(root, "cli/spillway.mjs");

/** The example system that ships with the project. */
export const storefront = root;
/** A small system that can be slow, fail and be missing. */
export const lab = path.join(import.meta.dirname, "fixtures/lab");

/** GitHub's documented example secret ("Validating webhook deliveries"). */
export const githubSecret = "It's a Secret to Everybody";

/** A small system of workloads with processes of their own. */
export const fleet = path.join(import.meta.dirname, "fixtures/fleet");

/**
 * A copy of a fixture that can be edited: as deep as the fixture is, for its imports, and out of the
 * source.
 */
export async function copyOf(
  fixture: string,
): Promise<{ folder: string; remove(): Promise<void> }> {
  const name = `${path.basename(fixture)}-${process.pid}-${++copies}`;
  const folder = path.join(root, ".spillway/tests/copies", name);
  await cp(fixture, folder, { recursive: true });
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
let copies = 0;

/** A state as its JSON says it: dates are text. */
export type JsonState = Omit<State, "mails"> & {
  readonly mails: readonly {
    readonly to: string;
    readonly subject: string;
    readonly text: string;
  }[];
};

/** A folder for one test's data, and how to remove it. */
export function temporary(): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(path.join(tmpdir(), "spillway-local-"));
  // A server of a killed host may still be writing its last words.
  return {
    folder,
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }),
  };
}

export interface Started {
  readonly url: string;
  readonly child: ChildProcess;
  /** What it wrote to standard error so far. */
  log(): string;
  /** Ends it with a signal. @returns the exit code, null after SIGKILL */
  end(signal?: NodeJS.Signals): Promise<number | null>;
  state(): Promise<JsonState>;
  /** Asks until the state is as wanted; fails with the last state after `seconds`. */
  until(wanted: (state: JsonState) => boolean, seconds?: number): Promise<JsonState>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
}

const spawned = (
  project: string,
  env: Record<string, string>,
  args: readonly string[],
  program = process.execPath,
) =>
  spawn(program, [...(program === "npm" ? [] : [command]), "start", ...args], {
    cwd: project,
    // What is edited in the project meanwhile changes nothing, but for those who ask for it.
    env: { ...process.env, PORT: "0", DATABASE_URL: "", SPILLWAY_WATCH: "off", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });

/** Runs `spillway start` where it should refuse. */
export async function refusal(
  project: string,
  env: Record<string, string>,
  args: readonly string[] = [],
): Promise<{ code: number; error: string }> {
  const child = spawned(project, env, args);
  let error = "";
  child.stderr.on("data", (chunk) => {
    error += chunk;
  });
  const [code] = await once(child, "close");
  return { code, error };
}

/** Runs `spillway start` (or `npm start`) and waits until it says that it is ready. */
export async function start(
  project: string,
  folder: string,
  env: Record<string, string> = {},
  program?: "npm",
): Promise<Started> {
  const child = spawned(project, { SPILLWAY_DATA: folder, ...env }, [], program);
  let log = "";
  child.stderr.on("data", (chunk) => {
    log += chunk;
  });
  const exit = once(child, "exit");
  const url = await readyUrl(child, () => log);
  const get = async () => (await fetch(`${url}/_spillway/api/state`)).json() as Promise<JsonState>;
  return {
    url,
    child,
    log: () => log,
    async end(signal = "SIGTERM") {
      child.kill(signal);
      const [code] = await exit;
      return code;
    },
    state: get,
    async until(wanted, seconds = 30) {
      const deadline = Date.now() + seconds * 1000;
      for (;;) {
        const state = await get();
        if (wanted(state)) return state;
        if (Date.now() > deadline)
          throw new Error(`not so after ${seconds} s: ${JSON.stringify(state.queues)} ${log}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    post: (to, body, headers) =>
      fetch(`${url}${to}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
  };
}

async function readyUrl(child: ChildProcess, log: () => string): Promise<string> {
  for await (const line of createInterface(child.stdout as NodeJS.ReadableStream)) {
    const [, url] = /^ready (http:\/\/127\.0\.0\.1:\d+)$/.exec(line) ?? [];
    if (url) return url;
  }
  throw new Error(`spillway start ended before it was ready: ${log()}`);
}

/** What GitHub sends with a body. */
export const githubHeaders = (body: string, delivery: string): Record<string, string> => ({
  "x-github-delivery": delivery,
  "x-hub-signature-256": `sha256=${createHmac("sha256", githubSecret).update(body).digest("hex")}`,
});
