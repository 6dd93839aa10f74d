/** Lets work begin only so far ahead of the kills, and says when so much of it was answered. */
export interface Pace {
  /** Returns when work at this share of the whole may begin. */
  turn(share: number): Promise<void>;
  /** Work up to this share may begin. */
  allow(share: number): void;
  /** One more was answered. */
  answered(): void;
  /** Returns when this share was answered. */
  reached(share: number): Promise<void>;
}

/** @param whole how many answers there will be */
export function paceOf(whole: number): Pace {
  let allowed = 0;
  let count = 0;
  let changed = Promise.withResolvers<void>();
  const change = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await changed.promise;
  };
  return {
    turn: (share) => until(() => share < allowed),
    allow(share) {
      allowed = Math.max(allowed, share);
      change();
    },
    answered() {
      count += 1;
      change();
    },
    reached: (share) => until(() => count >= Math.floor(share * whole)),
  };
}
