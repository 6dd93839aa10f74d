import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { instanceFaults } from "../../../components/aws/instance-plan.ts";
import { capacityFaults, scalingOf } from "../../../components/aws/scaling-plan.ts";
import { planStack } from "../../../components/aws/stack-plan.ts";
import { parseSettings } from "../../../settings.ts";
import { system } from "../../../system.ts";

const docs = readFileSync(new URL("../../../docs/containers.md", import.meta.url), "utf8");

/** The stack config that docs/containers.md shows, as Pulumi hands it to the program. */
function example(): Readonly<Record<string, string>> {
  const [block = ""] = /^ {4}config:\n(?: {4}.*\n)+/m.exec(docs) ?? [];
  const { config } = parse(block) as { config: Readonly<Record<string, unknown>> };
  const entries = Object.entries(config).map(([key, value]) => [
    key.replace(/^spillway:/, ""),
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return Object.fromEntries(entries);
}

test("the stack config of the docs is one that storefront takes as a whole", () => {
  const raw = example();
  expect(Object.keys(raw)).toEqual(
    expect.arrayContaining(["network", "database", "capacity", "overflow", "cutover"]),
  );
  const settings = parseSettings(raw, system, []);
  const plan = planStack(system, settings, () => true);
  expect(plan.faults).toEqual([]);
  // What the component itself refuses.
  for (const [name, capacity] of Object.entries(settings.capacity)) {
    const workload = system.workloads[name as keyof typeof system.workloads];
    expect(capacityFaults(scalingOf(workload, capacity))).toEqual([]);
    expect(instanceFaults(workload, capacity)).toEqual([]);
  }
  expect(plan.twins).toEqual(["orders", "graphql"]);
});
