import { setTimeout as wait } from "node:timers/promises";
import { Client } from "pg";

export interface StopOptions {
  /** Whether the database does not answer. */
  readonly isAway: () => Promise<boolean>;
  /** How long ends may take whatever the database does, in milliseconds. Default: 30,000 */
  readonly graceMs?: number;
  /** How often it is asked after that, in milliseconds. Default: 1,000 */
  readonly everyMs?: number;
}

/**
 * Ends what was started, one after the other, whatever one of them throws. What needs the database
 * is waited for as long as that answers; without it, until the grace is over.
 * @throws the first that an end threw; {Error} where it was given up
 */
export async function endAll(
  ends: readonly (() => unknown)[],
  { isAway, graceMs = 30_000, everyMs = 1_000 }: StopOptions,
): Promise<void> {
  const over = new AbortController();
  const faults: unknown[] = [];
  const ending = (async () => {
    for (const end of ends) {
      try {
        await end();
      } catch (error) {
        faults.push(error);
      }
    }
  })();
  const givenUp = (async () => {
    await wait(graceMs, undefined, { signal: over.signal });
    while (!(await isAway())) await wait(everyMs, undefined, { signal: over.signal });
    faults.push(
      new Error("stop: the database does not answer; what still waited for it is cut off"),
    );
  })().catch(() => {});
  await Promise.race([ending, givenUp]);
  over.abort();
  if (faults.length > 0) throw faults[0];
}

/** Whether a database does not answer within two seconds. */
export async function isDatabaseAway(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on("error", () => {});
  const asked = (async () => {
    await client.connect();
    await client.query("select 1");
    return false;
  })().catch(() => true);
  const late = wait(2_000, true, { ref: false });
  return Promise.race([asked, late]).finally(() => void client.end().catch(() => {}));
}
