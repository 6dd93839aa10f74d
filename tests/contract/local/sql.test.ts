import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prepareSql, sql } from "../../../runtime/adapters/local/sql.ts";
import { type SqlServer, startSqlServer } from "../sql-server.ts";
import { refusal } from "../suites/refusal.ts";
import { sqlContract } from "../suites/sql.ts";

/** As a person would have them on a Postgres of theirs: no superuser. */
async function userOf(server: SqlServer): Promise<string> {
  const user = `user_${randomUUID().slice(0, 8)}`;
  await server.admin(`create role ${user} login password 'secret'`);
  await server.admin(`grant create on database postgres to ${user}`);
  const url = new URL(server.url);
  url.username = user;
  url.password = "secret";
  return url.href;
}

sqlContract("local sql", {
  async start() {
    const server = await startSqlServer();
    const url = await userOf(server);
    await prepareSql({ name: "ledger", url, migrations: [] });
    return { ...server, open: (options = {}) => sql({ name: "ledger", url, ...options }) };
  },
});

describe("stores of one database", () => {
  let server: SqlServer;
  let url: string;
  beforeAll(async () => {
    server = await startSqlServer();
    url = await userOf(server);
  });
  afterAll(() => server?.close());

  it("have tables of their own under the same names, and see no others", async () => {
    const names = ["ledger", "myBooks"];
    const migrations = [{ file: "0001-notes.sql", text: "create table notes (text text)" }];
    for (const name of names) await prepareSql({ name, url, migrations });
    const [ledger, books] = names.map((name) => sql({ name, url }));
    await ledger?.query("insert into notes values ('in the ledger')");
    expect(await books?.query("select * from notes")).toEqual([]);
    await server.admin("create table public.theirs (n int)");
    expect(await refusal(ledger?.query("select * from theirs") ?? Promise.resolve())).toBe(
      "invalid",
    );
    await Promise.all([ledger?.close(), books?.close()]);
  });

  it("are made once where several processes start at the same time", async () => {
    const migrations = [{ file: "0001-notes.sql", text: "create table notes (text text)" }];
    const prepared = await Promise.all(
      [1, 2, 3, 4].map(() => prepareSql({ name: "several", url, migrations })),
    );
    expect(prepared.flat()).toEqual(["0001-notes.sql"]);
  });
});
