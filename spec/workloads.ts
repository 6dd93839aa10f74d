import type { Load } from "./load.ts";
import type { Pattern } from "./patterns.ts";
import type { Throttle } from "./services.ts";

/** Names of resources, and what the workload may do with each; secrets are a list of names. */
export type Uses = Readonly<Record<string, string | readonly string[]>>;

/** What every workload says of itself. */
export interface Common {
  /** Folder of its code, from the project's root. */
  readonly code: string;
  readonly uses?: Uses;
  readonly load: Load;
  /** What it keeps between requests. Default: "none" */
  readonly state?: "none" | "memory" | "connections" | "disk";
  /** Unpacked size of code and dependencies, in MB. Default: 5 */
  readonly packageMb?: number;
  /** npm packages with native parts: shipped as files for the host's platform, not bundled. */
  readonly packages?: readonly string[];
  /** Needs a GPU. Default: false */
  readonly gpu?: boolean;
  /** The latency that is asked for: 99th percentile in milliseconds, cold starts included. */
  readonly latency?: { readonly p99Ms: number };
}

export interface HttpOptions extends Common {
  /** `METHOD /path/{parameter}`; a last `{name+}` takes the rest of the path. */
  readonly routes: readonly string[];
  /** "jwt": a valid access token is needed. "none": public. Default: "jwt" */
  readonly auth?: "jwt" | "none";
  /** Per route; default: the edge's. */
  readonly throttle?: Throttle;
  /** Largest request body, in bytes. Default: 1 MiB */
  readonly maxBodyBytes?: number;
}

/** Where messages come from: exactly one of queue, topic, bus, stream and changes. */
export interface MessageOptions extends Common {
  readonly queue?: string;
  readonly topic?: string;
  /** With topic: only events whose attributes have one of these values. */
  readonly filter?: Readonly<Record<string, readonly string[]>>;
  readonly bus?: string;
  /** With bus: only events that match. */
  readonly pattern?: Pattern;
  readonly stream?: string;
  /** A table whose change feed is read. */
  readonly changes?: string;
  /** Messages per batch; records of a stream. Default: 10 */
  readonly batch?: number;
  /** With topic or bus: deliveries before a message is set aside, 1 to 1,000. Default: 5 */
  readonly maxReceives?: number;
}

export interface ObjectOptions extends Common {
  readonly store: string;
  /** Only objects under this prefix. */
  readonly prefix: string;
}

export interface ScheduleOptions extends Common {
  /** Five fields: minute, hour, day of month, month, day of week. */
  readonly cron: string;
  /** IANA name, such as "Europe/Berlin". Default: "UTC" */
  readonly timeZone?: string;
}

/** Points in the life of a user at which code may decide or follow up. */
export const identityHooks = [
  "pre-sign-up",
  "post-confirmation",
  "pre-token",
  "define-challenge",
  "create-challenge",
  "verify-challenge",
] as const;
export type IdentityHook = (typeof identityHooks)[number];

export interface IdentityOptions extends Common {
  readonly hooks: readonly IdentityHook[];
}

export interface Step {
  readonly name: string;
  /** Longest time for one try, in seconds. */
  readonly timeoutSeconds: number;
  /**
   * Tries after the first, and how long to wait: `backoffSeconds * factor ** n`, at most 5 minutes.
   * Default: none for steps; 8, from 1 s, doubled, for compensations and `onFailure`
   */
  readonly retry?: {
    readonly attempts: number;
    readonly backoffSeconds: number;
    readonly factor: number;
  };
  /** The step that undoes this one. */
  readonly compensate?: string;
}

export interface WorkflowOptions extends Common {
  readonly steps: readonly Step[];
  /** Steps that are only run to undo others, or after a failure. */
  readonly compensations?: readonly Step[];
  /** The step that is run last when the workflow failed. */
  readonly onFailure?: string;
}

export interface SocketOptions extends Common {
  readonly path: string;
  readonly auth?: "jwt" | "none";
  /** Seconds between heartbeats. Default: 30 */
  readonly heartbeatSeconds?: number;
}

export interface JobOptions extends Common {
  /** The queue whose messages start it. */
  readonly queue: string;
}

export type Http = HttpOptions & { readonly kind: "http" };
export type OnMessage = MessageOptions & { readonly kind: "onMessage" };
export type OnObject = ObjectOptions & { readonly kind: "onObject" };
export type OnSchedule = ScheduleOptions & { readonly kind: "onSchedule" };
export type OnIdentity = IdentityOptions & { readonly kind: "onIdentity" };
export type Workflow = WorkflowOptions & { readonly kind: "workflow" };
export type Socket = SocketOptions & { readonly kind: "socket" };
export type Job = JobOptions & { readonly kind: "job" };

export type Workload =
  | Http
  | OnMessage
  | OnObject
  | OnSchedule
  | OnIdentity
  | Workflow
  | Socket
  | Job;
export type WorkloadKind = Workload["kind"];

/** Answers HTTP requests. */
export const http = <const W extends HttpOptions>(options: W) =>
  ({ kind: "http", ...options }) as W & { readonly kind: "http" };

/** Handles the messages of a queue, a topic, a bus, a stream or a table's change feed. */
export const onMessage = <const W extends MessageOptions>(options: W) =>
  ({ kind: "onMessage", ...options }) as W & { readonly kind: "onMessage" };

/** Handles objects as they are stored. */
export const onObject = <const W extends ObjectOptions>(options: W) =>
  ({ kind: "onObject", ...options }) as W & { readonly kind: "onObject" };

/** Runs at set times, in a time zone. */
export const onSchedule = <const W extends ScheduleOptions>(options: W) =>
  ({ kind: "onSchedule", ...options }) as W & { readonly kind: "onSchedule" };

/** Decides or follows up when users sign up and sign in. */
export const onIdentity = <const W extends IdentityOptions>(options: W) =>
  ({ kind: "onIdentity", ...options }) as W & { readonly kind: "onIdentity" };

/** Steps with retries, time limits and compensations (a saga). */
export const workflow = <const W extends WorkflowOptions>(options: W) =>
  ({ kind: "workflow", ...options }) as W & { readonly kind: "workflow" };

/** Holds web sockets. */
export const socket = <const W extends SocketOptions>(options: W) =>
  ({ kind: "socket", ...options }) as W & { readonly kind: "socket" };

/** Works for as long as it takes, started by a queue's message. */
export const job = <const W extends JobOptions>(options: W) =>
  ({ kind: "job", ...options }) as W & { readonly kind: "job" };
