import { randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  type DatabaseMigrations,
  databaseMigrator,
  migrateDatabase,
} from "../../../runtime/adapters/aws/sql-migrations.ts";
import { type SqlServer, startSqlServer } from "../sql-server.ts";
import { refusal } from "../suites/refusal.ts";
import { trustedCertificate } from "./authority.ts";

const users = { file: "0001-users.sql", text: "create table users (id text primary key)" };
const orders = { file: "0002-orders.sql", text: "create table orders (id text primary key)" };

/**
 * As RDS is: TLS, a master user who is no superuser, and a user of the name `<database>_app` who signs
 * in with what IAM signs and no password. Who is a member of `frozen` is refused, as RDS refuses the
 * password of whoever is a member of `rds_iam`, be it through others.
 */
async function startRds() {
  const server = await startSqlServer();
  await server.useTls(await trustedCertificate());
  await server.admin("create role rds_iam");
  await server.admin("create role frozen");
  const [found] = await server.admin("show hba_file");
  const file = String(found?.hba_file);
  const rules = ["127.0.0.1/32", "::1/128"].flatMap((at) => [
    `host all +frozen ${at} reject`,
    `host all /_app$ ${at} trust`,
  ]);
  await writeFile(file, [...rules, await readFile(file, "utf8")].join("\n"));
  await server.admin("select pg_reload_conf()");
  return server;
}

/** A database that nobody has set up. */
async function fresh(server: SqlServer) {
  const id = randomUUID().slice(0, 8);
  const [database, master, user] = [`books_${id}`, `master_${id}`, `books_${id}_app`];
  const password = `master-${randomUUID()}`;
  await server.admin(`create role ${master} login createrole password '${password}'`);
  await server.admin(`grant rds_iam to ${master} with admin true`);
  await server.admin(`create database ${database} owner ${master}`);
  const owners = new URL(server.url);
  const { port } = owners;
  owners.pathname = database;
  const secret = vi.fn(async () => JSON.stringify({ username: master, password }));
  const options: DatabaseMigrations = {
    name: "ledger",
    location: `postgres://${user}@localhost:${port}/${database}`,
    migrations: [users, orders],
    masterSecret: "arn:of-the-master",
    secret,
    token: async () => "signed",
    patienceMs: 0,
  };
  return {
    user,
    options,
    password,
    secret,
    /** Of the server's owner. */
    inside: owners.href,
    /** From now on the master's password is refused. */
    freeze: () => server.admin(`grant frozen to ${master}`),
    migrated: (more: Partial<DatabaseMigrations> = {}) => migrateDatabase({ ...options, ...more }),
  };
}

describe("a database is migrated", () => {
  let server: SqlServer;
  beforeAll(async () => {
    server = await startRds();
  });
  afterAll(() => server?.close());

  /** Ends the connection whose statement has this in it, once there is one. */
  const cut = (text: string) =>
    expect
      .poll(
        () =>
          server.admin(
            "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and query like $1",
            [`%${text}%`],
          ),
        { timeout: 20_000 },
      )
      .toHaveLength(1);

  it("the first time, by the user that the master makes, who owns what there is", async () => {
    const { migrated, user } = await fresh(server);
    expect(await migrated()).toEqual([users.file, orders.file]);
    const [made] = await server.admin(
      "select rolcanlogin, rolsuper from pg_roles where rolname = $1",
      [user],
    );
    expect(made).toEqual({ rolcanlogin: true, rolsuper: false });
    const member = await server.admin("select pg_has_role($1, 'rds_iam', 'member') as it", [user]);
    expect(member).toEqual([{ it: true }]);
  });

  it("later without the master, whose password is refused by then", async () => {
    const { migrated, secret, freeze } = await fresh(server);
    await migrated({ migrations: [users] });
    await freeze();
    expect(await migrated()).toEqual([orders.file]);
    expect(await migrated()).toEqual([]);
    expect(secret).toHaveBeenCalledOnce();
  });

  it("once, by however many at a time", async () => {
    const { migrated } = await fresh(server);
    const both = await Promise.all([1, 2, 3].map(() => migrated({ patienceMs: 30_000 })));
    expect(both.flat().sort()).toEqual([users.file, orders.file]);
  });

  it("by one of two, where the other finds the master refused", async () => {
    const { migrated, secret, freeze } = await fresh(server);
    const late = async () => {
      expect(await migrated()).toEqual([users.file, orders.file]);
      await freeze();
      return secret();
    };
    expect(await migrated({ secret: late })).toEqual([]);
  });

  it("to its end, after it was cut off in a migration", async () => {
    const { migrated } = await fresh(server);
    const slow = { ...orders, text: `${orders.text}; select pg_sleep(600)` };
    const [refused] = await Promise.all([
      refusal(migrated({ migrations: [users, slow] })),
      cut("pg_sleep(600)"),
    ]);
    expect(refused).toBe("unavailable");
    expect(await migrated()).toEqual([orders.file]);
  });

  it("to its end, after it was cut off while its user was made", async () => {
    const { migrated, user, inside } = await fresh(server);
    // Who holds the lock of the set-up makes it wait, amid its transaction.
    const holder = new Pool({ connectionString: inside, max: 1 });
    await holder.query("select pg_advisory_lock(hashtextextended('spillway set-up', 0))");
    const [refused] = await Promise.all([refusal(migrated()), cut("pg_advisory_xact_lock")]);
    await holder.end();
    expect(refused).toBe("unavailable");
    expect(await server.admin("select from pg_roles where rolname = $1", [user])).toEqual([]);
    expect(await migrated()).toEqual([users.file, orders.file]);
  });

  it("not where an old migration was changed", async () => {
    const { migrated } = await fresh(server);
    await migrated();
    const changed = { ...users, text: "create table users (id uuid primary key)" };
    await expect(migrated({ migrations: [changed, orders] })).rejects.toThrow(
      'sql "ledger": migration 0001-users.sql was applied and is changed; write a new one',
    );
  });

  it("not by halves: what fails says in which file, and in the database's words", async () => {
    const { migrated, options } = await fresh(server);
    const wrong = {
      ...orders,
      text: "create table orders (id text); insert into order values (1)",
    };
    const handler = databaseMigrator({ ...options, migrations: [users, wrong] });
    const error = await handler().catch((thrown: unknown) => thrown);
    expect(error).toEqual(
      new Error(
        'sql "ledger": migration 0002-orders.sql fails: syntax error at or near "order"; correct it',
      ),
    );
    expect(await migrated()).toEqual([orders.file]);
  });

  it("by nobody, where neither may sign in, of which no error shows a secret", async () => {
    const { options, freeze, password } = await fresh(server);
    await freeze();
    const error = await databaseMigrator(options)().catch((thrown: unknown) => thrown);
    expect(String(error)).toMatch(/its user may not sign in by IAM, nor may the master user/);
    expect(`${(error as Error).stack} ${JSON.stringify(error)}`).not.toContain(password);
    expect((error as Error).cause).toBeUndefined();
  });

  it.each(["no JSON: hunter2", '{"username":"hunter2"}'])(
    "by nobody, where the master's secret is %s",
    async (held) => {
      const { migrated } = await fresh(server);
      const error = await migrated({ secret: async () => held }).catch((thrown: unknown) => thrown);
      expect(String(error)).toContain("its master's secret has no username and password");
      expect(String(error)).not.toContain("hunter2");
    },
  );
});
