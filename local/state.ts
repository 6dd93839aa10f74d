import type { DeadLetter, Item, JsonObject, Post, QueueAdmin } from "../runtime/ports/index.ts";
import type { Step, Workflow } from "../spec/index.ts";
import type { ServiceState } from "./containers/service.ts";
import {
  type ObjectListing,
  type ObjectSource,
  type ObjectStoreState,
  objectListing,
} from "./dashboard/listing.ts";
import type { RecentRequests, RequestRecord } from "./gateway/requests.ts";
import type { Status } from "./workloads.ts";

/** A route as the dashboard offers it. */
export interface RouteState {
  readonly method: string;
  readonly path: string;
  readonly workload: string;
  readonly auth: "jwt" | "none";
  readonly running: boolean;
  /** A line for a shell. */
  readonly curl: string;
}

/** A workload: how it fares here, and where it would be placed in the cloud. */
export interface WorkloadState {
  readonly name: string;
  readonly kind: string;
  readonly trigger: string;
  readonly status: Status;
  /** Why it does not run here. */
  readonly reason?: string;
  readonly host: string;
  readonly because: readonly {
    readonly question: string;
    readonly kind: "limit" | "advice";
    readonly text: string;
  }[];
  /** Such as "$1.20". */
  readonly monthly?: string;
  /** Its processes, where it has some of its own. */
  readonly container?: Omit<ServiceState, "status" | "reason">;
}

export interface QueueState {
  readonly name: string;
  readonly consumers: readonly string[];
  readonly waiting: number;
  readonly active: number;
  readonly dead: number;
  readonly deadLetters: readonly DeadLetter[];
}

export interface TableState {
  readonly kind: "table";
  readonly name: string;
  readonly items: readonly Item[];
  /** Whether there are more than are listed. */
  readonly more: boolean;
  /** How many documents there are. */
  readonly total?: number;
}

/** A mail as it was captured. */
export interface CapturedMail {
  readonly id: string;
  readonly from?: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  readonly at: Date;
}

/** `html`: whether there is some, at `api/mails/<id>/html`. */
export interface MailState extends Omit<CapturedMail, "html"> {
  readonly html: boolean;
}

/** A post as it was captured. */
export interface PostState {
  readonly id: string;
  /** Name of the chat in system.ts. */
  readonly chat?: string;
  readonly post: Post;
  readonly at: Date;
}

/** Who reads a topic, a bus, a stream or a change feed, and how far. */
export interface ChannelState {
  readonly name: string;
  readonly kind: "topic" | "bus" | "stream" | "changes";
  readonly subscribers: readonly SubscriberState[];
}
export interface SubscriberState {
  readonly workload: string;
  /** What it asks for, as JSON text. Default: everything */
  readonly wants?: string;
  /** The queue in front of it. */
  readonly queue?: string;
  /** How far it has read, by shard. */
  readonly positions?: readonly Position[];
}
export interface Position {
  readonly shard: string;
  /** The last sequence that is done; absent before the first. */
  readonly at?: string;
  /** Records that wait. */
  readonly behind?: number;
}

/** One step of an execution, or one that undoes another. */
export interface StepState {
  readonly name: string;
  readonly kind: "step" | "compensation" | "onFailure";
  /**
   * "running": at work, or waiting for its next try. "compensated": done, and undone since.
   * "skipped": the execution ended without it.
   */
  readonly state: "pending" | "running" | "done" | "failed" | "compensated" | "skipped";
  /** Tries that have ended. */
  readonly tries: number;
  /** Why the last try failed. */
  readonly reason?: string;
  /** When the next try is made, where it has to wait. */
  readonly nextTryAt?: Date;
}

export interface ExecutionState {
  readonly id: string;
  readonly status: "running" | "done" | "compensated" | "stuck";
  readonly startedAt: Date;
  readonly endedAt?: Date;
  readonly input: JsonObject;
  readonly steps: readonly StepState[];
}

/** A workflow that runs here. */
export interface WorkflowSource {
  readonly declaration: Pick<Workflow, "steps" | "compensations" | "onFailure">;
  /** Newest first. */
  executions(limit: number): Promise<readonly ExecutionState[]>;
  /** As the port's; throws its errors. */
  start(id: string, input: JsonObject): Promise<{ readonly started: boolean }>;
}

export interface WorkflowState {
  readonly name: string;
  readonly steps: readonly Pick<Step, "name" | "compensate">[];
  readonly compensations: readonly Pick<Step, "name">[];
  readonly onFailure?: string;
  readonly executions: readonly ExecutionState[];
  readonly total?: number;
}

/** How many there are of what only the newest are shown. */
export interface Totals {
  readonly mails?: number;
  readonly posts?: number;
  /** By table. */
  readonly documents?: Readonly<Record<string, number>>;
  /** By workflow. */
  readonly executions?: Readonly<Record<string, number>>;
}

/** A schedule that runs here. */
export interface ScheduleState {
  readonly workload: string;
  readonly cron: string;
  readonly timeZone: string;
  /** Absent where it never runs again. */
  readonly nextRun?: Date;
  /** What the last run that was sent was meant for; by hand too. */
  readonly lastRun?: Date;
}

