import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chown, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { openBoss, schema } from "../../../runtime/adapters/local/boss.ts";
import { migrate, type Postgres, startPostgres } from "../../../runtime/adapters/local/postgres.ts";
import { inTransaction } from "../../../runtime/adapters/local/transaction.ts";
import { temporaryFolder } from "./folder.ts";

/** What a test started, ended after it from the last to the first. */
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  for (const end of ends.splice(0).reverse()) await end();
});

const newFolder = async () => {
  const { folder, remove } = await temporaryFolder();
  ends.push(remove);
  return path.join(folder, "postgres");
};
const start = async (folder: string): Promise<Postgres> => {
  const postgres = await startPostgres(folder);
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= postgres.stop();
    return stopped;
  };
  // Whether it was away then is what its test asks.
  ends.push(() => stop().catch(() => {}));
  return { ...postgres, stop };
};
const setting = async ({ pool }: Postgres, name: string) =>
  (await pool.query("select current_setting($1) as value", [name])).rows[0].value;
const serverPid = async (folder: string) =>
  Number((await readFile(path.join(folder, "data", "postmaster.pid"), "utf8")).split("\n")[0]);
const runs = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const hasServer = async (folder: string) => {
  const pid = await serverPid(folder).catch(() => undefined);
  return pid !== undefined && runs(pid);
};

/** Runs owner.ts until it has printed so many lines; gives them and the ones that follow. */
const owner = async (folder: string, task: string, count: number, ids = {}) => {
  const program = path.join(import.meta.dirname, "owner.ts");
  const child: ChildProcess = spawn(process.execPath, [program, folder, task], {
    ...ids,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout ?? process.stdin });
  const closed = once(reader, "close");
  ends.push(async () => {
    child.kill("SIGKILL");
    await closed;
    await expect.poll(() => hasServer(folder), { timeout: 20_000 }).toBe(false);
  });
  const enough = new Promise<void>((done, failed) => {
    reader.on("line", (line) => {
      if (lines.push(line) === count) done();
    });
    child.once("exit", (code) => failed(new Error(`owner.ts ended with ${code}`)));
  });
  await enough;
  return { child, lines, closed };
};
const killed = async ({ child, closed }: Awaited<ReturnType<typeof owner>>) => {
  child.kill("SIGKILL");
  await closed;
};

