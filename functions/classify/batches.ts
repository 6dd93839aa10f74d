export interface BatchOptions<In, Out> {
  /** Works on several at once: one result for each, in their order. */
  readonly work: (items: readonly In[]) => Promise<readonly Out[]>;
  /** Items of a batch, at most. */
  readonly most: number;
  /** How long the first waits for others to come, in ms. */
  readonly waitMs: number;
}

/**
 * Brings together what comes within a moment, and works on it at once; one batch at a time. Where
 * the work fails, all of its batch fail.
 * @example
 * const double = batched({ work: async (n: readonly number[]) => n.map((x) => x * 2), most: 16, waitMs: 5 });
 * await Promise.all([double(1), double(2)]);
 */
export function batched<In, Out>({ work, most, waitMs }: BatchOptions<In, Out>) {
  interface Waiting {
    readonly item: In;
    resolve(result: Out): void;
    reject(error: unknown): void;
  }
  const waiting: Waiting[] = [];
  let running = false;
  let timer: NodeJS.Timeout | undefined;

  const run = async () => {
    clearTimeout(timer);
    timer = undefined;
    running = true;
    const batch = waiting.splice(0, most);
    try {
      const results = await work(batch.map(({ item }) => item));
      for (const [at, { resolve }] of batch.entries()) resolve(results[at] as Out);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    running = false;
    schedule();
  };
  const schedule = () => {
    if (running || waiting.length === 0) return;
    if (waiting.length >= most) void run();
    else timer ??= setTimeout(run, waitMs);
  };
  return (item: In): Promise<Out> =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      schedule();
    });
}
