import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { bundleMigrations } from "../../../components/shared/migration-bundles.ts";
import { defineSystem, sql, table } from "../../../spec/index.ts";
import { root } from "../../repo/sources.ts";

const folder = mkdtempSync(join(tmpdir(), "spillway-migrations-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Bundles the store of a system whose migrations are these files. */
let count = 0;
function bundled(files: Readonly<Record<string, string>>, store = "ledger") {
  const own = join(folder, `${count++}`);
  mkdirSync(own);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(own, file), text);
  const system = defineSystem({
    name: "books",
    // From the project's root, as declarations name folders.
    stores: { ledger: sql({ migrations: relative(root, own) }), notes: table() },
    workloads: {},
  });
  const outDir = join(folder, "out");
  return bundleMigrations({ system, stores: [store], root, outDir });
}

describe("a bundle of migrations", () => {
  test("is a function that has them in it, and what applies them", async () => {
    const text = "create table orders (id text); -- naïve 'quotes' and `more` $1\n";
    const { ledger } = await bundled({ "0001-orders.sql": text, ".hidden": "no" });
    vi.stubEnv("SPILLWAY_SQL_LEDGER", "postgres://nobody");
    vi.stubEnv("SPILLWAY_MASTER_SECRET", "arn:secret");
    onTestFinished(() => void vi.unstubAllEnvs());
    const { handler } = await import(ledger?.bundle ?? "");
    // It gets as far as the location, which is none.
    await expect(handler()).rejects.toThrow('sql "ledger": its location is no postgres://');
    expect(ledger?.bytes).toBeLessThan(700_000);
  });

  test("has a hash of the migrations alone, whatever line ends git chose", async () => {
    const hashOf = async (files: Readonly<Record<string, string>>) =>
      (await bundled(files)).ledger?.migrations;
    const one = await hashOf({ "0001-orders.sql": "select 1;\nselect 2;\n" });
    expect(await hashOf({ "0001-orders.sql": "select 1;\r\nselect 2;\r\n" })).toBe(one);
    expect(await hashOf({ "0001-orders.sql": "select 1;" })).not.toBe(one);
    expect(await hashOf({ "0001-other.sql": "select 1;\nselect 2;\n" })).not.toBe(one);
  });

  test.each([
    ["none", {}, "no migrations in"],
    ["a name that is none", { "orders.sql": "" }, "migration orders.sql; number them without gaps"],
    ["a gap", { "0001-a.sql": "", "0003-b.sql": "" }, "migration 0003-b.sql; number them"],
  ])("is refused with %s", async (_, files, message) => {
    await expect(bundled(files)).rejects.toThrow(message);
  });

  test("is refused for a store that has no migrations", async () => {
    await expect(bundled({}, "notes")).rejects.toThrow('store "notes" is no sql store');
    await expect(bundled({}, "nothing")).rejects.toThrow('store "nothing" is no sql store');
  });
});
