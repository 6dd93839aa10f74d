import { existsSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { StepHandlers } from "../runtime/entries/steps.ts";
import type { EventHandler } from "../runtime/entries/work.ts";
import type {
  ChangeHandler,
  HttpHandler,
  IdentityHooks,
  RecordHandler,
} from "../runtime/ports/index.ts";
import {
  type IdentityHook,
  type Source,
  type System,
  sourceOf,
  type Workflow,
  type Workload,
} from "../spec/index.ts";
import { type Adapters, portsOf } from "./ports.ts";

/** How a workload fares on this machine. "starting": its first replica is not healthy yet. */
export type Status = "running" | "starting" | "no-code" | "not-local" | "failed";

export type Loaded =
  | { readonly status: Exclude<Status, "running" | "starting">; readonly reason: string }
  | { readonly status: "running"; readonly run: Running };

export type QueueSource = Extract<Source, { via: "queue" }>;

/** What a workload's `create` gave, by what starts it. */
export type Running =
  | { readonly kind: "http"; readonly handler: HttpHandler }
  | { readonly kind: "queue"; readonly source: QueueSource; readonly handler: EventHandler }
  /** In processes of its own, as in containers: see containers/fleet.ts. */
  | { readonly kind: "container"; readonly source?: QueueSource }
  | {
      readonly kind: "stream";
      readonly source: Extract<Source, { via: "stream" }>;
      readonly handler: RecordHandler;
    }
  | {
      readonly kind: "changes";
      readonly source: Extract<Source, { via: "changes" }>;
      readonly handler: ChangeHandler;
    }
  | { readonly kind: "workflow"; readonly workflow: Workflow; readonly steps: StepHandlers }
  | { readonly kind: "onIdentity"; readonly hooks: IdentityHooks };

export interface LoadOptions {
  readonly system: System;
  /** The project's folder: workloads' code is found from here. */
  readonly root: string;
  readonly adapters: Adapters;
  /** Whether a workload has processes of its own. Default: none has */
  readonly inContainer?: (workload: string) => boolean;
}

/**
 * Imports a workload's folder and creates it with its ports. Never throws: what cannot run is said
 * with its reason, and the rest of the system runs.
 */
export async function loadWorkload(name: string, options: LoadOptions): Promise<Loaded> {
  const { system, root, adapters, inContainer = () => false } = options;
  const workload = system.workloads[name] as Workload;
  const file = path.resolve(root, workload.code, "index.ts");
  if (!existsSync(file))
    return { status: "no-code", reason: `${workload.code}/index.ts does not exist; write it.` };
  const given = portsOf(system, name, adapters);
  if ("reason" in given) return given;
  const source = sourceOf(system, name);
  if (inContainer(name)) {
    const queue = source?.via === "queue" && { source };
    return { status: "running", run: { kind: "container", ...queue } };
  }
  try {
    const created = await createFrom(file, given.ports);
    return { status: "running", run: runningOf(workload, source, created) };
  } catch (error) {
    return { status: "failed", reason: `${workload.code}/index.ts: ${(error as Error).message}` };
  }
}

/**
 * What a folder's `create` gives.
 * @throws {Error} where there is no such function, and whatever it throws
 */
export async function createFrom(file: string, given: object): Promise<unknown> {
  const { create } = (await import(pathToFileURL(file).href)) as { create?: unknown };
  if (typeof create !== "function") throw new Error("exports no function create");
  return create(given);
}

function runningOf(workload: Workload, source: Source | undefined, created: unknown): Running {
  if (workload.kind === "http") return { kind: "http", handler: httpHandler(created) };
  if (workload.kind === "onIdentity")
    return { kind: "onIdentity", hooks: hooksOf(workload.hooks, created) };
  if (workload.kind === "workflow")
    return { kind: "workflow", workflow: workload, steps: created as StepHandlers };
  if (typeof created !== "function" || !source)
    throw new Error("create returns no function; return one that handles a message");
  switch (source.via) {
    case "queue":
      return { kind: "queue", source, handler: created as EventHandler };
    case "stream":
      return { kind: "stream", source, handler: created as RecordHandler };
    case "changes":
      return { kind: "changes", source, handler: created as ChangeHandler };
  }
}

/** @throws {Error} for what answers no requests */
export function httpHandler(created: unknown): HttpHandler {
  if (typeof (created as HttpHandler | undefined)?.fetch !== "function")
    throw new Error("create returns nothing with fetch; return a Hono app");
  return created as HttpHandler;
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
