import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Postgres } from "../../../runtime/adapters/local/postgres.ts";
import { documents, table } from "../../../runtime/adapters/local/table.ts";
import { tableContract } from "../suites/table.ts";
import { temporaryDatabase } from "./database.ts";

tableContract("local table", {
  async make() {
    const { pool, stop } = await temporaryDatabase();
    return { table: table({ name: "catalog", pool }), close: stop };
  },
});

describe("the list of documents for the dashboard", () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await temporaryDatabase();
  });
  afterAll(() => postgres?.stop());

  it("has the newest of its table first, no more than were asked for", async () => {
    const { pool } = postgres;
    const names = ["one", "two"];
    for (const sk of ["a", "b", "c"])
      for (const name of names) await table({ name, pool }).put({ pk: "p", sk }, { name });
    await table({ name: "one", pool }).put({ pk: "p", sk: "a" }, { again: true });
    const found = await documents({ name: "one", pool, limit: 2 });
    expect(found.map(({ sk }) => sk)).toEqual(["a", "c"]);
    expect(found[0]).toEqual({
      pk: "p",
      sk: "a",
      document: { again: true },
      storedAt: expect.any(Date),
    });
  });

  it("keeps tables of one database apart", async () => {
    const { pool } = postgres;
    const [one, two] = [randomUUID(), randomUUID()].map((name) => table({ name, pool }));
    await one?.put({ pk: "p", sk: "s" }, {});
    expect(await two?.get({ pk: "p", sk: "s" })).toBeUndefined();
    expect(await one?.once("key", () => {})).toBe(true);
    expect(await two?.once("key", () => {})).toBe(true);
  });
});
