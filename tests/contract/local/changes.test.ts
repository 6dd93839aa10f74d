import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Boss, openBoss } from "../../../runtime/adapters/local/boss.ts";
import { changesReader } from "../../../runtime/adapters/local/changes.ts";
import type { Postgres } from "../../../runtime/adapters/local/postgres.ts";
import {
  changesReaderAdmin,
  deadLettersInto,
} from "../../../runtime/adapters/local/reader-admin.ts";
import { declareReaders, subscribe } from "../../../runtime/adapters/local/subscriptions.ts";
import { table } from "../../../runtime/adapters/local/table.ts";
import { type ChangeHandler, PortError, type TableChange } from "../../../runtime/ports/index.ts";
import { changesContract } from "../suites/changes.ts";
import { temporaryDatabase } from "./database.ts";

const quiet = () => {};

changesContract("local change feed", {
  capabilities: { silentWithoutChange: true },
  async make() {
    const { pool, stop } = await temporaryDatabase();
    const seen: TableChange[] = [];
    await subscribe(pool, "catalog", ["feed"]);
    const reader = changesReader({
      table: "catalog",
      consumer: "feed",
      pool,
      batch: 10,
      handler: async (change) => void seen.push(change),
      setAside: async (_, body) => expect.unreachable(body),
      onTrouble: quiet,
    });
    return {
      table: table({ name: "catalog", pool }),
      async changesOf(pk) {
        const left = "select from spillway.changes limit 1";
        await expect
          .poll(async () => (await pool.query(left)).rowCount, { timeout: 20_000 })
          .toBe(0);
        return seen.filter((change) => change.key.pk === pk);
      },
      async close() {
        await reader.stop();
        await stop();
      },
    };
  },
});

