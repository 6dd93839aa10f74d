/** Of requests above the limit: how many may wait for a slot, and how long. All have defaults. */
export interface WaitOptions {
  /** Default: as many as there are slots */
  readonly waiting?: number;
  /** Longest wait for a slot, in ms. Default: 1,000 */
  readonly waitMs?: number;
}

/** Where a request stands that was given no slot at once. */
export interface Turn {
  /** True when it has a slot, false when it is not to have one. */
  readonly granted: Promise<boolean>;
  /** It waits no longer; a slot that it was given meanwhile must still be left. */
  giveUp(): void;
}

export interface Slots {
  /** Takes a slot where one is free and nobody waits for it. */
  enter(): boolean;
  /** Gives it back, or on to the one that has waited longest. */
  leave(): void;
  /**
   * Waits for a slot, if it is likely to come in time.
   * @param ms until which it must have come
   * @returns `undefined` where waiting would be in vain
   */
  queue(ms: number, typicalMs: number): Turn | undefined;
  /** How long one more would wait, in ms, where a request takes `typicalMs`. */
  expectedMs(typicalMs: number): number;
  readonly inFlight: () => number;
  readonly waiting: () => number;
}

/** The slots of a container: as many as the limit says at the moment, first come first served. */
export function slots(limit: () => number, { waiting, waitMs = 1_000 }: WaitOptions = {}): Slots {
  let inFlight = 0;
  /** In the order of a Set, which is that of arrival. */
  const line = new Set<(granted: boolean) => void>();

  const expectedMs = (typicalMs: number) => ((line.size + 1) * typicalMs) / Math.max(1, limit());
  /** Slots that became free by leaving, or by a limit that grew. */
  const grant = () => {
    for (const next of line) {
      if (inFlight >= limit()) return;
      line.delete(next);
      inFlight += 1;
      next(true);
    }
  };
  return {
    inFlight: () => inFlight,
    waiting: () => line.size,
    expectedMs,
    enter() {
      if (line.size > 0) grant();
      if (line.size > 0 || inFlight >= limit()) return false;
      inFlight += 1;
      return true;
    },
    leave() {
      inFlight -= 1;
      if (line.size > 0) grant();
    },
    queue(ms, typicalMs) {
      const longest = Math.min(ms, waitMs);
      if (line.size >= (waiting ?? limit()) || expectedMs(typicalMs) > longest) return undefined;
      const { promise: granted, resolve } = Promise.withResolvers<boolean>();
      line.add(resolve);
      const giveUp = () => {
        clearTimeout(timer);
        if (line.delete(resolve)) resolve(false);
      };
      const timer = setTimeout(giveUp, longest);
      void granted.then(() => clearTimeout(timer));
      return { granted, giveUp };
    },
  };
}
