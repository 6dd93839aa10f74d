import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bucketOf, percentile } from "../../../runtime/adapters/local/durations.ts";

const counted = (times: readonly number[]) =>
  times.map((ms) => ({ bucket: bucketOf(ms), count: 1 }));

describe("a percentile of durations", () => {
  it("is within 2.5 % of that of the durations themselves", () => {
    const ms = fc.double({ min: 0.1, max: 3_600_000, noNaN: true });
    fc.assert(
      fc.property(fc.array(ms, { minLength: 1, maxLength: 300 }), (times) => {
        const exact = times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1] ?? 0;
        const found = percentile(counted(times), 0.99) ?? 0;
        expect(Math.abs(found / exact - 1)).toBeLessThanOrEqual(0.025);
      }),
    );
  });

  it("of none is none", () => {
    expect(percentile([], 0.99)).toBeUndefined();
  });

  it.each([0, -1, 1e-9, Number.NaN])("takes %d ms for the shortest that it knows", (ms) => {
    expect(percentile(counted([ms]), 0.5)).toBe(0.1);
  });

  it("takes what is over an hour for one", () => {
    expect((percentile(counted([1e12]), 0.5) ?? 0) / 3_600_000).toBeCloseTo(1, 1);
  });
});
