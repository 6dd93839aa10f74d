/** How many requests a container works on at a time. All have defaults. */
export interface LimitOptions {
  /** Never fewer than these. Default: 3 (Envoy's min_concurrency), or the ceiling where that is lower */
  readonly floor?: number;
  /** Never more than these. Default: 200 (concurrency-limits, Gradient2Limit.maxConcurrency) */
  readonly ceiling?: number;
  /** Where it starts, brought between floor and ceiling. Default: 20 (Gradient2Limit) */
  readonly initial?: number;
}

/**
 * Numbers of others, read 2026-11 in the sources of Netflix/concurrency-limits (Gradient2Limit,
 * WindowedLimit) and Envoy (adaptive_concurrency.proto and its filter's documentation).
 */
const numbers = {
  /** Share of the new estimate in the next limit (Gradient2Limit.smoothing). */
  smoothing: 0.2,
  /** Latency that is still no queue, above the one at ease (Envoy: buffer, 25 %). */
  tolerance: 1.25,
  /** Never less than half at once, whatever one window says (Gradient2Limit). */
  steepest: 0.5,
  /** Windows in which a longer latency at ease is learnt (Gradient2Limit.longWindow). */
  longWindow: 600,
  /** Share by which a shorter one is believed (Gradient2Limit: current * 0.9). */
  shorter: 0.1,
  /** Samples without which a window says nothing (WindowedLimit). */
  samples: 10,
  /** Bounds of a window in ms: Envoy's example has 100, WindowedLimit 1,000. */
  shortestWindow: 100,
  longestWindow: 1_000,
  /** Windows in a row with a queue before the latency at ease is measured anew (Envoy). */
  slowWindows: 5,
  /** Samples of such a measurement (Envoy: request_count); of slow ones what comes in a second. */
  measured: 50,
  /** Time between two such measurements in ms (Envoy's example), and its jitter (default 15 %). */
  measureEvery: 60_000,
  jitter: 0.15,
} as const;

/** A limit that follows the latency of what is done under it. */
export interface AdaptiveLimit {
  /** Requests that may be in flight, a whole number. */
  current(): number;
  /** Latency in ms that is taken for that of a container at ease; absent before the first window. */
  atEase(): number | undefined;
  /**
   * A request is done.
   * @param now monotonic, in ms
   * @param ms that it took
   * @param inFlight how many were in flight when it was done, itself included
   * @param failed on our side: quick failures are no sign of a container at ease
   */
  sample(now: number, ms: number, inFlight: number, failed?: boolean): void;
}

/** The bounds of a limit, with their defaults. @throws {RangeError} unless 1 <= floor <= ceiling */
export function boundsOf(options: LimitOptions): Readonly<Record<"floor" | "ceiling", number>> {
  const { floor = Math.min(3, options.ceiling ?? 3) } = options;
  const { ceiling = Math.max(200, floor) } = options;
  if (!(floor >= 1 && floor <= ceiling && Number.isFinite(ceiling)))
    throw new RangeError(`Limit: floor ${floor}, ceiling ${ceiling}; use 1 <= floor <= ceiling`);
  return { floor, ceiling };
}

/**
 * An adaptive concurrency limit by the gradient of latency: it grows by its square root a step while
 * requests take as long as at ease, and shrinks in proportion when they take longer, so that it
 * comes to rest a little above the knee of throughput. What "at ease" is, is learnt only while there
 * is little to do, so that an overload that lasts does not become the measure of itself; where
 * requests stay slow, the limit goes to its floor for at most about a second, to measure it anew.
 * @param random of 0 to 1, so that tasks side by side do not measure at once. Default: Math.random
 * @throws {RangeError} unless 1 <= floor <= ceiling
 */
