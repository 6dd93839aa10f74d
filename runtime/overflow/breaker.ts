export type BreakerState = "closed" | "open" | "half-open";

/** When calls to the twin are given up for a while. All have defaults: those of Hystrix. */
export interface BreakerOptions {
  /** Calls within the last 10 s below which their failures say nothing. Default: 20 */
  readonly volume?: number;
  /** Share of failures at which it opens. Default: 0.5 */
  readonly failureShare?: number;
  /** How long it stays open before a probe, in ms. Default: 5,000 */
  readonly openMs?: number;
}

/** Rolling statistics: 10 s in buckets of 1 s (Hystrix wiki, "Configuration", read 2026-11). */
const bucketMs = 1_000;
const buckets = 10;

/**
 * Says how a call ended, `undefined` where that says nothing of the twin. Heard once, and not by a
 * breaker that has opened or closed since.
 */
export type Ended = (ok: boolean | undefined, now: number) => void;

export interface Breaker {
  state(now: number): BreakerState;
  /** Asks for a call. @returns how to say its end, or `undefined` where none may be made */
  call(now: number): Ended | undefined;
  /** Until a probe may be made, in ms; 0 where calls may be. */
  retryMs(now: number): number;
}

/**
 * A circuit breaker: opens when of enough calls too many fail, lets one probe through after a while,
 * and closes with the first that succeeds. Times are monotonic, in ms.
 */
export function breaker(options: BreakerOptions = {}): Breaker {
  const { volume = 20, failureShare = 0.5, openMs = 5_000 } = options;
  let counts: { readonly slot: number; ok: number; failed: number }[] = [];
  let openedAt: number | undefined;
  let probing = false;
  let era = 0;

  const slotOf = (now: number) => Math.floor(now / bucketMs);
  const turn = (opened: number | undefined) => {
    openedAt = opened;
    probing = false;
    counts = [];
    era += 1;
  };
  const note = (ok: boolean, now: number) => {
    const slot = slotOf(now);
    counts = counts.filter((one) => one.slot > slot - buckets && one.slot <= slot);
    let bucket = counts.find((one) => one.slot === slot);
    if (!bucket) {
      bucket = { slot, ok: 0, failed: 0 };
      counts.push(bucket);
    }
    bucket[ok ? "ok" : "failed"] += 1;
    const failed = counts.reduce((sum, one) => sum + one.failed, 0);
    const all = failed + counts.reduce((sum, one) => sum + one.ok, 0);
    if (all >= volume && failed / all >= failureShare) turn(now);
  };
  const retryMs = (now: number) =>
    openedAt === undefined ? 0 : Math.max(0, openedAt + openMs - now);

  return {
    retryMs,
    state: (now) => (openedAt === undefined ? "closed" : retryMs(now) > 0 ? "open" : "half-open"),
    call(now) {
      const isProbe = openedAt !== undefined;
      if (isProbe && (probing || retryMs(now) > 0)) return undefined;
      if (isProbe) probing = true;
      const begun = era;
      let told = false;
      return (ok, end) => {
        if (told || begun !== era) return;
        told = true;
        if (ok === undefined) probing = probing && !isProbe;
        else if (!isProbe) note(ok, end);
        else turn(ok ? undefined : end);
      };
    },
  };
}
