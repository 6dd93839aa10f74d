/**
 * `npm run drill -- kill [--orders N] [--images N] [--kills N] [--seed N] [--json]`: kills the local
 * host while it works, and looks whether anything was lost or done twice. Exit 0 where nothing was,
 * 1 where something was, 2 for what it does not understand.
 */
import { parseArgs } from "node:util";
import { killDrill } from "./kill.ts";

const usage =
  "use: npm run drill -- kill [--orders 10000] [--images 500] [--kills 50] [--seed 1] [--json]";
const asked = options();
if (typeof asked === "string") {
  console.error(`drill: ${asked}; ${usage}`);
  process.exit(2);
}
const { json, ...size } = asked;
const began = performance.now();
const say = (line: string) =>
  console.error(`${((performance.now() - began) / 1000).toFixed(1)} s  ${line}`);

say(`seed ${size.seed}: the same seed sends the same`);
const { results, faults } = await killDrill(size, say);
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
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        orders: { type: "string", default: "10000" },
        images: { type: "string", default: "500" },
        kills: { type: "string", default: "50" },
        seed: { type: "string", default: "1" },
        json: { type: "boolean", default: false },
      },
    });
    if (positionals.join(" ") !== "kill") return `"${positionals.join(" ")}" is no drill`;
    const { json, ...texts } = values;
    const bad = Object.entries(texts).find(([, text]) => !/^[1-9]\d{0,8}$/.test(text));
    if (bad) return `--${bad[0]} "${bad[1]}" is no whole number above 0`;
    const [orders, images, kills, seed] = [texts.orders, texts.images, texts.kills, texts.seed].map(
      Number,
    ) as [number, number, number, number];
    return { orders, images, kills, seed, json };
  } catch (error) {
    return (error as Error).message;
  }
}
