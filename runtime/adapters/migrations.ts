import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { Pool, PoolClient } from "pg";
import { type Fault, faultsOf } from "./faults.ts";
import { sqlFault } from "./sql-faults.ts";

/** One numbered file with statements. */
export interface Migration {
  /** `0001-orders.sql` */
  readonly file: string;
  readonly text: string;
}

export interface MigrateOptions {
  /** Of the store in system.ts. */
  readonly name: string;
  /** Of the store's database and schema, with the right to create in it. */
  readonly pool: Pool;
  /** See `readMigrations`. */
  readonly migrations: readonly Migration[];
  /** A statement that is run before, under the same lock. Default: none */
  readonly setUp?: string;
}

/** How long another one that migrates, or holds a table, is waited for. */
const lockSeconds = 60;
const form = /^\d{4}-[a-z0-9][a-z0-9-]*\.sql$/;

/**
 * The migrations in a folder, in their order. Files whose name begins with a dot are left out.
 * @throws `invalid` for a folder that is not there, names that are no `0001-name.sql`, and numbers
 *   that are there twice or leave a gap
 */
export async function readMigrations(name: string, folder: string): Promise<readonly Migration[]> {
  const fault = faultsOf("sql", name);
  const names = await readdir(folder).catch((cause: unknown) => {
    throw fault("invalid", `no folder ${folder}; put 0001-….sql into it`, cause);
  });
  const files = names.filter((file) => !file.startsWith(".")).sort();
  checkNames(fault, files);
  return Promise.all(
    files.map(async (file) => ({ file, text: await readFile(path.join(folder, file), "utf8") })),
  );
}

/**
 * Brings a store up to date: each migration once, in order, in a transaction of its own, however
 * many start at the same time. What was applied is recorded in the table `spillway_migrations` with
 * the hash of its text. Where one fails, those before it stay and it leaves nothing.
 * @returns the files that were applied now
 * @throws `invalid` for names as in `readMigrations` and for a migration that fails, `conflict` for
 *   one that was applied and is changed or missing now, `unavailable` where the database is, or
 *   where another one is still at it after 60 s
 * @example
 * await migrate({ name: "ledger", pool, migrations: await readMigrations("ledger", "migrations") });
 */
export async function migrate(options: MigrateOptions): Promise<readonly string[]> {
  const { name, pool, migrations, setUp } = options;
  const fault = faultsOf("sql", name);
  const files = migrations.map(({ file }) => file);
  checkNames(fault, files);
  const client = await pool.connect().catch((error: unknown) => {
    throw sqlFault(fault, error);
  });
  try {
    await locked(client, name);
    if (setUp) await client.query(setUp);
    const due = missing(fault, migrations, await applied(client));
    for (const migration of due) await apply(fault, client, migration);
    return due.map(({ file }) => file);
  } catch (error) {
    throw sqlFault(fault, error);
  } finally {
    // Its lock and its settings end with the connection.
    client.release(true);
  }
}

async function locked(client: PoolClient, name: string): Promise<void> {
  await client.query(`set lock_timeout = '${lockSeconds}s'; set statement_timeout = 0`);
  const key = `spillway migrations ${name}`;
  await client.query({
    text: "select pg_advisory_lock(hashtextextended($1, 0))",
    values: [key],
  });
}

interface Applied {
  readonly file: string;
  readonly hash: string;
}

async function applied(client: PoolClient): Promise<readonly Applied[]> {
  await client.query(
    `create table if not exists spillway_migrations (
       file text primary key,
       hash text not null,
       applied_at timestamptz not null default clock_timestamp()
     )`,
  );
  const { rows } = await client.query<Applied>(
    `select file, hash from spillway_migrations order by file collate "C"`,
  );
  return rows;
}

/** What is still to be applied. */
function missing(
  fault: Fault,
  migrations: readonly Migration[],
  done: readonly Applied[],
): readonly Migration[] {
  const hashes = new Map(migrations.map(({ file, text }) => [file, hashOf(text)]));
  for (const { file, hash } of done) {
    const now = hashes.get(file);
    if (now === undefined)
      throw fault("conflict", `migration ${file} was applied and is missing; put it back`);
    if (now !== hash)
      throw fault("conflict", `migration ${file} was applied and is changed; write a new one`);
  }
  return migrations.slice(done.length);
}

async function apply(fault: Fault, client: PoolClient, { file, text }: Migration): Promise<void> {
  try {
    await client.query("begin; set local spillway.migration = 'open'");
    await client.query(text);
    const { rows } = await client.query<{ open: string | null }>(
      "select current_setting('spillway.migration', true) as open",
    );
    if (rows[0]?.open !== "open")
      throw fault("invalid", `migration ${file} ends its transaction; take begin and commit out`);
    await client.query("insert into spillway_migrations (file, hash) values ($1, $2)", [
      file,
      hashOf(text),
    ]);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => {});
    const failed = sqlFault(fault, error);
    // Whoever wrote it needs the database's own words; data is in its detail, which is left out.
    const said = error === failed ? "" : `: ${(error as Error).message}`;
    throw error === failed
      ? failed
      : fault(failed.code, `migration ${file} fails${said}; correct it`, error);
  }
}

/** Line ends are git's choice. */
const hashOf = (text: string): string =>
  createHash("sha256").update(text.replaceAll("\r\n", "\n")).digest("hex");

function checkNames(fault: Fault, files: readonly string[]): void {
  for (const [index, file] of files.entries()) {
    if (!form.test(file))
      throw fault("invalid", `migration ${file} is no name such as 0001-orders.sql; rename it`);
    const number = Number(file.slice(0, 4));
    if (number !== index + 1)
      throw fault(
        "invalid",
        `migration ${file} stands where ${`${index + 1}`.padStart(4, "0")} is due; number them without gaps`,
      );
  }
}
