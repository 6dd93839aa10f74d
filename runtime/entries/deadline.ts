/** An end for work that may have none of its own. */
export interface Deadline {
  /** Aborted when the end comes, or is announced. */
  readonly signal: AbortSignal;
  /** What the work gives; throws when the end comes first, and leaves the work to itself. */
  within<T>(work: Promise<T>): Promise<T>;
  /** Tells the work to come to its end, and gives it the time that is left. */
  announce(reason: Error): void;
  /** The end is now. */
  pass(reason: Error): void;
  /** The work has ended: nothing comes any more. */
  end(): void;
}

/** @param ms until the end comes by itself. Default: it does not */
export function deadlineIn(ms?: number): Deadline {
  const controller = new AbortController();
  const passed = Promise.withResolvers<never>();
  passed.promise.catch(() => {});
  const pass = (reason: Error) => {
    controller.abort(reason);
    passed.reject(reason);
  };
  const late = () => pass(new Error(`it was not done within ${Math.round(ms ?? 0)} ms`));
  const timer = ms === undefined ? undefined : setTimeout(late, ms);
  return {
    signal: controller.signal,
    within: (work) => Promise.race([passed.promise, work]),
    announce: (reason) => controller.abort(reason),
    pass,
    end: () => clearTimeout(timer),
  };
}