/** All that `/_spillway/api/state` answers. Dates are ISO 8601 in JSON. */
export interface State {
  readonly system: string;
  readonly url: string;
  readonly startedAt: Date;
  readonly routes: readonly RouteState[];
  readonly workloads: readonly WorkloadState[];
  readonly queues: readonly QueueState[];
  readonly channels: readonly ChannelState[];
  readonly schedules: readonly ScheduleState[];
  readonly workflows: readonly WorkflowState[];
  readonly tables: readonly TableState[];
  readonly objectStores: readonly ObjectStoreState[];
  /** Newest first. */
  readonly mails: readonly MailState[];
  /** Newest first. */
  readonly posts: readonly PostState[];
  /** Newest first; `total` since the start. */
  readonly requests: { readonly total: number; readonly recent: readonly RequestRecord[] };
  readonly totals: Totals;
}

/** Where the changing parts of the state come from, and what may be done. */
export interface StateSources {
  readonly fixed: Pick<State, "system" | "url" | "startedAt" | "routes" | "workloads">;
  readonly queues: ReadonlyMap<string, QueueAdmin>;
  /** The running consumers of a queue. */
  readonly consumersOf: (queue: string) => readonly string[];
  readonly tables: () => Promise<readonly TableState[]>;
  readonly objects: ReadonlyMap<string, ObjectSource>;
  /** Newest first. */
  readonly mails: (limit: number) => Promise<readonly CapturedMail[]>;
  readonly requests: RecentRequests;
  /** Newest first. Default: none */
  readonly posts?: (limit: number) => Promise<readonly PostState[]>;
  /** Default: none */
  readonly schedules?: () => readonly ScheduleState[];
  /** Throws `not-found`. Default: there are no schedules. */
  readonly runNow?: (workload: string) => Promise<{ readonly scheduledAt: Date }>;
  /** By name. Default: none */
  readonly workflows?: ReadonlyMap<string, WorkflowSource>;
  /** See `describeChannels`. Default: none */
  readonly channels?: () => Promise<readonly ChannelState[]>;
  /** Default: not counted */
  readonly totals?: () => Promise<Totals>;
  /** The workloads with processes of their own. Default: none has */
  readonly containers?: () => ReadonlyMap<string, ServiceState>;
}

/** How many of each list are shown; objects of each folder. */
export const shown = {
  requests: 50,
  deadLetters: 50,
  mails: 50,
  posts: 50,
  executions: 20,
  items: 100,
  objects: 24,
} as const;

/**
 * Reads the state as it is now; `renew` after something was done.
 * @param sources see {@link StateSources}
 */
export function stateReader(sources: StateSources): {
  read(): Promise<State>;
  readonly objects: ObjectListing;
} {
  const objects = objectListing(sources.objects, shown.objects);
  const read = async (): Promise<State> => {
    const totals = (await sources.totals?.()) ?? {};
    const [queues, tables, objectStores, mails, posts, channels, workflows] = await Promise.all([
      readQueues(sources),
      sources.tables(),
      objects.read(),
      sources.mails(shown.mails),
      sources.posts?.(shown.posts) ?? [],
      sources.channels?.() ?? [],
      readWorkflows(sources, totals),
    ]);
    return {
      ...sources.fixed,
      workloads: withContainers(sources),
      queues,
      channels,
      schedules: sources.schedules?.() ?? [],
      workflows,
      tables: tables.map((one) => ({ ...one, total: totals.documents?.[one.name] ?? one.total })),
      objectStores,
      mails: mails.map((mail) => ({ ...mail, html: mail.html !== undefined })),
      posts,
      requests: {
        total: sources.requests.total,
        recent: sources.requests.list().slice(0, shown.requests),
      },
      totals,
    };
  };
  return { read, objects };
}

/** The workloads, with how those fare that have processes of their own. */
function withContainers({ fixed, containers }: StateSources): readonly WorkloadState[] {
  const states = containers?.();
  return fixed.workloads.map((workload) => {
    const state = states?.get(workload.name);
    if (!state) return workload;
    const { status, reason, ...container } = state;
    return { ...workload, status, reason, container };
  });
}

const readQueues = ({ queues, consumersOf }: StateSources): Promise<QueueState[]> =>
  Promise.all(
    [...queues].map(async ([name, admin]) => {
      const depth = await admin.depth();
      const deadLetters = depth.dead > 0 ? await admin.deadLetters(shown.deadLetters) : [];
      return { name, consumers: consumersOf(name), ...depth, deadLetters };
    }),
  );

const readWorkflows = (
  { workflows = new Map() }: StateSources,
  totals: Totals,
): Promise<WorkflowState[]> =>
  Promise.all(
    [...workflows].map(async ([name, { declaration, executions }]) => ({
      name,
      steps: declaration.steps.map(({ name: step, compensate }) => ({ name: step, compensate })),
      compensations: (declaration.compensations ?? []).map((step) => ({ name: step.name })),
      onFailure: declaration.onFailure,
      executions: await executions(shown.executions),
      total: totals.executions?.[name],
    })),
  );

/** The state as JSON text, shared by all pages that ask for it. */
export interface SharedState {
  text(): Promise<string>;
  /** Something was done: what was read before is not shown again. */
  renew(): void;
}

/**
 * Reads the state at most twice a second, however many pages ask for it.
 * @param read the state as it is now
 * @param keepMs how long it is shown, in milliseconds. Default: 500
 */
export function sharedState(read: () => Promise<State>, keepMs = 500): SharedState {
  let last: { readonly at: number; readonly text: Promise<string> } | undefined;
  return {
    text() {
      const now = performance.now();
      if (last && now - last.at <= keepMs) return last.text;
      const text = read().then((state) => JSON.stringify(state));
      last = { at: now, text };
      text.catch(() => {
        last = undefined;
      });
      return text;
    },
    renew() {
      last = undefined;
    },
  };
}
