import { describe, expect, test } from "vitest";
import {
  explain,
  type Placement,
  placeAll,
  placementFaults,
  summary,
} from "../../planner/index.ts";
import { defineSystem, http } from "../../spec/index.ts";
import { system } from "../../system.ts";
import { load } from "./workloads.ts";

/** One row a placement, columns aligned. */
const table = (placements: readonly Placement[]) =>
  placements.map(({ name, host, edge }) => `${name.padEnd(13)} ${host.padEnd(13)} ${edge}`);

const one = (placements: readonly Placement[], name: string) => {
  const found = placements.find((placement) => placement.name === name);
  if (!found) throw new Error(`no placement of ${name}`);
  return found;
};

describe("storefront", () => {
  const placements = placeAll(system);

  test("keeps its baseline on containers and sends bursts and events to functions", () => {
    // Named rows: a team that adds a workload has nothing to change here.
    const rows = [
      "users         function      gateway",
      "auth          function      gateway",
      "webhooks      function      gateway",
      "webhookEvents function      none",
      "signUpRules   function      none",
      "welcome       function      none",
      "mailCode      function      none",
      "notify        function      none",
      "thumbnails    function      none",
      "fulfil        function      none",
      "activity      function      none",
      "alerts        function      none",
      "catalogFeed   function      none",
      "clickstream   function      none",
      "dailyReport   function      none",
      "checkout      function      none",
      "orders        container     gateway",
      "graphql       container     gateway",
      "presence      container     load-balancer",
      "reports       function      gateway",
      "reportJob     container     none",
      "classify      gpu-container none",
    ];
    expect(table(placements)).toEqual(expect.arrayContaining(rows));
  });

  test("can be deployed as placed", () => {
    expect(placementFaults(placements)).toEqual([]);
  });

  test("shares the load balancer and NAT among those that are in the network", () => {
    const items = one(placements, "orders").monthly.items.map(({ what }) => what);
    expect(items).toContain("load balancer, shared by 3");
    expect(items).toContain("NAT gateway, shared by 7");
  });

  test("moves a workload by one line of stack config, and says what that costs", () => {
    const moved = one(placeAll(system, { overrides: { users: "container" } }), "users");
    expect(summary(moved)).toMatch(/^users: container, about \$\d+(\.\d\d)? a month$/);
    expect(explain(moved).join("\n")).toMatch(
      /override: stack config asks for container instead of function: .+ more/,
    );
  });

  test("refuses an override of a workload that there is not", () => {
    expect(() => placeAll(system, { overrides: { usres: "container" } })).toThrow(
      /^Placement "usres": no workload has that name; use one of users, auth, webhooks/,
    );
  });

  test("refuses to run the report job as a function", () => {
    expect(() => placeAll(system, { overrides: { reportJob: "function" } })).toThrow(
      'Placement "reportJob": override "function", but maximum 50 min is over the 15 min that a function may run; use container or change the workload',
    );
  });
});

describe("explain", () => {
  const lines = explain(one(placeAll(system), "reportJob"));

  test("tells host, reasons, cost and rejections, limits marked", () => {
    expect(lines[0]).toMatch(/^reportJob: container, about \$\d+\.\d\d a month$/);
    expect(lines).toContain(
      "  duration (limit): maximum 50 min is over the 15 min that a function may run",
    );
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^ {2}\$\d+\.\d\d {2}a task for each run, CPU: \d+ at \$0\.03238 a vCPU-hour$/,
      ),
    );
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}not function: duration \(limit\): /));
    expect(lines.at(-1)).toMatch(/^ {2}list prices of us-east-1, 2026-11-21, without: stores/);
  });
});

describe("limits of the edge", () => {
  const apis = (count: number) =>
    defineSystem({
      name: "wide",
      workloads: Object.fromEntries(
        Array.from({ length: count }, (_, n) => [
          `api${n}`,
          http({ code: "functions/api", routes: [`GET /${n}`], auth: "none", load: load() }),
        ]),
      ),
    });

  test("one HTTP API has 300 integrations", () => {
    expect(placementFaults(placeAll(apis(300)))).toEqual([]);
    expect(placementFaults(placeAll(apis(301)))).toEqual([
      "Placement: 301 workloads behind one HTTP API, which has 300 integrations; merge some or split the system",
    ]);
  });
});

describe("a sum too small to print", () => {
  test("is under a cent", () => {
    expect(summary(one(placeAll(system), "alerts"))).toBe("alerts: function, under $0.01 a month");
  });
});
