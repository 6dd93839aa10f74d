import { readFileSync } from "node:fs";
import path from "node:path";
import { Client } from "pg";

/** What is stored and not done yet. */
export interface InFlight {
  /** Messages that a consumer works on. */
  readonly active: number;
  /** Messages that wait, for a consumer or for their next try. */
  readonly waiting: number;
  /** Executions of workflows that run. */
  readonly executions: number;
  /** Changes that a reader has not read, and objects whose event is not told. */
  readonly untold: number;
  readonly total: number;
}

/** A connection to the database of a host that runs, beside the host's own. */
export interface Database {
  rows<T extends object>(sql: string, values?: readonly unknown[]): Promise<T[]>;
  /** @param unread queues that nobody consumes on this machine */
  inFlight(unread: readonly string[]): Promise<InFlight>;
  close(): Promise<void>;
}

/**
 * Connects with the password that the host keeps in its folder, to the port that Postgres notes in
 * its own (PostgreSQL, "Database File Layout": postmaster.pid, fourth line).
 * @param data the host's data folder
 */
export async function openDatabase(data: string): Promise<Database> {
  const folder = path.join(data, "postgres");
  const port = readFileSync(path.join(folder, "data/postmaster.pid"), "utf8").split("\n")[3];
  const client = new Client({
    host: "127.0.0.1",
    port: Number(port),
    user: "spillway",
    database: "postgres",
    password: readFileSync(path.join(folder, "password"), "utf8"),
    connectionTimeoutMillis: 5_000,
  });
  // It ends with the server, as that does with the host.
  client.on("error", () => {});
  await client.connect();
  const rows = async <T extends object>(sql: string, values: readonly unknown[] = []) =>
    (await client.query<T>(sql, [...values])).rows;
  return {
    rows,
    async inFlight(unread) {
      const [found] = await rows<Omit<InFlight, "total">>(
        `select count(*) filter (where state = 'active')::int as active,
           count(*) filter (where state < 'active')::int as waiting,
           (select count(*)::int from spillway.executions where status = 'running') as executions,
           (select count(*)::int from spillway.changes)
             + (select count(*)::int from spillway.object_notes) as untold
         from spillway_queues.job
         where name not like '%.dead' and name <> all($1) and state <= 'active'
           -- What is meant for another day is not in flight.
           and start_after < now() + interval '1 hour'`,
        [unread],
      );
      const counts = found ?? { active: 0, waiting: 0, executions: 0, untold: 0 };
      const { active, waiting, executions, untold } = counts;
      return { ...counts, total: active + waiting + executions + untold };
    },
    close: () => client.end().catch(() => {}),
  };
}
