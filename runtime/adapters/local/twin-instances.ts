/** One that answers a call at a time. */
export interface Instance {
  readonly thread: number;
  /** Its first call has to wait until it has started. */
  isNew: boolean;
  idleSince: number;
}

/**
 * Instances of a function as a cloud keeps them: as many as calls were ever made at a time, the one
 * that was used last first, gone when they were idle for long.
 */
export function instancesOf(options: {
  readonly threads: number;
  readonly concurrency: number;
  readonly idleMs: number;
}) {
  const { threads, concurrency, idleMs } = options;
  let idle: Instance[] = [];
  let busy = 0;
  let coldStarts = 0;
  return {
    snapshot: () => ({ instances: idle.length + busy, busy, coldStarts }),
    /** @returns `undefined` where all are at work */
    take(now: number): Instance | undefined {
      if (busy >= concurrency) return undefined;
      idle = idle.filter(({ idleSince }) => now - idleSince < idleMs);
      busy += 1;
      const warm = idle.pop();
      if (warm) return warm;
      return { thread: coldStarts++ % threads, isNew: true, idleSince: now };
    },
    give(instance: Instance, now: number): void {
      busy -= 1;
      instance.isNew = false;
      instance.idleSince = now;
      idle.push(instance);
    },
  };
}