export function adaptiveLimit(options: LimitOptions = {}, random = Math.random): AdaptiveLimit {
  const { floor, ceiling } = boundsOf(options);
  const { initial = 20 } = options;
  const within = (limit: number) => Math.min(ceiling, Math.max(floor, limit));
  let estimate = within(initial);
  let atEase: number | undefined;
  let slow = 0;
  let window = emptyWindow(Number.NaN);
  let measuring: { from?: number; count: number; total: number; before: number } | undefined;
  let measuredAt = Number.NEGATIVE_INFINITY;

  const close = (now: number, mean: number, most: number) => {
    const isIdle = most < estimate / 2;
    // A container that starts in the midst of an overload does not know itself at ease.
    const isKnown = atEase !== undefined || isIdle;
    atEase = nextAtEase(atEase, mean, isIdle);
    if (!isKnown) measuring = { count: 0, total: 0, before: mean };
    // What is not used need not grow, and does not tell where the knee is.
    if (isIdle || measuring) return;
    const gradient = Math.max(
      numbers.steepest,
      Math.min(1, (atEase * numbers.tolerance) / Math.max(mean, Number.MIN_VALUE)),
    );
    const next = estimate * gradient + Math.sqrt(estimate);
    const smoothed = estimate * (1 - numbers.smoothing) + next * numbers.smoothing;
    // A limit that was not reached has not been tried: it may shrink, and not grow.
    const wasReached = most >= Math.floor(estimate);
    estimate = within(wasReached ? smoothed : Math.min(smoothed, estimate));
    slow = gradient < 1 ? slow + 1 : 0;
    if (slow < numbers.slowWindows || !(Math.abs(now - measuredAt) >= pause)) return;
    measuring = { count: 0, total: 0, before: mean };
  };
  let pause = 0;

  /** A request that began at the floor counts; those from before only make way for it. */
  const measure = (now: number, ms: number, inFlight: number) => {
    const one = measuring as NonNullable<typeof measuring>;
    if (one.from === undefined && inFlight <= floor) one.from = now;
    if (one.from === undefined || now - ms < one.from) return;
    one.count += 1;
    one.total += ms;
    const isLong = now - one.from >= numbers.longestWindow && one.count >= numbers.samples;
    if (one.count < numbers.measured && !isLong) return;
    atEase = one.total / one.count;
    // What took so much longer than at ease was in a queue, and by that much was the limit too high.
    estimate = within(estimate * Math.min(1, (atEase * numbers.tolerance) / one.before));
    measuring = undefined;
    measuredAt = now;
    pause = numbers.measureEvery * (1 + numbers.jitter * random());
    slow = 0;
    window = emptyWindow(now);
  };

  return {
    current: () => (measuring ? floor : Math.floor(estimate)),
    atEase: () => atEase,
    sample(now, ms, inFlight, failed = false) {
      if (!(ms >= 0) || !Number.isFinite(ms)) return;
      if (failed && ms < (atEase ?? Number.POSITIVE_INFINITY)) return;
      if (measuring) return measure(now, ms, inFlight);
      // A clock that went back, or a window that nobody closed for long, has nothing to say.
      const age = now - window.start;
      if (!(age >= 0 && age <= 2 * numbers.longestWindow)) window = emptyWindow(now);
      window.count += 1;
      window.total += ms;
      window.shortest = Math.min(window.shortest, ms);
      window.most = Math.max(window.most, inFlight);
      const length = Math.min(
        numbers.longestWindow,
        Math.max(numbers.shortestWindow, 2 * window.shortest),
      );
      if (now - window.start < length || window.count < numbers.samples) return;
      const { total, count, most } = window;
      window = emptyWindow(now);
      close(now, total / count, most);
    },
  };
}

interface Window {
  start: number;
  count: number;
  total: number;
  shortest: number;
  /** In flight at a time. */
  most: number;
}

const emptyWindow = (start: number): Window => ({
  start,
  count: 0,
  total: 0,
  shortest: Number.POSITIVE_INFINITY,
  most: 0,
});

/** A shorter latency is soon believed; a longer one slowly, and only of a container at ease. */
function nextAtEase(known: number | undefined, mean: number, isAtEase: boolean): number {
  if (known === undefined) return mean;
  if (mean < known) return known + (mean - known) * numbers.shorter;
  return isAtEase ? known + (mean - known) / numbers.longWindow : known;
}
