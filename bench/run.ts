/**
 * `npm run bench -- <name> [--json] [--only <part>]`: figures of one run, each a ratio against a
 * baseline of the same run, a count or a size. Exit 0 even where a goal is missed.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import type { Bench, Result } from "./result.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, only: { type: "string" } },
});
const [name = ""] = positionals;
const file = path.join(import.meta.dirname, `${name}.ts`);
const own = ["run", "result", "processes", "server"];
if (!/^[a-z-]+$/.test(name) || own.includes(name) || !existsSync(file)) {
  console.error(
    `bench: "${name}" is no benchmark; use: npm run bench -- edge|events|admission|burst [--json]`,
  );
  process.exit(2);
}

const { parts } = (await import(file)) as { parts: Readonly<Record<string, Bench>> };
if (values.only !== undefined && !Object.hasOwn(parts, values.only)) {
  console.error(
    `bench: ${name} has no part "${values.only}"; use ${Object.keys(parts).join(", ")}`,
  );
  process.exit(2);
}
const results: Result[] = [];
for (const [part, bench] of Object.entries(parts)) {
  if (values.only !== undefined && values.only !== part) continue;
  console.error(`bench: ${name} ${part} …`);
  results.push(...(await bench()));
}
if (values.json) console.log(JSON.stringify({ results }, null, 2));
else
  console.table(
    Object.fromEntries(
      results.map((r) => [r.name, { value: r.value, unit: r.unit, goal: r.goal, ok: r.ok }]),
    ),
  );
process.exit(0);
