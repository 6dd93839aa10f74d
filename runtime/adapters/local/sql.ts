import type { PoolConfig } from "pg";
import { faultsOf } from "../faults.ts";
import { type Migration, migrate, readMigrations } from "../migrations.ts";
import { openPool } from "../pool.ts";
import { type SqlAdapter, sqlOn } from "../sql.ts";
import { sqlPool } from "../sql-pool.ts";

export interface LocalSqlOptions {
  /** Of the store in system.ts. */
  readonly name: string;
  /** Of the host's database, with the password. */
  readonly url: string;
  /** Connections of this process. Default: 5 */
  readonly connections?: number;
}

/**
 * The sql port on the host's Postgres. Each store has a schema of its own, and nothing else on its
 * search path, so that the same SQL runs where a store has a server of its own. A schema and no
 * database: the user of a DATABASE_URL may always have the one, and often not the other.
 */
export function sql({ name, url, connections }: LocalSqlOptions): SqlAdapter {
  const max = connections === undefined ? {} : { max: connections };
  return sqlOn(
    faultsOf("sql", name),
    sqlPool(faultsOf("sql", name), { ...inSchemaOf(name, url), ...max }),
  );
}

/**
 * Makes the store's schema where it is missing, and applies the migrations that are due.
 * @param options.migrations a folder, or its files
 * @throws as `readMigrations` and `migrate`
 */
export async function prepareSql(
  options: Pick<LocalSqlOptions, "name" | "url"> & {
    readonly migrations: string | readonly Migration[];
  },
): Promise<readonly string[]> {
  const { name, url, migrations } = options;
  const files =
    typeof migrations === "string" ? await readMigrations(name, migrations) : migrations;
  const pool = openPool({ ...inSchemaOf(name, url), max: 1, connectionTimeoutMillis: 10_000 });
  const setUp = `create schema if not exists ${schemaOf(name)}`;
  try {
    return await migrate({ name, pool, migrations: files, setUp });
  } finally {
    await pool.end();
  }
}

/** As an identifier in SQL. */
export const schemaOf = (name: string): string => `"store_${name.replaceAll('"', '""')}"`;

/** Said on each connection: `options` of a DATABASE_URL would go before those given here. */
const inSchemaOf = (name: string, url: string): PoolConfig => ({
  connectionString: url,
  async onConnect(client) {
    await client.query(`set search_path to ${schemaOf(name)}`);
  },
});
