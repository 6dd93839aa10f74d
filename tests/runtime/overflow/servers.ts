import type { AdaptiveLimit } from "../../../runtime/overflow/limit.ts";

/** A server that is simulated: so many requests at a time, each so long; others wait for their turn. */
export interface Model {
  readonly workers: number;
  /** Of one request, in ms, at a time in ms. */
  readonly serviceMs: (now: number) => number;
}

export interface Run {
  /** The limit's course: one figure for each request that was done. */
  readonly limits: readonly { readonly at: number; readonly limit: number }[];
  readonly done: number;
}

/**
 * Offers more than the server can do, from 0 ms on: as many requests are in flight as the limit lets in.
 * @param clock what the limit is told, of the time that it is
 */
export function overload(
  limit: AdaptiveLimit,
  { workers, serviceMs }: Model,
  untilMs: number,
  clock: (now: number) => number = (now) => now,
): Run {
  const free = Array.from({ length: workers }, () => 0);
  const inFlight: { readonly began: number; readonly ends: number }[] = [];
  const limits: { at: number; limit: number }[] = [];
  let now = 0;
  while (now < untilMs) {
    while (inFlight.length < limit.current()) {
      let worker = 0;
      for (let i = 1; i < workers; i++)
        if ((free[i] as number) < (free[worker] as number)) worker = i;
      const starts = Math.max(now, free[worker] as number);
      const ends = starts + serviceMs(starts);
      free[worker] = ends;
      inFlight.push({ began: now, ends });
    }
    let next = 0;
    for (let i = 1; i < inFlight.length; i++)
      if ((inFlight[i]?.ends ?? 0) < (inFlight[next]?.ends ?? 0)) next = i;
    const [one] = inFlight.splice(next, 1);
    if (!one) throw new Error("a limit below 1");
    now = one.ends;
    limit.sample(clock(now), clock(now) - clock(one.began), inFlight.length + 1);
    limits.push({ at: now, limit: limit.current() });
  }
  return { limits, done: limits.length };
}

/** Of the requests done after a time: the middle one of the limits. */
export function settled({ limits }: Run, afterMs: number): number {
  const late = limits.filter(({ at }) => at > afterMs).map(({ limit }) => limit);
  return late.sort((a, b) => a - b)[Math.floor(late.length / 2)] ?? Number.NaN;
}

/** Numbers of 0 to 1 that are the same in each run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
