import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { callCost, hourlyBudget } from "../../../runtime/overflow/budget.ts";

const hour = 3_600_000;

describe("a budget of requests", () => {
  test("lets so many through in any hour, those in flight counted", () => {
    const one = hourlyBudget({ perHour: 2 });
    const first = one.reserve(0);
    expect(one.reserve(0)).toBeDefined();
    expect(one.reserve(0)).toBeUndefined();
    first?.(10, 0);
    expect(one.reserve(hour / 2)).toBeUndefined();
    expect(one.spent(hour / 2)).toBe(2);
  });

  test("has room again when an hour has passed", () => {
    const one = hourlyBudget({ perHour: 1 });
    one.reserve(0)?.(10, 0);
    expect(one.reserve(hour - 60_001)).toBeUndefined();
    expect(one.reserve(hour)).toBeDefined();
  });

  test("is not spent by calls that were not made", () => {
    const one = hourlyBudget({ perHour: 1 });
    one.reserve(0)?.(undefined, 0);
    expect(one.spent(0)).toBe(0);
    expect(one.reserve(0)).toBeDefined();
  });

  test("is not passed, in whatever order calls begin and end", () => {
    void fc.assert(
      fc.property(
        fc.nat(20),
        fc.array(fc.tuple(fc.nat(600_000), fc.boolean()), { maxLength: 200 }),
        (perHour, steps) => {
          const one = hourlyBudget({ perHour });
          const open: ((ms: number | undefined, now: number) => void)[] = [];
          let now = 0;
          for (const [pause, ends] of steps) {
            now += pause;
            if (ends) open.shift()?.(10, now);
            else {
              const reserved = one.reserve(now);
              if (reserved) open.push(reserved);
            }
            expect(one.spent(now)).toBeLessThanOrEqual(perHour);
          }
        },
      ),
    );
  });
});

describe("a budget in money", () => {
  const prices = { perRequest: 0.0000002, perGbSecond: 0.0000133334, memoryMb: 512 };

  test("counts requests and GB-seconds at the prices that it was given", () => {
    expect(callCost(prices)(1_000)).toBeCloseTo(0.0000002 + 0.5 * 0.0000133334, 12);
  });

  test("is spent by what calls took, and closes when it is", () => {
    const one = hourlyBudget({ perHour: callCost(prices)(1_000) * 3.5, prices });
    one.reserve(0)?.(1_000, 0);
    one.reserve(0)?.(1_000, 0);
    expect(one.reserve(0)).toBeDefined();
    expect(one.reserve(0)).toBeUndefined();
  });

  test("learns what calls cost", () => {
    const one = hourlyBudget({ perHour: callCost(prices)(100) * 100, prices });
    let made = 0;
    for (let now = 0; ; now++) {
      const end = one.reserve(now);
      if (!end) break;
      end(100, now);
      made += 1;
    }
    expect(made).toBeGreaterThan(95);
    expect(made).toBeLessThanOrEqual(100);
  });
});
