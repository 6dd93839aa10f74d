import { setTimeout as sleep } from "node:timers/promises";
import type { Pool, PoolConfig } from "pg";
import { isPortError } from "../../ports/index.ts";
import { type Fault, faultsOf } from "../faults.ts";
import { type Migration, migrate } from "../migrations.ts";
import { openPool } from "../pool.ts";
import { sqlFault, sqlStateOf } from "../sql-faults.ts";
import { secrets } from "./secrets.ts";
import { iamToken, placeOf } from "./sql.ts";

export interface DatabaseMigrations {
  /** Of the store in system.ts. */
  readonly name: string;
  /** `postgres://<user>@<host>:<port>/<database>`, of the user that workloads connect as. */
  readonly location: string;
  /** See `readMigrations`. */
  readonly migrations: readonly Migration[];
  /** ARN of the secret in which RDS keeps the master user's name and password. */
  readonly masterSecret: string;
  /** Reads what that secret holds. Default: from Secrets Manager */
  readonly secret?: () => Promise<string>;
  /** Gives what stands for the user's password. Default: IAM's */
  readonly token?: () => Promise<string>;
  /** How long a database that refuses, or is not reached, is tried again, in ms. Default: 60,000 */
  readonly patienceMs?: number;
}

interface Master {
  readonly username: string;
  readonly password: string;
}

/** New policies and network rules of AWS take effect within seconds; so long until the next try. */
const pauseMs = 2_000;
/** A statement whose runner is gone (a function's time is 15 min) must not hold its lock for hours. */
const noticeGone = "set client_connection_check_interval = '10s'";

/**
 * Applies the migrations that are due as the user of the location. Where that one cannot sign in
 * yet, the master user makes it and lets it sign in by IAM, all in one transaction; the master's own
 * password may be refused from then on, so nothing else is ever asked of it. Any number may run at a
 * time, and any of them may be ended at any moment: the next begins where it ended.
 * Needs rds-db:connect as the user, and secretsmanager:GetSecretValue on the secret.
 * @returns the files that were applied now
 * @throws as `migrate`, and `denied` where neither of the two may sign in
 */
export async function migrateDatabase(options: DatabaseMigrations): Promise<readonly string[]> {
  const { name, patienceMs = 60_000 } = options;
  const fault = faultsOf("sql", name);
  const until = performance.now() + patienceMs;
  let refused: unknown;
  for (let tried = false; ; ) {
    try {
      return await asUser(fault, options);
    } catch (error) {
      if (isRefused(error) && !tried) {
        tried = true;
        refused = await setUp(fault, options);
        continue;
      }
      if (!isRefused(error) && !isUnreached(error)) throw error;
      if (performance.now() > until) throw refused ? bothRefused(fault, error) : error;
      await sleep(pauseMs);
    }
  }
}

/**
 * {@link migrateDatabase} as the handler of a function that `aws.lambda.Invocation` calls. What it
 * throws goes to the log and to whoever deploys, so it is the message alone: no values, no cause.
 * @example
 * const location = "postgres://spillway@ledger.example.com/ledger";
 * const masterSecret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:ledger";
 * const migrations = [{ file: "0001-orders.sql", text: "create table orders (id text)" }];
 * export const handler = databaseMigrator({ name: "ledger", location, masterSecret, migrations });
 */
export const databaseMigrator =
  (options: DatabaseMigrations) => async (): Promise<{ readonly applied: readonly string[] }> => {
    try {
      return { applied: await migrateDatabase(options) };
    } catch (error) {
      throw new Error((error as Error).message);
    }
  };

async function asUser(fault: Fault, options: DatabaseMigrations): Promise<readonly string[]> {
  const { name, location, migrations, token } = options;
  const place = placeOf(fault, location);
  const password = token ?? (() => iamToken(place));
  return connected({ ...place, password }, (pool) =>
    migrate({ name, pool, migrations, setUp: noticeGone }),
  );
}

/** @returns the error where the master is refused: another one was faster, or it is set up already */
async function setUp(fault: Fault, options: DatabaseMigrations): Promise<unknown> {
  const { user, ...place } = placeOf(fault, options.location);
  const { username, password } = await masterOf(fault, options);
  return connected({ ...place, user: username, password }, async (pool) => {
    const client = await pool.connect();
    try {
      const role = client.escapeIdentifier(user);
      await client.query("begin");
      await client.query("select pg_advisory_xact_lock(hashtextextended('spillway set-up', 0))");
      const { rowCount } = await client.query("select from pg_roles where rolname = $1", [user]);
      if (rowCount === 0) await client.query(`create role ${role} login`);
      const database = client.escapeIdentifier(place.database);
      await client.query(`grant connect on database ${database} to ${role}`);
      await client.query(`grant usage, create on schema public to ${role}`);
      await client.query(`grant rds_iam to ${role}`);
      await client.query("commit");
    } finally {
      client.release(true);
    }
  }).catch((error: unknown) => {
    const failed = sqlFault(fault, error);
    if (isRefused(failed)) return failed;
    throw fault(failed.code, `its user could not be made: ${(error as Error).message}`, error);
  });
}

async function masterOf(fault: Fault, options: DatabaseMigrations): Promise<Master> {
  const { masterSecret, secret } = options;
  const stored = () => secrets({ locations: { master: masterSecret } }).get("master");
  const held = await (secret ?? stored)();
  try {
    const { username, password } = JSON.parse(held) as Master;
    if (typeof username === "string" && typeof password === "string") return { username, password };
  } catch {
    // Whatever the parser says repeats what it was given.
  }
  throw fault("invalid", "its master's secret has no username and password; let RDS manage it");
}

async function connected<T>(config: PoolConfig, work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = openPool({
    ...config,
    max: 1,
    connectionTimeoutMillis: 10_000,
    ssl: { rejectUnauthorized: true },
    application_name: "spillway migrations",
  });
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

/** Whether the database would not let somebody in (SQLSTATE class 28). */
const isRefused = (error: unknown): boolean =>
  isPortError(error, "denied") && sqlStateOf(error.cause)?.startsWith("28") === true;

/** Whether there was no answer at all. */
const isUnreached = (error: unknown): boolean =>
  isPortError(error, "unavailable") && sqlStateOf(error.cause) === undefined;

const bothRefused = (fault: Fault, cause: unknown) =>
  fault(
    "denied",
    "its user may not sign in by IAM, nor may the master user by its password; grant rds_iam to the one as the other, signed in by IAM",
    cause,
  );
