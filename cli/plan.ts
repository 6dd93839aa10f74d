import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { explain, explainLockIn, lockIn, placeAll, placementFaults } from "../planner/index.ts";
import type { System } from "../spec/index.ts";

/**
 * `spillway plan [workload…] [--json]`: where each workload runs, why, what that costs, and which
 * resources tie the system to one cloud.
 * @returns the exit code: 0, or 2 with the remedy on bad input
 */
export async function plan(argv: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      options: { json: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    const file = path.join(process.cwd(), "system.ts");
    const { system } = (await import(pathToFileURL(file).href)) as { system: System };
    const unknown = positionals.filter((name) => !Object.hasOwn(system.workloads, name));
    if (unknown.length > 0)
      throw new Error(
        `no workload "${unknown.join('", "')}"; use one of ${Object.keys(system.workloads).join(", ")}`,
      );
    const placed = placeAll(system).filter(
      ({ name }) => positionals.length === 0 || positionals.includes(name),
    );
    const natives = lockIn(system);
    if (values.json) console.log(JSON.stringify({ placements: placed, lockIn: natives }, null, 2));
    else
      console.log(
        [
          ...placed.map((placement) => explain(placement).join("\n")),
          ...natives.map(explainLockIn),
        ].join("\n\n"),
      );
    for (const fault of placementFaults(placed)) console.error(fault);
    return 0;
  } catch (error) {
    console.error(`spillway plan: ${(error as Error).message}`);
    return 2;
  }
}
