import { existsSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { HttpHandler, IdentityHooks, MessageHandler } from "../runtime/ports/index.ts";
import type { IdentityHook, System, Workload } from "../spec/index.ts";
import { type Adapters, portsOf } from "./ports.ts";

/** How a workload fares on this machine. */
export type Status = "running" | "no-code" | "not-local" | "failed";

export type Loaded =
  | { readonly status: Exclude<Status, "running">; readonly reason: string }
  | { readonly status: "running"; readonly run: Running };

/** What a workload's `create` gave, by what starts it. */
export type Running =
  | { readonly kind: "http"; readonly handler: HttpHandler }
  | {
      readonly kind: "onMessage";
      readonly queue: string;
      readonly batch: number;
      readonly handler: MessageHandler;
    }
  | { readonly kind: "onIdentity"; readonly hooks: IdentityHooks };

/** Why a workload of this kind is not started here, or `undefined` where it is. */
export function notLocal(workload: Workload): string | undefined {
  if (workload.kind === "http" || workload.kind === "onIdentity") return undefined;
  if (workload.kind === "onMessage") {
    if (workload.queue) return undefined;
    const source = ["topic", "stream", "changes"].find((key) => key in workload);
    return `Messages of ${source === "changes" ? "a table's changes" : `a ${source}`} are not delivered on this machine yet.`;
  }
  const triggers = {
    onObject: "Stored objects start nothing on this machine yet.",
    onSchedule: "Schedules are not run on this machine yet.",
    workflow: "Workflows are not run on this machine yet.",
    socket: "Web sockets are not served on this machine yet.",
    job: "Jobs are not started on this machine yet.",
  };
  return triggers[workload.kind];
}

/**
 * Imports a workload's folder and creates it with its ports. Never throws: what cannot run is said
 * with its reason, and the rest of the system runs.
 * @param root the project's folder
 */
export async function loadWorkload(
  system: System,
  name: string,
  root: string,
  adapters: Adapters,
): Promise<Loaded> {
  const workload = system.workloads[name] as Workload;
  const reason = notLocal(workload);
  if (reason) return { status: "not-local", reason };
  const file = path.resolve(root, workload.code, "index.ts");
  if (!existsSync(file))
    return { status: "no-code", reason: `${workload.code}/index.ts does not exist; write it.` };
  const given = portsOf(system, name, adapters);
  if ("missing" in given)
    return {
      status: "not-local",
      reason: `It uses ${given.missing}, which has no local adapter yet.`,
    };
  try {
    const { create } = (await import(pathToFileURL(file).href)) as { create?: unknown };
    if (typeof create !== "function") throw new Error("exports no function create");
    return { status: "running", run: runningOf(workload, await create(given.ports)) };
  } catch (error) {
    return { status: "failed", reason: `${workload.code}/index.ts: ${(error as Error).message}` };
  }
}

function runningOf(workload: Workload, created: unknown): Running {
  if (workload.kind === "http") {
    if (typeof (created as HttpHandler | undefined)?.fetch !== "function")
      throw new Error("create returns nothing with fetch; return a Hono app");
    return { kind: "http", handler: created as HttpHandler };
  }
  if (workload.kind === "onIdentity")
    return { kind: "onIdentity", hooks: hooksOf(workload.hooks, created) };
  if (typeof created !== "function")
    throw new Error("create returns no function; return one that handles a message");
  const { queue = "", batch = 10 } = workload as { queue?: string; batch?: number };
  return { kind: "onMessage", queue, batch, handler: created as MessageHandler };
}

/** `pre-sign-up` is the method `preSignUp`. */
const methodOf = (hook: IdentityHook) =>
  hook.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()) as keyof IdentityHooks;

function hooksOf(declared: readonly IdentityHook[], created: unknown): IdentityHooks {
  const all = (created ?? {}) as Record<string, unknown>;
  const hooks = declared.map(methodOf).map((method) => {
    const hook = all[method];
    if (typeof hook !== "function") throw new Error(`create returns nothing with ${method}`);
    return [method, hook.bind(created)];
  });
  return Object.fromEntries(hooks) as IdentityHooks;
}
