/**
 * Runs pieces of work, so many at a time; the others wait for their turn.
 * @param atOnce how many, from 1
 */
export function limited(atOnce: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running < atOnce) running++;
    // Who ends hands its place on, so that nobody overtakes.
    else await new Promise<void>((done) => waiting.push(done));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
