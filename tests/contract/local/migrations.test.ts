import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { Pool } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startPostgres } from "../../../runtime/adapters/local/postgres.ts";
import { type Migration, migrate, readMigrations } from "../../../runtime/adapters/migrations.ts";
import { openPool } from "../../../runtime/adapters/pool.ts";
import { refusal, tally } from "../suites/refusal.ts";
import { temporaryFolder } from "./folder.ts";

const first = { file: "0001-notes.sql", text: "create table notes (text text)" };
const second = { file: "0002-more.sql", text: "alter table notes add more text; select 1" };
const messageOf = async (work: Promise<unknown>) =>
  ((await work.catch((error: unknown) => error)) as Error).message;

describe("migrate", () => {
  const ends: (() => Promise<unknown>)[] = [];
  let url = "";
  let pool: Pool;
  beforeAll(async () => {
    const { folder, remove } = await temporaryFolder();
    const postgres = await startPostgres(path.join(folder, "postgres"));
    ends.push(remove, () => postgres.stop());
    url = postgres.url;
  });
  afterAll(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  beforeEach(async () => {
    // A database for each test, as a store has one on a server of its own.
    const database = `books_${randomUUID().slice(0, 8)}`;
    const admin = new Pool({ connectionString: url, max: 1 });
    await admin.query(`create database ${database}`);
    await admin.end();
    const at = new URL(url);
    at.pathname = database;
    pool = openPool({ connectionString: at.href, max: 8 });
    const mine = pool;
    ends.push(() => mine.end());
  });
  const run = (migrations: readonly Migration[]) => migrate({ name: "ledger", pool, migrations });
  const columns = async () =>
    (
      await pool.query(
        "select column_name from information_schema.columns where table_name = 'notes' order by 1",
      )
    ).rows.map((row) => row.column_name);

  it("applies what is new, in order, and each once", async () => {
    expect(await run([first])).toEqual([first.file]);
    expect(await run([first, second])).toEqual([second.file]);
    expect(await run([first, second])).toEqual([]);
    expect(await columns()).toEqual(["more", "text"]);
  });

  it("applies each once where many start at the same time", async () => {
    const done = await Promise.all([1, 2, 3, 4, 5].map(() => run([first, second])));
    expect(done.flat()).toEqual([first.file, second.file]);
  });

  it("leaves nothing of one that fails, keeps those before it, and says which and why", async () => {
    const broken = {
      file: second.file,
      text: "alter table notes add more text; select * from nil",
    };
    const failed = run([first, broken]);
    expect(await refusal(failed)).toBe("invalid");
    expect(await messageOf(failed)).toMatch(
      /^sql "ledger": migration 0002-more\.sql fails: relation "nil" does not exist; /,
    );
    expect(await columns()).toEqual(["text"]);
    expect(await run([first, second])).toEqual([second.file]);
  });

  it("shows no data of the table that it meets", async () => {
    await run([first]);
    await pool.query("insert into notes values ('ada@example.com'), ('ada@example.com')");
    const unique = { file: second.file, text: "create unique index on notes (text)" };
    const message = await messageOf(run([first, unique]));
    expect(message).toContain(second.file);
    expect(message).not.toContain("ada@example.com");
  });

  it.each([
    [
      "changed",
      [{ ...first, text: "create table others (n int)" }],
      `${first.file} was applied and is changed`,
    ],
    ["missing", [], `${first.file} was applied and is missing`],
    ["renamed", [{ ...first, file: "0001-other.sql" }], `${first.file} was applied and is missing`],
  ])("refuses one that was applied and is %s, and does nothing", async (_, migrations, text) => {
    await run([first]);
    const failed = run([...migrations, ...(migrations.length > 0 ? [second] : [])]);
    expect(await refusal(failed)).toBe("conflict");
    expect(await messageOf(failed)).toContain(text);
    expect(await columns()).toEqual(["text"]);
  });

  it("takes the same text with the line ends of another system", async () => {
    const lines = { file: first.file, text: "create table notes (\n text text\n)" };
    await run([lines]);
    expect(await run([{ ...lines, text: lines.text.replaceAll("\n", "\r\n") }])).toEqual([]);
  });

  it.each([
    ["no number", ["notes.sql"], "notes.sql is no name"],
    ["capitals", ["0001-Notes.sql"], "0001-Notes.sql is no name"],
    ["another ending", ["0001-notes.sql", "README.md"], "README.md is no name"],
    ["a gap", ["0001-a.sql", "0003-c.sql"], "0003-c.sql stands where 0002 is due"],
    ["a number twice", ["0001-a.sql", "0001-b.sql"], "0001-b.sql stands where 0002 is due"],
    ["a late begin", ["0002-b.sql"], "0002-b.sql stands where 0001 is due"],
  ])("refuses files with %s", async (_, files, text) => {
    const failed = run(files.map((file) => ({ file, text: "select 1" })));
    expect(await refusal(failed)).toBe("invalid");
    expect(await messageOf(failed)).toContain(text);
  });

  it("refuses one that ends its transaction by itself", async () => {
    const ending = { file: first.file, text: "create table notes (text text); commit" };
    const failed = run([ending]);
    expect(await refusal(failed)).toBe("invalid");
    expect(await messageOf(failed)).toContain("take begin and commit out");
  });

  it("leaves nothing where its process is killed, and the next one goes on", async () => {
    await run([first]);
    const slow = { file: second.file, text: `${second.text}; select pg_sleep(20)` };
    const cut = run([first, slow]);
    const failed = tally([cut]);
    const running =
      "select pid from pg_stat_activity where query like '%pg_sleep(20)%' and pid <> pg_backend_pid() and datname = current_database()";
    await expect.poll(async () => (await pool.query(running)).rows.length).toBe(1);
    await pool.query(`select pg_terminate_backend(pid) from (${running}) as found`);
    expect(await failed).toEqual({ unavailable: 1 });
    expect(await columns()).toEqual(["text"]);
    expect(await run([first, second])).toEqual([second.file]);
  });
});

describe("readMigrations", () => {
  it("reads a folder in order, and leaves out what is hidden", async () => {
    const { folder, remove } = await temporaryFolder();
    for (const { file, text } of [second, first]) await writeFile(path.join(folder, file), text);
    await writeFile(path.join(folder, ".DS_Store"), "");
    expect(await readMigrations("ledger", folder)).toEqual([first, second]);
    await mkdir(path.join(folder, "old"));
    expect(await messageOf(readMigrations("ledger", folder))).toContain("old is no name");
    await remove();
  });

  it("says which folder is missing", async () => {
    const failed = readMigrations("ledger", "/nowhere/migrations");
    expect(await refusal(failed)).toBe("invalid");
    expect(await messageOf(failed)).toMatch(/^sql "ledger": no folder \/nowhere\/migrations; /);
  });
});
