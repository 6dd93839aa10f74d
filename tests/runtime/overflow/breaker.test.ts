import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Breaker, breaker } from "../../../runtime/overflow/breaker.ts";

const calls = (one: Breaker, count: number, ok: boolean, now: number) => {
  for (let i = 0; i < count; i++) one.call(now)?.(ok, now);
};

describe("the breaker", () => {
  test("opens when of twenty calls ten have failed", () => {
    const one = breaker();
    calls(one, 10, true, 0);
    calls(one, 9, false, 0);
    expect(one.state(0)).toBe("closed");
    calls(one, 1, false, 0);
    expect(one.state(0)).toBe("open");
    expect(one.call(0)).toBeUndefined();
    expect(one.retryMs(1_000)).toBe(4_000);
  });

  test("forgets what is older than ten seconds", () => {
    const one = breaker();
    calls(one, 19, false, 0);
    calls(one, 1, false, 10_000);
    expect(one.state(10_000)).toBe("closed");
  });

  test("lets one probe through when its time is over, and closes with its success", () => {
    const one = breaker();
    calls(one, 20, false, 0);
    expect(one.call(4_999)).toBeUndefined();
    const probe = one.call(5_000);
    expect(one.state(5_000)).toBe("half-open");
    expect(one.call(5_000)).toBeUndefined();
    probe?.(true, 5_100);
    expect(one.state(5_100)).toBe("closed");
    expect(one.call(5_100)).toBeDefined();
  });

  test("stays open for as long again when the probe fails", () => {
    const one = breaker();
    calls(one, 20, false, 0);
    one.call(5_000)?.(false, 6_000);
    expect(one.state(6_000)).toBe("open");
    expect(one.retryMs(6_000)).toBe(5_000);
  });

  test("lets another probe through where the client of the first has gone", () => {
    const one = breaker();
    calls(one, 20, false, 0);
    one.call(5_000)?.(undefined, 5_500);
    expect(one.call(5_500)).toBeDefined();
  });

  test("does not hear of calls that were made before it opened", () => {
    const one = breaker();
    const old = Array.from({ length: 30 }, () => one.call(0));
    calls(one, 20, false, 0);
    one.call(5_000)?.(true, 5_001);
    for (const end of old) end?.(false, 5_002);
    expect(one.state(5_002)).toBe("closed");
  });

  test("never lets more than one call through while it is not closed", () => {
    const step = fc.tuple(fc.nat(3_000), fc.constantFrom(true, false, undefined));
    void fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const one = breaker({ volume: 2 });
        let now = 0;
        let probes = 0;
        for (const [pause, ok] of steps) {
          now += pause;
          const wasClosed = one.state(now) === "closed";
          const end = one.call(now);
          if (wasClosed || !end) {
            end?.(ok, now);
            continue;
          }
          probes += 1;
          expect(probes).toBe(1);
          end(ok, now);
          probes -= 1;
        }
      }),
    );
  });
});
