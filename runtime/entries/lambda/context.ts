/** What Lambda tells an invocation, as far as it is read here. */
export interface LambdaContext {
  /** Milliseconds until the function is stopped. */
  getRemainingTimeInMillis(): number;
}

/** The answer to an event source with ReportBatchItemFailures. */
export interface BatchAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

const longestReserveMs = 2_000;

/** Milliseconds to work in an invocation: a fifth of them, at most 2 s, is kept for the answer. */
export function workingMs(context: LambdaContext): number {
  const remaining = context.getRemainingTimeInMillis();
  return Math.max(0, remaining - Math.min(remaining / 5, longestReserveMs));
}

/** An end that comes whether or not the work is done. */
export interface Deadline {
  /** Aborted when it has come. */
  readonly signal: AbortSignal;
  /** What the work gives; throws when the deadline comes first, and leaves the work to itself. */
  within<T>(work: Promise<T>): Promise<T>;
  /** Everything was in time. */
  end(): void;
}

export function deadlineIn(ms: number): Deadline {
  const controller = new AbortController();
  const passed = Promise.withResolvers<never>();
  passed.promise.catch(() => {});
  const timer = setTimeout(() => {
    const late = new Error(`not done within ${Math.round(ms)} ms; the function was about to end`);
    controller.abort(late);
    passed.reject(late);
  }, ms);
  return {
    signal: controller.signal,
    within: (work) => Promise.race([passed.promise, work]),
    end: () => clearTimeout(timer),
  };
}
