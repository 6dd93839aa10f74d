import { setTimeout as wait } from "node:timers/promises";
import type { Queries, Sql, SqlValue } from "../ports/index.ts";
import type { Fault } from "./faults.ts";
import { isContended, sqlFault } from "./sql-faults.ts";
import type { Session, SqlPool } from "./sql-pool.ts";
import { checkStatement } from "./sql-statement.ts";

/** What hosts end when they drain. */
export interface SqlAdapter extends Sql {
  /** Waits for what is at work, then closes the connections; what comes later is `unavailable`. */
  close(): Promise<void>;
}

/** Of a transaction, or a statement, that others were in the way of: with its waits, 1 s at most. */
const tries = 6;

/** The sql port on a pool: the same for every host, whatever it connects with. */
export function sqlOn(fault: Fault, pool: SqlPool): SqlAdapter {
  return {
    async query<Row extends object>(text: string, values: readonly SqlValue[] = []) {
      checkStatement(fault, text, values);
      try {
        // Where others were in the way it was undone, so that it may be run again.
        const run = () => pool.use((session) => session.run(text, values));
        return (await whileContended(run, isContended)).rows as Row[];
      } catch (error) {
        throw sqlFault(fault, error, text);
      }
    },

    transaction(work) {
      let contended = false;
      const run = () =>
        pool
          .use(async (session) => {
            contended = false;
            const noted = (error: unknown) => {
              contended ||= isContended(error);
            };
            return inTransaction(fault, session, work, noted);
          })
          .catch((error: unknown) => {
            // What `work` threw is the caller's own, and stays as it is.
            throw error instanceof FromWork ? error.thrown : sqlFault(fault, error);
          });
      return whileContended(run, () => contended);
    },

    close: () => pool.close(),
  };
}

/** Marks what `work` threw on its way through the pool. */
class FromWork {
  readonly thrown: unknown;
  constructor(thrown: unknown) {
    this.thrown = thrown;
  }
}

async function inTransaction<T>(
  fault: Fault,
  session: Session,
  work: (tx: Queries) => Promise<T>,
  noted: (error: unknown) => void,
): Promise<T> {
  const scope = scopeOf(fault, session, noted);
  await session.run("begin");
  let result: T;
  try {
    result = await work({ query: scope.query });
  } catch (thrown) {
    await scope.end();
    // Where this fails too, the connection is closed, which undoes as well.
    await session.run("rollback").catch(() => {});
    throw new FromWork(thrown);
  }
  await scope.end();
  const { command } = await session.run("commit").catch((error: unknown) => {
    noted(error);
    throw error;
  });
  // Postgres answers so, and without an error, where a statement of it had failed unheeded.
  if (command === "ROLLBACK")
    throw scope.failure() ?? fault("invalid", "its transaction had failed; let its error through");
  return result;
}

/** The statements of one transaction, one after the other, until it is over. */
function scopeOf(fault: Fault, session: Session, noted: (error: unknown) => void) {
  let last: Promise<unknown> = Promise.resolve();
  let over = false;
  let failed: unknown;
  const one = async (text: string, values: readonly SqlValue[]) => {
    try {
      return await session.run(text, values);
    } catch (error) {
      noted(error);
      const thrown = sqlFault(fault, error, text);
      failed ??= thrown;
      throw thrown;
    }
  };
  return {
    async query<Row extends object>(text: string, values: readonly SqlValue[] = []) {
      checkStatement(fault, text, values);
      if (over) throw fault("invalid", "its transaction is over; await what belongs into it");
      const turn = last.then(() => one(text, values));
      last = turn.catch(() => {});
      return (await turn).rows as Row[];
    },
    /** No more statements; those that were begun are waited for. */
    async end() {
      over = true;
      await last;
    },
    failure: () => failed,
  };
}

async function whileContended<T>(
  run: () => Promise<T>,
  isInTheWay: (error: unknown) => boolean,
): Promise<T> {
  for (let n = 1; ; n++) {
    try {
      return await run();
    } catch (error) {
      if (n === tries || !isInTheWay(error)) throw error;
    }
    await wait(Math.random() * Math.min(20 * 2 ** n, 400));
  }
}