describe("a reader of a table's changes", () => {
  let postgres: Postgres;
  let boss: Boss;
  const stops: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    postgres = await temporaryDatabase();
    boss = await openBoss(postgres.pool);
  });
  afterAll(async () => {
    for (const stop of stops) await stop();
    await boss?.stop();
    await postgres?.stop();
  });

  /** A table of its own, subscribed to; `read` starts a reader that notes what it is given. */
  const open = async ({ workload = `feed-${randomUUID()}` } = {}) => {
    const { pool } = postgres;
    const name = `table-${randomUUID()}`;
    await subscribe(pool, name, [workload]);
    const read = (handler: ChangeHandler, retries = 0) => {
      const reader = changesReader({
        table: name,
        consumer: workload,
        pool,
        batch: 10,
        retries,
        handler,
        setAside: deadLettersInto({ workload, boss }),
        onTrouble: quiet,
      });
      stops.push(reader.stop);
      return reader;
    };
    const admin = changesReaderAdmin({ table: name, workload, boss });
    const put = (sk: string, n: number) => table({ name, pool }).put({ pk: "p", sk }, { n });
    const waiting = async () => (await admin.depth()).waiting;
    return { name, workload, table: table({ name, pool }), put, read, admin, waiting };
  };
  const at = ({ key, after }: TableChange) => `${key.sk}${after?.n}`;
  const soon = { timeout: 20_000 };

  it("sets a change that is invalid aside at once, with the reason, and goes on with its key", async () => {
    const { put, read, admin } = await open();
    const seen: string[] = [];
    for (const n of [1, 2, 3]) await put("a", n);
    read(async (change) => {
      seen.push(at(change));
      if (change.after?.n === 2) throw new PortError("invalid", "two is no number");
    }, 5);
    await expect.poll(() => seen, soon).toEqual(["a1", "a2", "a3"]);
    await expect.poll(() => admin.depth(), soon).toEqual({ waiting: 0, active: 0, dead: 1 });
    expect(await admin.deadLetters(10)).toMatchObject([
      {
        reason: "two is no number",
        body: { key: { pk: "p", sk: "a" }, before: { n: 1 }, after: { n: 2 } },
      },
    ]);
  });

  it("gives a change again after any other error, before later ones of its key", async () => {
    const { put, read, waiting } = await open();
    const seen: string[] = [];
    let failures = 0;
    for (const n of [1, 2]) await put("a", n);
    read(async (change) => {
      seen.push(at(change));
      if (failures++ < 2) throw new Error("not now");
    }, 3);
    await expect.poll(waiting, soon).toBe(0);
    expect(seen).toEqual(["a1", "a1", "a1", "a2"]);
  });

  it("sets a change aside whose tries are used up", async () => {
    const { put, read, admin } = await open();
    let calls = 0;
    await put("a", 1);
    read(async () => {
      calls++;
      throw new Error("never");
    }, 1);
    await expect.poll(async () => (await admin.depth()).dead, soon).toBe(1);
    expect(calls).toBe(2);
  });

  it("gives a change of the dead letters again, with its id, when it is put back", async () => {
    const { put, read, admin } = await open();
    const seen: TableChange[] = [];
    let closed = true;
    await put("a", 1);
    read(async (change) => {
      seen.push(change);
      if (closed) throw new PortError("invalid", "closed");
    });
    await expect.poll(async () => (await admin.depth()).dead, soon).toBe(1);
    closed = false;
    const [letter] = await admin.deadLetters(1);
    await admin.redrive(letter?.id ?? "");
    await expect.poll(() => seen.length, soon).toBe(2);
    expect(seen[1]).toEqual(seen[0]);
    await expect(admin.redrive(letter?.id ?? "")).rejects.toMatchObject({ code: "not-found" });
  });

  it("keeps changes for who has not started yet, and gives each consumer all of them", async () => {
    const { name, table, read, waiting } = await open();
    await subscribe(postgres.pool, name, ["late"]);
    for (const sk of ["a", "b", "c"]) await table.put({ pk: "p", sk }, { n: 1 });
    const first: string[] = [];
    read(async (change) => void first.push(at(change)));
    await expect.poll(waiting, soon).toBe(0);
    const late: string[] = [];
    const reader = changesReader({
      table: name,
      consumer: "late",
      pool: postgres.pool,
      batch: 1,
      handler: async (change) => void late.push(at(change)),
      setAside: async () => {},
      onTrouble: quiet,
    });
    stops.push(reader.stop);
    await expect.poll(() => late.toSorted(), soon).toEqual(["a1", "b1", "c1"]);
    expect(first.toSorted()).toEqual(late.toSorted());
  });

  it("gives again what was being worked on when it was stopped before its end", async () => {
    const { put, read, waiting } = await open();
    const seen: string[] = [];
    await put("a", 1);
    const first = read(async (change) => {
      seen.push(at(change));
      throw new Error("not now");
    }, 100);
    await expect.poll(() => seen.length, soon).toBeGreaterThan(0);
    await first.stop();
    const before = seen.length;
    read(async (change) => void seen.push(at(change)));
    await expect.poll(waiting, soon).toBe(0);
    expect(seen.slice(before)).toEqual(["a1"]);
  });

  it("notes the changes of a transaction that waited only once it is stored", async () => {
    const { name, put, read, waiting } = await open();
    const seen: string[] = [];
    const client = await postgres.pool.connect();
    await client.query("begin");
    await client.query(
      "insert into spillway.documents (tbl, pk, sk, document) values ($1, 'p', 'slow', $2)",
      [name, { n: 1 }],
    );
    for (const sk of ["a", "b", "c", "d", "e"]) await put(sk, 1);
    read(async (change) => void seen.push(at(change)));
    await expect.poll(() => seen.length, soon).toBe(5);
    await client.query("commit");
    client.release();
    await expect.poll(() => seen.at(5), soon).toBe("slow1");
    await expect.poll(waiting, soon).toBe(0);
  });
});

describe("declareReaders", () => {
  it("keeps changes for the readers that are declared now, and for no others", async () => {
    const postgres = await temporaryDatabase();
    const { pool } = postgres;
    const consumers = async () =>
      (await pool.query("select consumer from spillway.changes order by seq")).rows.map(
        (row) => row.consumer,
      );
    const catalog = table({ name: "catalog", pool });
    await declareReaders(pool, { streams: {}, tables: { catalog: ["one", "two"] } });
    await catalog.put({ pk: "p", sk: "s" }, { n: 1 });
    expect((await consumers()).sort()).toEqual(["one", "two"]);
    await declareReaders(pool, { streams: {}, tables: { catalog: ["two"], other: [] } });
    await catalog.put({ pk: "p", sk: "s" }, { n: 2 });
    expect(await consumers()).toEqual(["two", "two"]);
    await declareReaders(pool, { streams: {}, tables: {} });
    await catalog.put({ pk: "p", sk: "s" }, { n: 3 });
    expect(await consumers()).toEqual([]);
    await postgres.stop();
  });
});
