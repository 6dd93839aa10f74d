import type { Throttle } from "../../spec/index.ts";

/**
 * A token bucket: `burst` requests at once, `perSecond` steadily, for all callers together, as the
 * throttle of an API Gateway route. Counted per process.
 * @returns takes a token at a time in milliseconds, which never goes back: 0 where there was one,
 *   else the milliseconds until there is
 */
export function tokenBucket({ perSecond, burst }: Throttle): (now: number) => number {
  let tokens = burst;
  let at: number | undefined;
  return (now) => {
    tokens = Math.min(burst, tokens + ((now - (at ?? now)) / 1000) * perSecond);
    at = now;
    if (tokens >= 1) {
      tokens -= 1;
      return 0;
    }
    return ((1 - tokens) / perSecond) * 1000;
  };
}
