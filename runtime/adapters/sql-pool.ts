import type { PoolClient, PoolConfig, QueryResult } from "pg";
import type { Fault } from "./faults.ts";
import { openPool } from "./pool.ts";
import { sqlStateOf } from "./sql-faults.ts";

/** Connections of a process, and of a function, which answers one call at a time. */
const ofProcess = 5;
const ofFunction = 1;
/** Calls that may wait for each connection; the next is told at once that it cannot be served. */
const waitingForEach = 100;
/** How long a call waits for a connection, in milliseconds, a new one included. */
const connectMs = 3_000;
/** How long the server works on one statement, and how long its answer is waited for. */
const statementMs = 10_000;
const answerMs = 12_000;
/** A transaction that says nothing for so long is ended by the server, with its locks. */
const silentMs = 30_000;
/** A connection that lay unused for longer is not trusted: a function may have been frozen with it. */
const idleMs = 30_000;

/** A connection that is one's own for a while. */
export interface Session {
  /**
   * Runs one statement, always with the protocol that takes no more than one.
   * @throws what the driver throws
   */
  run(text: string, values?: readonly unknown[]): Promise<QueryResult>;
}

/** Connections that heal by themselves, and that never make a caller wait for long. */
export interface SqlPool {
  /** Runs `work` with a connection of its own; the connection is closed where it cannot be reused. */
  use<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Waits for those in use, then closes all. */
  close(): Promise<void>;
}

/**
 * A bounded pool. Statements take 10 s at most, a connection is waited for 3 s at most.
 * @param config where to connect and as whom. `max` connections: default 5, on a function 1
 */
export function sqlPool(fault: Fault, config: PoolConfig): SqlPool {
  const max = config.max ?? (process.env.AWS_LAMBDA_FUNCTION_NAME ? ofFunction : ofProcess);
  const pool = openPool({
    application_name: "spillway",
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    query_timeout: answerMs,
    idle_in_transaction_session_timeout: silentMs,
    idleTimeoutMillis: idleMs,
    keepAlive: true,
    allowExitOnIdle: true,
    ...config,
    max,
  });
  const usedAt = new WeakMap<PoolClient, number>();
  let closing: Promise<void> | undefined;

  async function connected(): Promise<PoolClient> {
    if (closing) throw fault("unavailable", "it is closed; its process is ending");
    for (;;) {
      if (pool.waitingCount >= max * waitingForEach)
        throw fault("unavailable", `${pool.waitingCount} calls wait for it; try again later`);
      const client = await pool.connect();
      // By the wall clock: the other one stands still while a function is frozen.
      const unused = Math.abs(Date.now() - (usedAt.get(client) ?? Date.now()));
      if (unused < idleMs) return client;
      client.release(true);
    }
  }

  return {
    async use(work) {
      const client = await connected();
      let broken = false;
      const run = async (text: string, values: readonly unknown[] = []) => {
        try {
          return await client.query({ text, values: [...values], queryMode: "extended" } as Asked);
        } catch (error) {
          broken ||= endsConnection(error);
          throw error;
        }
      };
      try {
        return await work({ run });
      } finally {
        usedAt.set(client, Date.now());
        // Whatever happened: only a connection outside of any transaction goes to the next caller.
        client.release(broken || client.getTransactionStatus() !== "I");
      }
    },
    close() {
      closing ??= pool.end();
      return closing;
    },
  };
}

/** A statement as the driver takes it; its types do not know of the mode. */
type Asked = { readonly text: string; readonly values: unknown[] };

/**
 * After an error that is not Postgres' own nobody knows what the next answer belongs to; class 57P
 * is the server's farewell, 25006 that of a primary which is none any more.
 */
const endsConnection = (error: unknown): boolean =>
  /^(57P|25006|08)/.test(sqlStateOf(error) ?? "57P");
