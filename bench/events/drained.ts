import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Pool } from "pg";
import { PgBoss } from "pg-boss";
import { payloadOf } from "../../runtime/adapters/local/boss.ts";

/** A queue of pg-boss, seen from outside of who works on it. */
export interface Watched {
  /** Puts messages in, all at once, and waits until none is left. @returns messages per second */
  drained(messages: number, begin?: () => void): Promise<number>;
  close(): Promise<void>;
}

/** How often it is looked whether the first was taken, or the last is gone, in milliseconds. */
const lookMs = 5;
/** After which it is given up, in milliseconds. */
const patienceMs = 120_000;

/**
 * Watches a queue in the database itself, the same way for all that are compared.
 * @param schema of a pg-boss that has this queue, or will have it in a moment
 */
export async function watch(pool: Pool, schema: string, name: string): Promise<Watched> {
  const boss = new PgBoss({
    db: { executeSql: (text, values) => pool.query(text, values) },
    schema,
    supervise: false,
    schedule: false,
    migrate: false,
  });
  boss.on("error", () => {});
  await boss.start();
  const first = async <T extends object>(sql: string): Promise<T> =>
    (await pool.query<T>(sql, [name])).rows[0] as T;
  const open = `from ${schema}.job where name = $1 and state <= 'active'`;
  const until = async (what: string, holds: () => Promise<boolean>) => {
    for (const end = performance.now() + patienceMs; !(await holds()); await wait(lookMs))
      if (performance.now() > end) throw new Error(`bench: queue ${name}: not ${what}`);
  };
  await until("there", async () => (await boss.getQueue(name)) !== null);
  return {
    async drained(messages, begin = () => {}) {
      // What earlier rounds left behind, of messages that are done and of rows that are gone.
      await pool.query(`delete from ${schema}.job where name = $1 and state > 'active'`, [name]);
      await pool.query(`vacuum ${schema}.job`);
      await boss.insert(
        name,
        Array.from({ length: messages }, (_, index) => {
          const body = JSON.stringify({ index, note: "a message of the usual size".repeat(5) });
          return { id: randomUUID(), data: payloadOf(body) };
        }),
      );
      begin();
      let left = messages;
      await until("begun", async () => {
        const sql = `select count(*)::int as left ${open} and state < 'active'`;
        ({ left } = await first<{ left: number }>(sql));
        return left < messages;
      });
      const start = performance.now();
      await until("emptied", async () => {
        const { some } = await first<{ some: boolean }>(`select exists(select ${open}) as some`);
        return !some;
      });
      return left / ((performance.now() - start) / 1000);
    },
    close: () => boss.stop({ graceful: false }),
  };
}
