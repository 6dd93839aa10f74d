import type { DeadLetter, Item, ObjectInfo, QueueAdmin } from "../runtime/ports/index.ts";
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
}

export interface ObjectStoreState {
  readonly kind: "objectStore";
  readonly name: string;
  readonly items: readonly Omit<ObjectInfo, "contentType">[];
  readonly more: boolean;
}

export interface MailState {
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly at: Date;
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
  readonly tables: readonly TableState[];
  readonly objectStores: readonly ObjectStoreState[];
  /** Newest first. */
  readonly mails: readonly MailState[];
  /** Newest first; `total` since the start. */
  readonly requests: { readonly total: number; readonly recent: readonly RequestRecord[] };
}

/** Where the changing parts of the state come from. */
export interface StateSources {
  readonly fixed: Pick<State, "system" | "url" | "startedAt" | "routes" | "workloads">;
  readonly queues: ReadonlyMap<string, QueueAdmin>;
  /** The running consumers of a queue. */
  readonly consumersOf: (queue: string) => readonly string[];
  readonly tables: () => Promise<readonly TableState[]>;
  readonly objectStores: () => Promise<readonly ObjectStoreState[]>;
  readonly mails: (limit: number) => Promise<readonly MailState[]>;
  readonly requests: RecentRequests;
}

/** How many of each list are shown. */
export const shown = { requests: 50, deadLetters: 50, mails: 50, items: 100 } as const;

/** Reads the state as it is now. */
export async function readState(sources: StateSources): Promise<State> {
  const [queues, tables, objectStores, mails] = await Promise.all([
    Promise.all(
      [...sources.queues].map(async ([name, admin]): Promise<QueueState> => {
        const depth = await admin.depth();
        const deadLetters = depth.dead > 0 ? await admin.deadLetters(shown.deadLetters) : [];
        return { name, consumers: sources.consumersOf(name), ...depth, deadLetters };
      }),
    ),
    sources.tables(),
    sources.objectStores(),
    sources.mails(shown.mails),
  ]);
  const { total } = sources.requests;
  const recent = sources.requests.list().slice(0, shown.requests);
  return { ...sources.fixed, queues, tables, objectStores, mails, requests: { total, recent } };
}

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
