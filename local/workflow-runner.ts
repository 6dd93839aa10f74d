import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import { startsOn } from "../runtime/adapters/local/workflow.ts";
import { runStep, type StepHandlers, stepFailure } from "../runtime/entries/steps.ts";
import type { JsonObject, StepContext } from "../runtime/ports/index.ts";
import {
  failureOf,
  nextMove,
  resultsOf,
  type Saga,
  type Step,
  stepErrors,
  type TryEnd,
  timedOutReason,
} from "../spec/index.ts";
import { type Ownership, takeOwnership } from "./workflow/ownership.ts";
import { type Claimed, executionStore } from "./workflow/store.ts";
import { type ExecutionView, viewOf } from "./workflow/view.ts";

/** A try that failed, or a database that could not be asked. */
export interface WorkflowTrouble {
  readonly execution?: string;
  readonly step?: string;
  readonly error: unknown;
}

export interface WorkflowRunnerOptions {
  /** Of the workflow. */
  readonly name: string;
  readonly workflow: Saga;
  /** What the workload's `create` returned. */
  readonly steps: StepHandlers;
  readonly pool: Pool;
  readonly onTrouble: (trouble: WorkflowTrouble) => void;
  /** Most tries under way at a time. Default: 20 */
  readonly concurrency?: number;
  /** How long `stop` waits for tries under way, in milliseconds. Default: 10,000 */
  readonly graceMs?: number;
  /** How long a declared wait or time limit lasts, in milliseconds. Default: 1,000 a second */
  readonly millis?: (seconds: number) => number;
}

export interface WorkflowRunner {
  /** The newest executions, for the dashboard. */
  executions(limit: number): Promise<readonly ExecutionView[]>;
  /**
   * Begins no more tries, and returns when those under way have ended, or were left to the next
   * start: what was noted goes on from there.
   */
  stop(): Promise<void>;
}

/** How often other processes' executions are looked for, in milliseconds. */
const pollMs = 500;
/** How often those of processes that have ended, in milliseconds. */
const roundMs = 2_000;
/** How often what ended long ago is removed, in milliseconds: once an hour. */
const forgetMs = 3_600_000;
/** A try that ended its process as often is a failed one. */
const mostBegun = 5;
/** Longest time that a timer of Node can wait, in milliseconds. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Carries the executions of a workflow on, also those that were begun by a process that is gone:
 * what has ended is noted after each try, together with when the next one is due. Any number of
 * processes may run one workflow; each execution is with one of them at a time.
 *
 * A try that has not ended within its limit is given up: what it still does is its handler's
 * business, as is being called again after a crash.
 * @throws {Error} where `steps` lacks a handler
 */
