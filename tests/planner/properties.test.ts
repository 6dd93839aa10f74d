import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { costOf, explain, hosts, place, questions } from "../../planner/index.ts";
import { anyWorkload } from "./workloads.ts";

describe("for every workload that can be declared", () => {
  test("there is a placement, and lines that explain it", () => {
    fc.assert(
      fc.property(anyWorkload, (workload) => {
        const lines = explain(place("x", workload));
        expect(lines.length).toBeGreaterThan(6);
        expect(lines.join("\n")).not.toMatch(/undefined|NaN|Infinity|∞/);
      }),
    );
  });

  test("it is the same each time, and the declaration is left as it was", () => {
    fc.assert(
      fc.property(anyWorkload, (workload) => {
        const before = structuredClone(workload);
        expect(place("x", workload)).toEqual(place("x", structuredClone(workload)));
        expect(workload).toEqual(before);
      }),
    );
  });

  test("every host is either the chosen one or rejected with a reason", () => {
    fc.assert(
      fc.property(anyWorkload, (workload) => {
        const { host, rejected } = place("x", workload);
        expect([host, ...rejected.map((r) => r.host)].sort()).toEqual([...hosts].sort());
        for (const { because } of rejected) expect(because.length).toBeGreaterThan(0);
      }),
    );
  });

  test("all six questions are answered, in their order", () => {
    fc.assert(
      fc.property(anyWorkload, (workload) => {
        const order = place("x", workload)
          .because.filter(({ text }) => !text.startsWith("against it: "))
          .map(({ question }) => (questions as readonly string[]).indexOf(question));
        expect(order).toEqual(order.toSorted((a, b) => a - b));
        const answered = place("x", workload).because.map(({ question }) => question);
        expect(answered).toEqual(expect.arrayContaining([...questions]));
      }),
    );
  });

  test("no limit speaks against the chosen host, unless all hosts have one", () => {
    fc.assert(
      fc.property(anyWorkload, (workload) => {
        const { unmet, rejected } = place("x", workload);
        if (unmet.length === 0) return;
        for (const { because } of rejected)
          expect(because.some(({ kind }) => kind === "limit")).toBe(true);
      }),
    );
  });

  test("an override is either taken or refused by name", () => {
    fc.assert(
      fc.property(anyWorkload, fc.constantFrom(...hosts), (workload, override) => {
        try {
          expect(place("x", workload, { override }).host).toBe(override);
        } catch (error) {
          expect((error as Error).message).toMatch(/^Placement "x": override ".+", but .+; use /);
        }
      }),
    );
  });

  test("more load never costs less on the same host", () => {
    fc.assert(
      fc.property(
        anyWorkload,
        fc.constantFrom(...hosts),
        fc.double({ min: 1, max: 100, noNaN: true }),
        (workload, host, factor) => {
          const more = {
            ...workload,
            load: { ...workload.load, perDay: workload.load.perDay * factor },
          };
          const [a, b] = [costOf(host, workload).amount, costOf(host, more).amount];
          if (a === "unknown" || b === "unknown") expect(a).toBe(b);
          else expect(b).toBeGreaterThanOrEqual(a * (1 - 1e-12));
        },
      ),
    );
  });

  test("a cost is a positive number or unknown, and the sum of its items", () => {
    fc.assert(
      fc.property(anyWorkload, fc.constantFrom(...hosts), (workload, host) => {
        const { amount, items } = costOf(host, workload);
        const unknown = items.some((item) => item.amount === "unknown");
        if (amount === "unknown") expect(unknown).toBe(true);
        else {
          expect(amount).toBeGreaterThan(0);
          expect(amount).toBeLessThan(Number.POSITIVE_INFINITY);
          expect(items.reduce((sum, item) => sum + Number(item.amount), 0)).toBe(amount);
        }
      }),
    );
  });
});