describe("startPostgres", () => {
  it("starts a durable server of its own, and keeps what was stored over a restart", async () => {
    const folder = await newFolder();
    const first = await start(folder);
    for (const name of ["fsync", "synchronous_commit", "full_page_writes"])
      expect(await setting(first, name)).toBe("on");
    await first.pool.query("create table kept as select 1 as value");
    await first.stop();
    const second = await start(folder);
    expect((await second.pool.query("select value from kept")).rows).toEqual([{ value: 1 }]);
  });

  it("listens on loopback alone, and to nobody without the password", async () => {
    const postgres = await start(await newFolder());
    expect(await setting(postgres, "listen_addresses")).toBe("127.0.0.1");
    expect(await setting(postgres, "unix_socket_directories")).toBe("");
    const url = new URL(postgres.url);
    expect(url.hostname).toBe("127.0.0.1");
    expect(url.password.length).toBeGreaterThanOrEqual(32);
    url.password = "wrong";
    vi.stubEnv("DATABASE_URL", url.href);
    await expect(startPostgres(await newFolder())).rejects.toThrow('"DATABASE_URL": no connection');
  });

  it("keeps its files from everyone else", async () => {
    const folder = await newFolder();
    await start(folder);
    for (const name of [".", "data"])
      expect((await stat(path.join(folder, name))).mode & 0o777).toBe(0o700);
    for (const name of ["password", "log"])
      expect((await stat(path.join(folder, name))).mode & 0o777).toBe(0o600);
    const log = await readFile(path.join(folder, "log"), "utf8");
    expect(log).not.toContain(await readFile(path.join(folder, "password"), "utf8"));
  });

  it("runs for a user who is not root", async () => {
    const { folder, remove } = await temporaryFolder();
    ends.push(remove);
    const root = process.getuid?.() === 0;
    const nobody = { uid: 65_534, gid: 65_534 };
    if (root) await chown(folder, nobody.uid, nobody.gid);
    const inside = path.join(folder, "postgres");
    await owner(inside, "hold", 1, root ? nobody : {});
    const expected = root ? nobody.uid : process.getuid?.();
    expect((await stat(path.join(inside, "data"))).uid).toBe(expected);
  });

  it("uses the database of DATABASE_URL and starts nothing", async () => {
    const { url } = await start(await newFolder());
    vi.stubEnv("DATABASE_URL", url);
    const folder = await newFolder();
    const other = await start(folder);
    expect(other.url).toBe(url);
    expect(await other.pool.query("select 1")).toMatchObject({ rowCount: 1 });
    await expect(readdir(folder)).rejects.toThrow("ENOENT");
  });

  it("refuses a folder that is in use, here or elsewhere, and leaves its server alone", async () => {
    const folder = await newFolder();
    await owner(folder, "hold", 1);
    const pid = await serverPid(folder);
    await expect(startPostgres(folder)).rejects.toThrow("is in use by another process");
    const own = await newFolder();
    await start(own);
    await expect(startPostgres(own)).rejects.toThrow("is in use by another process");
    expect(runs(pid)).toBe(true);
  });

  it("starts one server where several start it at the same time", async () => {
    const folder = await newFolder();
    const results = await Promise.allSettled([1, 2, 3].map(() => start(folder)));
    expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
  });

  it("starts its server again at the same port when that is killed, and says so", async () => {
    const said = vi.spyOn(console, "error").mockImplementation(() => {});
    const folder = await newFolder();
    const { pool } = await start(folder);
    await pool.query("create table kept as select 1 as value");
    const pid = await serverPid(folder);
    process.kill(pid, "SIGKILL");
    const answer = async () => (await pool.query("select value from kept")).rows;
    await expect.poll(() => said.mock.calls.length, { timeout: 20_000 }).toBe(2);
    await expect.poll(() => answer().catch(String)).toEqual([{ value: 1 }]);
    expect(await serverPid(folder)).not.toBe(pid);
    expect(said.mock.calls.flat()).toEqual([
      `Postgres "${folder}": its server has ended by itself (SIGKILL); it is started again`,
      expect.stringContaining(`Postgres "${folder}": its server takes connections again`),
    ]);
  });

  it("goes on trying where its server cannot be started, and can be stopped meanwhile", async () => {
    const said = vi.spyOn(console, "error").mockImplementation(() => {});
    const lines = () => said.mock.calls.flat().join("\n");
    const folder = await newFolder();
    const { stop } = await start(folder);
    const pid = await serverPid(folder);
    await rename(path.join(folder, "data"), path.join(folder, "away"));
    process.kill(pid, "SIGKILL");
    await expect
      .poll(lines, { timeout: 20_000 })
      .toMatch(/does not start \(.+\); see its log; it is/);
    await rename(path.join(folder, "away"), path.join(folder, "data"));
    await expect.poll(lines, { timeout: 20_000 }).toContain("takes connections again");
    await rename(path.join(folder, "data"), path.join(folder, "away"));
    process.kill(
      Number((await readFile(path.join(folder, "away/postmaster.pid"), "utf8")).split("\n")[0]),
      "SIGKILL",
    );
    await expect.poll(() => lines().split("ended by itself")).toHaveLength(3);
    await expect(stop()).rejects.toThrow("its server was away at the stop");
    await rename(path.join(folder, "away"), path.join(folder, "data"));
    const again = await start(folder);
    expect(await again.pool.query("select 1")).toMatchObject({ rowCount: 1 });
  });

  it("says in its log's own words why a server does not start", async () => {
    const folder = await newFolder();
    await (await start(folder)).stop();
    await writeFile(path.join(folder, "data", "postgresql.conf"), "nonsense = 1\n");
    await expect(startPostgres(folder)).rejects.toThrow(/does not start \(.*nonsense/);
  });
});

describe("stop", () => {
  it("waits for work in hand, and not for ever", async () => {
    const postgres = await start(await newFolder());
    await postgres.pool.query("create table kept (value int)");
    const client = await postgres.pool.connect();
    client.on("error", () => {});
    const began = performance.now();
    const stopped = postgres.stop();
    await client.query("insert into kept values (1)");
    await stopped;
    expect(performance.now() - began).toBeGreaterThan(4_000);
    await expect(client.query("insert into kept values (2)")).rejects.toThrow();
  });
});

describe("the end of an owner that could not stop its server", () => {
  it("ends the server, after SIGKILL", async () => {
    const folder = await newFolder();
    const held = await owner(folder, "hold", 1);
    const pid = await serverPid(folder);
    await killed(held);
    await expect.poll(() => runs(pid), { timeout: 10_000 }).toBe(false);
  });

  it("ends the server, after exit", async () => {
    const folder = await newFolder();
    await owner(folder, "leave", 1);
    await expect
      .poll(() => readdir(path.join(folder, "data")), { timeout: 10_000 })
      .not.toContain("postmaster.pid");
  });

  it("loses no message whose send was answered, at once or at any later start", async () => {
    const folder = await newFolder();
    const answered = new Set<string>();
    for (const count of [1, 300, 2_000]) {
      const sending = await owner(folder, "send", count);
      await killed(sending);
      for (const id of sending.lines.filter((line) => line.length === 36)) answered.add(id);
    }
    const { pool } = await start(folder);
    const { rows } = await pool.query(`select id from ${schema}.job where name = 'inbox'`);
    const stored = new Set(rows.map((row) => row.id));
    expect(answered.size).toBeGreaterThan(2_300);
    expect([...answered].filter((id) => !stored.has(id))).toEqual([]);
  });

  it("loses nothing where the server is killed in the same moment", async () => {
    const folder = await newFolder();
    const sending = await owner(folder, "send", 500);
    process.kill(await serverPid(folder), "SIGKILL");
    await killed(sending);
    const { pool } = await start(folder);
    const { rows } = await pool.query(`select id from ${schema}.job where name = 'inbox'`);
    const stored = new Set(rows.map((row) => row.id));
    const answered = sending.lines.filter((line) => line.length === 36);
    expect(answered.length).toBeGreaterThanOrEqual(500);
    expect(answered.filter((id) => !stored.has(id))).toEqual([]);
  });

  it("is overcome where another program has the server's number by now", async () => {
    const folder = await newFolder();
    const first = await start(folder);
    const file = path.join(folder, "data", "postmaster.pid");
    const left = await readFile(file, "utf8");
    await first.stop();
    const stranger = spawn("sleep", ["60"]);
    ends.push(async () => stranger.kill());
    await writeFile(file, left.replace(/^\d+/, String(stranger.pid)));
    const second = await start(folder);
    expect(await second.pool.query("select 1")).toMatchObject({ rowCount: 1 });
    expect(stranger.exitCode).toBeNull();
  });

  it("is overcome where the server was left running without anyone to end it", async () => {
    const folder = await newFolder();
    const held = await owner(folder, "hold", 1);
    const pid = await serverPid(folder);
    process.kill(pid, "SIGSTOP"); // It cannot heed the watcher: as if there were none.
    await killed(held);
    await wait(200);
    const starting = start(folder);
    await wait(200);
    process.kill(pid, "SIGCONT");
    expect(await (await starting).pool.query("select 1")).toMatchObject({ rowCount: 1 });
    expect(await serverPid(folder)).not.toBe(pid);
  });
});

describe("migrate", () => {
  it("may be called again, and by several at the same time", async () => {
    const { pool } = await start(await newFolder());
    await Promise.all([migrate(pool), migrate(pool), migrate(pool)]);
    await migrate(pool);
    const { rows } = await pool.query("select step from spillway.migrations order by step");
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map(({ step }) => step)).toEqual([...rows.keys()]);
  });

  it("leaves what is stored as it is", async () => {
    const { pool } = await start(await newFolder());
    await migrate(pool);
    await pool.query("insert into spillway.effects (tbl, key) values ('t', 'k')");
    await migrate(pool);
    expect((await pool.query("select key from spillway.effects")).rows).toEqual([{ key: "k" }]);
  });
});

describe("inTransaction", () => {
  it("fails, and ends nothing else, where its connection breaks", async () => {
    const { pool } = await start(await newFolder());
    await pool.query("create table kept (value int)");
    const broken = inTransaction(pool, async (client) => {
      await client.query("insert into kept values (1)");
      const { rows } = await client.query("select pg_backend_pid() as pid");
      await pool.query("select pg_terminate_backend($1)", [rows[0].pid]);
      await client.query("insert into kept values (2)");
    });
    await expect(broken).rejects.toThrow();
    expect((await pool.query("select * from kept")).rows).toEqual([]);
  });
});

describe("openBoss", () => {
  it("may be opened by several processes' worth of it at the same time", async () => {
    const { pool } = await start(await newFolder());
    const opened = await Promise.all([openBoss(pool), openBoss(pool)]);
    const options = { maxReceives: 5, visibilitySeconds: 30, maxBytes: 262_144 };
    await Promise.all(opened.map((boss) => boss.ready("inbox", options)));
    for (const boss of opened) await boss.stop();
    const { rows } = await pool.query(`select name from ${schema}.queue where name like 'inbox%'`);
    expect(rows.map((row) => row.name).sort()).toEqual(["inbox", "inbox.dead"]);
  });
});
