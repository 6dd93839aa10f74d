import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
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
  expect(plan.twins).toEqual(["orders", "graphql"]);
});

/** What the plan says of a stack's config. */
const faultsOf = (config: Readonly<Record<string, unknown>>) => {
  const raw = Object.entries(config).map(([key, value]) => [
    key,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return planStack(system, parseSettings(Object.fromEntries(raw), system, []), () => true).faults;
};

test("all that cannot be deployed is said at once, before any resource is made", () => {
  const faults = faultsOf({
    network: { nat: "none" },
    database: { storageGb: 200, maxStorageGb: 100 },
    cache: { nodes: 9 },
    placement: { users: "container" },
    capacity: { users: { min: 5, max: 2, on: "moon" } },
    scanner: "true",
  });
  expect(faults).toEqual(
    expect.arrayContaining([
      expect.stringContaining("database.maxStorageGb 100 with storageGb 200"),
      "cache.nodes 9; use 1 to 6",
      'migrations of sql "ledger": runs inside the network and reads the master user\'s secret, which has no door to secret; give network.endpoints: [secret], or network.nat: one',
      expect.stringMatching(/^scanner "antivirus" .*; give network\.nat: one$/),
      // On a function, for the database that it uses.
      expect.stringMatching(/^workload "\w+": runs inside the network for sql "\w+", which has no/),
      'workload "users": capacity of 5 to 2 tasks; give whole numbers, min from 0, max from 1 and min',
      'workload "users": capacity.on "moon"; use one of fargate, ec2',
      expect.stringMatching(
        /^workload "users": runs inside the network in a container, which has no door to .*identity.*; give network\.endpoints: \[.*\], or network\.nat: one$/,
      ),
    ]),
  );
  expect(new Set(faults).size).toBe(faults.length);
});

test("a network without NAT is one that the plan takes with the endpoints that it asks for", () => {
  const closed = { network: { nat: "none" }, placement: { users: "container" } };
  const asked = faultsOf(closed).flatMap((fault) =>
    (/give network\.endpoints: \[(.*)\]/.exec(fault)?.[1] ?? "").split(", "),
  );
  const endpoints = [...new Set(asked)].filter((kind) => kind !== "");
  expect(endpoints).toEqual(expect.arrayContaining(["identity", "registry", "secret"]));
  const left = faultsOf({ ...closed, network: { nat: "none", endpoints } });
  // What no endpoint leads to.
  for (const fault of left) expect(fault).toMatch(/has no way out to \w+ "/);
});
