/** Waits that can be cut short. */
export interface Pauses {
  /** Goes up with each `wake`. */
  readonly wakes: number;
  /** Ends all waits, and those to come that were decided on before. */
  wake(): void;
  /** @param since what `wakes` was when the wait was decided on. Default: now */
  wait(ms: number, since?: number): Promise<void>;
}

export function pauses(): Pauses {
  const waiting = new Set<() => void>();
  let wakes = 0;
  return {
    get wakes() {
      return wakes;
    },
    wake() {
      wakes++;
      for (const end of waiting) end();
    },
    wait(ms, since = wakes) {
      if (since !== wakes) return Promise.resolve();
      return new Promise((resolve) => {
        const end = () => {
          clearTimeout(timer);
          waiting.delete(end);
          resolve();
        };
        const timer = setTimeout(end, ms);
        waiting.add(end);
      });
    },
  };
}
