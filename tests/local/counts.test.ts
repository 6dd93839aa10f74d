import { afterAll, beforeAll, expect, test } from "vitest";
import { positionsIn, readTotals } from "../../local/counts.ts";
import { mailer } from "../../runtime/adapters/local/mailer.ts";
import type { Postgres } from "../../runtime/adapters/local/postgres.ts";
import { stream } from "../../runtime/adapters/local/stream.ts";
import { subscribe } from "../../runtime/adapters/local/subscriptions.ts";
import { table } from "../../runtime/adapters/local/table.ts";
import { workflow } from "../../runtime/adapters/local/workflow.ts";
import { temporaryDatabase } from "../contract/local/database.ts";

let postgres: Postgres;
beforeAll(async () => {
  postgres = await temporaryDatabase();
});
afterAll(() => postgres.stop());

test("counts documents by table, executions by workflow, mails and posts", async () => {
  const { pool } = postgres;
  expect(await readTotals(pool)).toEqual({ mails: 0, posts: 0, documents: {}, executions: {} });
  for (const sk of ["a", "b"]) await table({ name: "notes", pool }).put({ pk: "N", sk }, {});
  await table({ name: "books", pool }).put({ pk: "B", sk: "a" }, {});
  await workflow({ name: "saga", pool }).start("one", {});
  await mailer({ name: "mailer", pool, from: "a@b.c" }).send({
    to: "d@e.f",
    subject: "s",
    text: "t",
  });
  expect(await readTotals(pool)).toEqual({
    mails: 1,
    posts: 0,
    documents: { notes: 2, books: 1 },
    executions: { saga: 1 },
  });
});

test("says how far a stream was read, by shard", async () => {
  const { pool } = postgres;
  await stream({ name: "clicks", pool, partitions: 1 }).put(
    ["a", "b", "c"].map((key) => ({ key, body: key })),
  );
  const positions = () => positionsIn(pool)("clicks", "counter");
  expect(await positions()).toEqual([{ shard: "shard 0", behind: 3 }]);
  await pool.query("insert into spillway.stream_readers values ('clicks', 'counter', 0, 2)");
  expect(await positions()).toEqual([{ shard: "shard 0", at: "2", behind: 1 }]);
});

test("says how many changes of a table wait, and only those of the reader", async () => {
  const { pool } = postgres;
  await subscribe(pool, "watched", ["first", "second"]);
  await table({ name: "watched", pool }).put({ pk: "W", sk: "a" }, {});
  await pool.query("delete from spillway.changes where consumer = 'second'");
  expect(await positionsIn(pool)("watched", "first")).toMatchObject([{ behind: 1 }]);
  expect(await positionsIn(pool)("watched", "second")).toEqual([]);
});
