import { setTimeout as wait } from "node:timers/promises";
import type { Pool } from "pg";
import { openPool } from "../pool.ts";
import { startCluster } from "./cluster.ts";

export { migrate } from "./migrate.ts";

/** A database that is up. */
export interface Postgres {
  /** With the password: not for logs. */
  readonly url: string;
  readonly pool: Pool;
  /**
   * Closes the pool, for which it waits 5 s at most, and stops the server that was started here.
   * Committed data stays.
   * @throws {Error} where that server had ended by itself and could not be started again
   */
  stop(): Promise<void>;
}

/** Connections of one process; Postgres itself takes 100. */
const connections = 20;
/** How long a stop waits for connections that are in use. */
const graceMs = 5_000;

/**
 * Starts a Postgres whose data is in `folder`, or uses the one of DATABASE_URL and starts nothing.
 *
 * The server listens on loopback only and asks for a password that is made once and kept in the
 * folder. One process owns it at a time. Where that process dies without `stop`, even by SIGKILL,
 * the server stops itself; where that failed too, the next start stops it and starts anew. A server
 * that ends by itself is started again, at the same port, with a line on standard error. What
 * was committed is there in each case: fsync and synchronous_commit are on.
 * @param folder for this database alone; made where it is missing, readable by its owner alone
 * @throws {Error} with the remedy, where the folder is in use or the server does not start
 */
export async function startPostgres(folder: string): Promise<Postgres> {
  const given = process.env.DATABASE_URL;
  const server = given ? undefined : await startCluster(folder);
  const url = given || (server?.url ?? "");
  const pool = openPool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: 10_000,
    application_name: "spillway",
  });
  try {
    await pool.query("select 1");
  } catch (cause) {
    await pool.end();
    await server?.stop();
    throw new Error(
      `Postgres "${given ? "DATABASE_URL" : folder}": no connection; check that it runs and takes the password`,
      { cause },
    );
  }
  return {
    url,
    pool,
    async stop() {
      await Promise.race([pool.end(), wait(graceMs, undefined, { ref: false })]);
      await server?.stop();
    },
  };
}