export function startWorkflowRunner(options: WorkflowRunnerOptions): WorkflowRunner {
  const { name, workflow: saga, steps, pool, onTrouble } = options;
  const { concurrency = 20, graceMs = 10_000, millis = (seconds) => seconds * 1000 } = options;
  for (const step of [...saga.steps, ...(saga.compensations ?? [])])
    if (typeof steps[step.name] !== "function")
      throw new Error(
        `workflow "${name}": create returns nothing named ${step.name}; return a handler for each step and compensation`,
      );
  const store = executionStore(pool, name);
  const stopping = new AbortController();
  const working = new Map<string, Promise<void>>();
  const alarm = bell();
  let abandoned = false;

  const carry = async (owner: string, claimed: Claimed) => {
    const { id, input } = claimed;
    let { history, begun } = claimed;
    for (;;) {
      const move = nextMove(saga, history);
      if (move.do === "run") {
        history = [...history, await attempt(move.step, id, input, history, begun)];
        if (abandoned) return;
      }
      const next = nextMove(saga, history);
      if (next.do === "end") {
        const ending = { status: next.status, failed: failureOf(saga, history) };
        await noted(() => store.end(owner, id, history, ending));
        return;
      }
      const waitMs = next.delaySeconds > 0 ? millis(next.delaySeconds) : 0;
      const restMs = waitMs > 0 || stopping.signal.aborted ? waitMs : undefined;
      const kept = await noted(() => store.note(owner, id, history, restMs));
      if (restMs !== undefined) alarm.in(restMs + 1);
      if (!kept || restMs !== undefined) return;
      begun = 1;
    }
  };

  const attempt = async (
    step: Step,
    id: string,
    input: JsonObject,
    history: readonly TryEnd[],
    begun: number,
  ): Promise<TryEnd> => {
    const failed = (error: unknown): TryEnd => {
      onTrouble({ execution: id, step: step.name, error });
      const failure = stepFailure(error);
      const ended = failure.error === stepErrors.refused ? "refused" : "failed";
      return { step: step.name, ended, reason: failure.reason };
    };
    if (begun > mostBegun)
      return failed(new Error(`the process ended ${mostBegun} times while it was at work`));
    const failure = failureOf(saga, history);
    // Copies: what a handler does to them must not reach the next one.
    const context = structuredClone({
      id,
      input,
      results: resultsOf(saga, history) as StepContext["results"],
      ...(failure && { failed: failure }),
    });
    try {
      const work = runStep(steps, { step: step.name, context });
      const result = await inTime(work, millis(step.timeoutSeconds));
      return { step: step.name, ended: "done", result };
    } catch (error) {
      return failed(error);
    }
  };

  /** Tries until the database has answered, or this process gives up. */
  const noted = async (write: () => Promise<boolean>): Promise<boolean> => {
    for (;;) {
      try {
        return await write();
      } catch (error) {
        onTrouble({ error });
      }
      if (abandoned) return false;
      await sleep(1000, undefined, { ref: false });
    }
  };

  const run = async () => {
    while (!stopping.signal.aborted) {
      let ownership: Ownership | undefined;
      try {
        ownership = await takeOwnership(pool);
        await claimAll(ownership);
        await settled(working, graceMs);
        abandoned = stopping.signal.aborted;
        if (working.size > 0) await store.leave(ownership.id, [...working.keys()]);
      } catch (error) {
        if (!stopping.signal.aborted) onTrouble({ error });
      } finally {
        ownership?.end();
      }
      if (!stopping.signal.aborted)
        await sleep(1000, undefined, { signal: stopping.signal }).catch(() => {});
    }
    abandoned = true;
    alarm.end();
  };

  const claimAll = async ({ id: owner, lost }: Ownership) => {
    let nextRound = 0;
    let nextForget = 0;
    while (!stopping.signal.aborted && !lost.aborted) {
      // Listening before looking: what comes in between rings as well.
      const rung = alarm.next(pollMs);
      if (performance.now() >= nextRound) {
        await store.freeAbandoned();
        nextRound = performance.now() + roundMs;
      }
      if (performance.now() >= nextForget) {
        await store.forget();
        nextForget = performance.now() + forgetMs;
      }
      const free = concurrency - working.size;
      const claimed = free > 0 ? await store.claim(owner, free, [...working.keys()]) : [];
      for (const one of claimed) {
        const work = carry(owner, one)
          .catch((error) => onTrouble({ execution: one.id, error }))
          .finally(() => {
            working.delete(one.id);
            alarm.ring();
          });
        working.set(one.id, work);
      }
      if (!stopping.signal.aborted) await rung;
    }
  };

  const starts = startsOn(pool);
  starts.on(name, alarm.ring);
  const running = run();
  return {
    executions: async (limit) => (await store.newest(limit)).map((one) => viewOf(saga, one)),
    async stop() {
      starts.off(name, alarm.ring);
      stopping.abort();
      alarm.ring();
      await running;
    },
  };
}

/** What the work gives, or an error when its time is over; the work is left to itself then. */
async function inTime<T>(work: Promise<T>, limitMs: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(timedOutReason)),
    Math.min(limitMs, longestTimerMs),
  );
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Returns when all have ended, or the time is over. */
async function settled(working: ReadonlyMap<string, Promise<void>>, graceMs: number) {
  const over = new AbortController();
  const all = (async () => {
    while (working.size > 0) await Promise.all(working.values());
  })();
  await Promise.race([all, sleep(graceMs, undefined, { signal: over.signal }).catch(() => {})]);
  over.abort();
}

/** Wakes one who waits: at once, or after a time. */
function bell() {
  let waiting = Promise.withResolvers<void>();
  const timers = new Set<NodeJS.Timeout>();
  const ring = () => waiting.resolve();
  const later = (ms: number) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      ring();
    }, ms);
    timers.add(timer);
    return timer;
  };
  return {
    ring,
    in: later,
    /** The next ring from now on, after so many milliseconds at the latest. */
    async next(withinMs: number): Promise<void> {
      waiting = Promise.withResolvers<void>();
      const timer = later(withinMs);
      await waiting.promise;
      clearTimeout(timer);
      timers.delete(timer);
    },
    end() {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}
