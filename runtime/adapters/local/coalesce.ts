/** Items that wait for their turn, and how to answer them. */
interface Waiting<T> {
  readonly item: T;
  readonly bytes: number;
  done(): void;
  failed(error: unknown): void;
}

interface Limits {
  readonly items?: number;
  readonly bytes?: number;
  readonly flushes?: number;
}

/**
 * Turns many calls at the same time into few: what comes while `flush` is at work goes together
 * in the next one. A single call waits for nothing. Answered means that its flush has ended.
 * @param flush takes the items of one batch; where it fails, all of them fail
 * @param limits of one batch, items and bytes together; and batches at the same time. Default: one,
 *   which keeps the order
 */
export function coalesce<T>(
  flush: (items: readonly T[]) => Promise<void>,
  { items = 500, bytes: most = 4_194_304, flushes = 1 }: Limits = {},
): (item: T, bytes?: number) => Promise<void> {
  const waiting: Waiting<T>[] = [];
  let busy = 0;

  const nextBatch = () => {
    let bytes = 0;
    let count = 0;
    for (const one of waiting) {
      bytes += one.bytes;
      if (count === items || (count > 0 && bytes > most)) break;
      count++;
    }
    return waiting.splice(0, count);
  };

  const run = async () => {
    busy++;
    // One turn of the event loop: callers that start together share the first batch too.
    await new Promise((turn) => setImmediate(turn));
    while (waiting.length > 0) {
      const batch = nextBatch();
      try {
        await flush(batch.map((one) => one.item));
        for (const one of batch) one.done();
      } catch (error) {
        for (const one of batch) one.failed(error);
      }
    }
    busy--;
  };

  return (item, bytes = 0) =>
    new Promise((done, failed) => {
      waiting.push({ item, bytes, done, failed });
      if (busy < flushes) void run();
    });
}
