import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { adaptiveLimit } from "../../../runtime/overflow/limit.ts";
import { overload, seeded, settled } from "./servers.ts";

const steady = () => 0.5;
/** Where the gradient rests: a quarter above the knee, and the square root that it may grow by. */
const rest = (knee: number): number => {
  let limit = knee;
  for (let i = 0; i < 50; i++) limit = 1.25 * knee + Math.sqrt(limit);
  return limit;
};

describe("the limit", () => {
  test("stays between floor and ceiling, whatever it is told", () => {
    const number = fc.oneof(fc.double(), fc.integer({ min: -10, max: 100_000 }));
    void fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 0, max: 500 }),
        fc.array(fc.tuple(number, number, fc.nat(1000), fc.boolean()), { maxLength: 300 }),
        (floor, more, samples) => {
          const limit = adaptiveLimit({ floor, ceiling: floor + more }, steady);
          for (const sample of samples) {
            limit.sample(...sample);
            expect(limit.current()).toBeGreaterThanOrEqual(floor);
            expect(limit.current()).toBeLessThanOrEqual(floor + more);
          }
        },
      ),
    );
  });

  test("comes to rest at the knee of any server: no lower, and not far above", () => {
    void fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 80 }),
        fc.integer({ min: 2, max: 200 }),
        fc.integer({ min: 3, max: 60 }),
        (workers, serviceMs, initial) => {
          const limit = adaptiveLimit({ initial }, steady);
          const run = overload(limit, { workers, serviceMs: () => serviceMs }, 35_000);
          const found = settled(run, 25_000);
          expect(found).toBeGreaterThanOrEqual(Math.min(workers, 200));
          expect(found).toBeLessThanOrEqual(1.1 * rest(workers) + 2);
        },
      ),
      { numRuns: 12 },
    );
  });

  test("finds the knee though requests take from a moment to many times the mean", () => {
    const random = seeded(7);
    const exponential = () => -20 * Math.log(1 - random());
    const limit = adaptiveLimit({}, steady);
    const found = settled(overload(limit, { workers: 20, serviceMs: exponential }, 60_000), 20_000);
    expect(found).toBeGreaterThanOrEqual(16);
    expect(found).toBeLessThanOrEqual(2 * 20);
  });

  test("goes to the ceiling of a server that no load slows", () => {
    const limit = adaptiveLimit({ ceiling: 60 }, steady);
    const run = overload(limit, { workers: 1_000, serviceMs: () => 50 }, 20_000);
    expect(settled(run, 15_000)).toBe(60);
  });

  test("gives way within seconds when the server has fewer workers' worth of strength", () => {
    const limit = adaptiveLimit({}, steady);
    const model = { workers: 40, serviceMs: (now: number) => (now < 20_000 ? 20 : 80) };
    const { limits } = overload(limit, model, 24_000);
    const before = limits.findLast(({ at }) => at < 20_000)?.limit ?? 0;
    const lowest = Math.min(...limits.filter(({ at }) => at > 20_000).map(({ limit }) => limit));
    expect(lowest).toBeLessThan(before / 2);
  });

  test("recovers after a slow phase", () => {
    void fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 20 }),
        fc.integer({ min: 1_000, max: 60_000 }),
        (times, lasts) => {
          const limit = adaptiveLimit({}, steady);
          const slow = (now: number) => now > 15_000 && now < 15_000 + lasts;
          const serviceMs = (now: number) => (slow(now) ? 20 * times : 20);
          // By then what is at ease was measured anew.
          const run = overload(limit, { workers: 30, serviceMs }, 95_000 + lasts);
          const found = settled(run, 85_000 + lasts);
          expect(found).toBeGreaterThanOrEqual(30);
          expect(found).toBeLessThanOrEqual(rest(30) + 2);
        },
      ),
      { numRuns: 8 },
    );
  });

  test("learns that a server has become slower for good, and lets as many in as before", () => {
    const limit = adaptiveLimit({}, steady);
    const serviceMs = (now: number) => (now < 10_000 ? 20 : 60);
    const found = settled(overload(limit, { workers: 30, serviceMs }, 150_000), 120_000);
    expect(found).toBeGreaterThanOrEqual(30);
    expect(limit.atEase()).toBeCloseTo(60, -1);
  });

  test("is not raised by failures that come at once", () => {
    const limit = adaptiveLimit({ initial: 20 }, steady);
    for (let i = 0; i < 500; i++) limit.sample(i * 10, 50, 20);
    const before = limit.atEase();
    for (let i = 0; i < 500; i++) limit.sample(5_000 + i * 10, 1, 20, true);
    expect(limit.atEase()).toBe(before);
  });

  test("is not changed while half of it is not used", () => {
    const limit = adaptiveLimit({ initial: 40 }, steady);
    for (let i = 0; i < 2_000; i++) limit.sample(i * 10, 50, 5);
    expect(limit.current()).toBe(40);
  });

  test("has nothing to do with the time of day", () => {
    const course = () =>
      overload(adaptiveLimit({}, steady), { workers: 12, serviceMs: () => 15 }, 10_000).limits;
    const calm = course();
    const jumps = seeded(3);
    const day = vi.spyOn(Date, "now").mockImplementation(() => jumps() * 1e13);
    expect(course()).toEqual(calm);
    day.mockRestore();
  });

  test("takes no harm from a clock that goes back or leaps", () => {
    const limit = adaptiveLimit({}, steady);
    const model = { workers: 20, serviceMs: () => 20 };
    const leaps = (now: number) =>
      now < 5_000 ? now : now < 10_000 ? now - 86_400_000 : now + 86_400_000;
    const found = settled(overload(limit, model, 40_000, leaps), 30_000);
    expect(found).toBeGreaterThanOrEqual(20);
    expect(found).toBeLessThanOrEqual(rest(20) + 2);
  });

  test.each([1, 2, 3, 4])("takes a ceiling of %s alone, under which the floor stays", (ceiling) => {
    const limit = adaptiveLimit({ ceiling }, steady);
    expect(limit.current()).toBe(ceiling);
    expect(() => adaptiveLimit({ ceiling: 0 })).toThrow(/use 1 <= floor <= ceiling/);
  });

  test.each([
    [0, 10],
    [5, 4],
    [1, Number.POSITIVE_INFINITY],
    [Number.NaN, 10],
  ])("refuses floor %s with ceiling %s", (floor, ceiling) => {
    expect(() => adaptiveLimit({ floor, ceiling })).toThrow(/use 1 <= floor <= ceiling/);
  });
});
