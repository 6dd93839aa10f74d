import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { Signer } from "@aws-sdk/rds-signer";
import type { PoolConfig } from "pg";
import { type Fault, faultsOf } from "../faults.ts";
import { type Migration, migrate } from "../migrations.ts";
import { openPool } from "../pool.ts";
import { type SqlAdapter, sqlOn } from "../sql.ts";
import { sqlPool } from "../sql-pool.ts";
import { lazy } from "./client.ts";
import { answerOf } from "./errors.ts";

export interface SqlOptions {
  readonly name: string;
  /**
   * `postgres://<user>@<host>:<port>/<database>`: there is no password to it. With `?pooled` it is a
   * proxy, which takes none of a session's settings as it connects: time limits are then the role's.
   */
  readonly location: string;
  /** Connections of this process. Default: 5, on a function 1 */
  readonly connections?: number;
  /** Gives what stands for a password, for each new connection. Default: IAM's */
  readonly token?: () => Promise<string>;
}

const credentials = lazy(() => defaultProvider());

/**
 * The sql port on RDS for PostgreSQL, with IAM for a password: each new connection signs a token,
 * which is good for connecting within 15 minutes and lets the connection last. TLS
 * with the server's name checked; Amazon's authorities are in the file of NODE_EXTRA_CA_CERTS.
 * Needs rds-db:connect on the database user.
 * @throws `invalid` for a location that is none
 */
export function sql(options: SqlOptions): SqlAdapter {
  const { name, connections: max } = options;
  const fault = faultsOf("sql", name);
  const connection = connectionOf(fault, options);
  return sqlOn(fault, sqlPool(fault, { ...connection, ...(max === undefined ? {} : { max }) }));
}

/**
 * Applies the migrations that are due, as the location's user, who owns what they make.
 * @returns the files that were applied now
 * @throws as `migrate`
 */
export async function prepareSql(
  options: Omit<SqlOptions, "connections"> & { readonly migrations: readonly Migration[] },
): Promise<readonly string[]> {
  const { name, migrations } = options;
  const connection = connectionOf(faultsOf("sql", name), options);
  const pool = openPool({
    ...connection,
    options: patient,
    max: 1,
    connectionTimeoutMillis: 10_000,
  });
  try {
    return await migrate({ name, pool, migrations });
  } finally {
    await pool.end();
  }
}

function connectionOf(fault: Fault, { location, token }: SqlOptions): PoolConfig {
  const place = placeOf(fault, location);
  return {
    ...place,
    ...(isPooled(location) && unlimited),
    password: token ?? (() => answerOf(fault, iamToken(place))),
    ssl: { rejectUnauthorized: true },
  };
}

/** Migrations take as long as they take, whatever limits their role has for the sake of proxies. */
const patient = "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0";
/** What proxies refuse at the start of a session (RDS Proxy: "unsupported startup parameter"). */
const unlimited = { statement_timeout: undefined, idle_in_transaction_session_timeout: undefined };
const isPooled = (location: string): boolean => new URL(location).searchParams.has("pooled");

export interface SqlPlace {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

/** The parts of a location. @throws `invalid` for one with a part missing, or with a password */
export function placeOf(fault: Fault, location: string): SqlPlace {
  const url = URL.canParse(location) ? new URL(location) : undefined;
  const database = decodeURIComponent(url?.pathname.slice(1) ?? "");
  const user = decodeURIComponent(url?.username ?? "");
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || !url.hostname || !user || !database)
    throw fault("invalid", "its location is no postgres://user@host:port/database; deploy it");
  if (url.password !== "")
    throw fault("invalid", "its location has a password; IAM needs none, so leave it out");
  return { host: url.hostname, port: Number(url.port || 5432), user, database };
}

/** A password for one connection: a signature of this moment. It is computed here, without a call. */
export const iamToken = ({ host, port, user }: SqlPlace): Promise<string> =>
  new Signer({
    hostname: host,
    port,
    username: user,
    credentials: credentials(),
  }).getAuthToken();
