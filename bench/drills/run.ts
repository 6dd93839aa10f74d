/**
 * `npm run drill -- <name> [options] [--json]`: takes away what the local host stands on while it
 * works, and looks whether anything was lost or done twice. Exit 0 where nothing was, 1 where
 * something was, 2 for what it does not understand.
 */
import { parseArgs } from "node:util";
import { type Drill, killDrill } from "./kill.ts";
import { outageDrill } from "./outage.ts";

type Say = (line: string) => void;
interface Kind {
  /** Whole numbers above 0, by option. */
  readonly defaults: Readonly<Record<string, number>>;
  run(size: Readonly<Record<string, number>>, say: Say): Promise<Drill>;
}
const kinds: Readonly<Record<string, Kind>> = {
  kill: {
    defaults: { orders: 10_000, images: 500, kills: 50, seed: 1 },
    run: (size, say) => killDrill(size as never, say),
  },
  outage: {
    defaults: { rate: 10, seconds: 20 },
    run: (size, say) => outageDrill(size as never, say),
  },
};
const usage = `use: ${Object.entries(kinds)
  .map(([name, { defaults }]) => {
    const given = Object.entries(defaults).map(([option, value]) => `[--${option} ${value}]`);
    return `npm run drill -- ${name} ${given.join(" ")} [--json]`;
  })
  .join(", or ")}`;
const asked = options();
if (typeof asked === "string") {
  console.error(`drill: ${asked}; ${usage}`);
  process.exit(2);
}
const { json, kind, size } = asked;
const began = performance.now();
const say = (line: string) =>
  console.error(`${((performance.now() - began) / 1000).toFixed(1)} s  ${line}`);

if (size.seed !== undefined) say(`seed ${size.seed}: the same seed sends the same`);
const { results, faults } = await kind.run(size, say);
for (const fault of faults.slice(0, 50)) console.error(fault);
if (faults.length > 50) console.error(`… and ${faults.length - 50} more`);
if (json) console.log(JSON.stringify({ results }, null, 2));
else
  console.table(
    Object.fromEntries(
      results.map(({ name, ...one }) => [
        name,
        { value: one.value, unit: one.unit, goal: one.goal, ok: one.ok },
      ]),
    ),
  );
process.exit(results.every(({ ok }) => ok) ? 0 : 1);

/** What is asked for, or what is wrong with it. */
function options() {
  const [name = "", ...args] = process.argv.slice(2);
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (!kind) return `"${name}" is no drill`;
  try {
    const { values } = parseArgs({
      args,
      options: {
        json: { type: "boolean", default: false },
        ...Object.fromEntries(
          Object.keys(kind.defaults).map((option) => [option, { type: "string" } as const]),
        ),
      },
    });
    const { json, ...texts } = values as { json: boolean } & Record<string, string>;
    const bad = Object.entries(texts).find(([, text]) => !/^[1-9]\d{0,8}$/.test(text));
    if (bad) return `--${bad[0]} "${bad[1]}" is no whole number above 0`;
    const given = Object.entries(texts).map(([option, text]) => [option, Number(text)]);
    return { json, kind, size: { ...kind.defaults, ...Object.fromEntries(given) } };
  } catch (error) {
    return (error as Error).message;
  }
}
