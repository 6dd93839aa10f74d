import { describe, expect, test } from "vitest";
import {
  afterBreak,
  connectionsFor,
  failuresAfter,
  healthAfter,
  leastLoaded,
  pauseMs,
  type Sample,
  spilledShare,
  statusOf,
  withSample,
} from "../../../local/containers/decide.ts";

describe("a replica that ended by itself", () => {
  test("is started again after 1, 2, 4 … seconds, 30 at the most", () => {
    expect([1, 2, 3, 4, 5, 6, 7, 5000].map(pauseMs)).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
    ]);
  });

  test("counts its failures anew once it has lived for half a minute", () => {
    expect(failuresAfter(3, 29_999)).toBe(4);
    expect(failuresAfter(3, 30_000)).toBe(1);
  });
});

describe("a request", () => {
  const replica = (name: string, inFlight: number) => ({ name, inFlight });

  test("goes where the fewest are", () => {
    const all = [replica("a", 2), replica("b", 1), replica("c", 3)];
    for (const turn of [0, 1, 2]) expect(leastLoaded(all, turn)?.name).toBe("b");
  });

  test("goes to each in turn where they have as many", () => {
    const all = [replica("a", 1), replica("b", 1), replica("c", 2)];
    expect([0, 1, 2, 3].map((turn) => leastLoaded(all, turn)?.name)).toEqual(["a", "b", "a", "b"]);
  });

  test("goes nowhere where there is none", () => {
    expect(leastLoaded([], 7)).toBeUndefined();
  });
});

describe("a request whose replica broke off", () => {
  const broken = { method: "POST", sent: true, whole: true, others: true };

  test.each([
    ["that was not sent goes elsewhere", { sent: false }, "elsewhere"],
    ["that may be repeated goes elsewhere", { method: "PUT" }, "elsewhere"],
    ["that may not be repeated is a 502", {}, 502],
    ["whose body has been passed on is a 502", { method: "PUT", whole: false }, 502],
    ["that was not sent, and has lost its body, is a 503", { sent: false, whole: false }, 503],
    ["that was not sent, with nobody left, is a 503", { sent: false, others: false }, 503],
    ["that may be repeated, with nobody left, is a 502", { method: "GET", others: false }, 502],
  ] as const)("%s", (_, given, decision) => {
    expect(afterBreak({ ...broken, ...given })).toBe(decision);
  });
});

describe("a workload", () => {
  test("runs while one replica is healthy", () => {
    expect(statusOf(["starting", "healthy"], "it ended")).toBe("running");
  });
  test("is failed while none is, and why is known", () => {
    expect(statusOf(["starting", "ended"], "it ended")).toBe("failed");
    expect(statusOf(["starting"], undefined)).toBe("starting");
  });
});

test("a replica may miss two health checks, without a request meanwhile", () => {
  expect([0, 1, 2, 3].map(healthAfter)).toEqual(["healthy", "failing", "failing", "hung"]);
});

describe("the share of what spills", () => {
  const at = (seconds: number, admitted: number, spilled: number): Sample => ({
    at: seconds * 1_000,
    admitted,
    spilled,
  });
  const kept = (...all: readonly Sample[]) =>
    all.reduce<readonly Sample[]>((samples, one) => withSample(samples, one), []);

  test("is that of the last ten seconds", () => {
    const samples = kept(at(0, 0, 0), at(5, 100, 0), at(15, 100, 50), at(20, 150, 100));
    expect(samples.map((one) => one.at)).toEqual([5_000, 15_000, 20_000]);
    expect(spilledShare(samples)).toBeCloseTo(100 / 150);
  });
  test("is nothing where nothing was asked", () => {
    expect(spilledShare([])).toBe(0);
    expect(spilledShare(kept(at(0, 7, 3), at(1, 7, 3)))).toBe(0);
  });
});

test("connections of all programs and one more leave fifty to the host", () => {
  expect(connectionsFor(200, 5)).toBe(25);
  for (const [most, programs] of [
    [100, 4],
    [200, 17],
  ] as const)
    expect(connectionsFor(most, programs) * (programs + 1)).toBeLessThanOrEqual(most - 50);
  // Fewer would not do.
  expect(connectionsFor(60, 9)).toBe(2);
});
