import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { files, read } from "../../repo/sources.ts";

const program = path.join(import.meta.dirname, "farewell-program.ts");

/** Runs the program to its end. */
async function run(way: string, moment: string) {
  const child = spawn(process.execPath, [program, way, moment], { timeout: 30_000 });
  let out = "";
  let error = "";
  child.stdout.on("data", (chunk) => (out += chunk));
  child.stderr.on("data", (chunk) => (error += chunk));
  const [code] = await once(child, "close");
  return { code, out: out.trim(), error };
}

describe("a server's farewell", () => {
  test.each(["sqlPool", "inTransaction", "takeOwnership", "leases"])(
    "with its welcome fails what %s was to do, and ends no process",
    async (way) => {
      const rejected = "rejected rejected rejected";
      expect(await run(way, "welcome")).toEqual({ code: 0, out: rejected, error: "" });
    },
  );

  test.each(["sqlPool", "inTransaction"])("with an answer ends no process of %s", async (way) => {
    expect(await run(way, "answer")).toMatchObject({ code: 0, error: "" });
  });
});

test("nothing opens a pool but what listens to it", () => {
  const product = files(/^(runtime|local|functions|components|cli|tools)\/.*\.ts$/);
  expect(product.filter((file) => /\bnew (pg\.)?Pool\(/.test(read(file)))).toEqual([
    "runtime/adapters/pool.ts",
  ]);
});
