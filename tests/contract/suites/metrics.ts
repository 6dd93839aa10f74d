import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Metrics } from "../../../runtime/ports/index.ts";
import { refusal } from "./refusal.ts";

/** A request that the system answered. */
export interface Served {
  readonly at: Date;
  readonly ms: number;
  readonly status: number;
}

export interface MetricsParts {
  readonly metrics: Metrics;
  /** Has the system answer requests. */
  serve(requests: readonly Served[]): Promise<void>;
  /** Has something call for somebody; gives the name it is known by. */
  alert(): Promise<string>;
  close(): Promise<void>;
}

/** What every Metrics says of the requests of a system, the same on every adapter. */
export function metricsContract(
  title: string,
  { make }: { readonly make: () => Promise<MetricsParts> },
): void {
  describe(title, () => {
    let parts: MetricsParts;
    beforeAll(async () => {
      parts = await make();
    });
    afterAll(() => parts?.close());

    // Each test has an hour of its own, in the last days.
    let hour = Math.floor(Date.now() / 3_600_000) - 48;
    const span = () => {
      const start = hour++ * 3_600_000;
      const at = (minutes: number) => new Date(start + minutes * 60_000);
      return { at, from: at(0), to: at(60) };
    };

    it("knows of no requests where there were none", async () => {
      const { from, to } = span();
      expect(await parts.metrics.read({ from, to })).toMatchObject({ requests: 0, errors: 0 });
      expect(await parts.metrics.read({ from, to })).not.toHaveProperty("p99Ms");
    });

    it("counts requests, and as errors those that were answered 5xx", async () => {
      const { at, from, to } = span();
      const statuses = [200, 201, 302, 404, 429, 499, 500, 502, 503];
      await parts.serve(statuses.map((status, n) => ({ at: at(n), ms: 5, status })));
      expect(await parts.metrics.read({ from, to })).toMatchObject({ requests: 9, errors: 3 });
    });

    it("says how long all but one of a hundred took, within 3 %", async () => {
      const { at, from, to } = span();
      const times = [3, 900, 4, 12.5, 250];
      await parts.serve(times.map((ms) => ({ at: at(30), ms, status: 200 })));
      const { p99Ms = 0 } = await parts.metrics.read({ from, to });
      expect(Math.abs(p99Ms / 900 - 1)).toBeLessThan(0.03);
    });

    it("counts from the first minute of a span, and not from its last on", async () => {
      const { at, from, to } = span();
      for (const minutes of [-1, 0, 59, 60])
        await parts.serve([{ at: at(minutes), ms: 1, status: 200 }]);
      expect(await parts.metrics.read({ from, to })).toMatchObject({ requests: 2 });
      hour++;
    });

    it("counts over days what it counts in each of them", async () => {
      const { from } = span();
      const at = (days: number) => new Date(from.getTime() - 5 * 86_400_000 + days * 86_400_000);
      const requests = [0, 1, 1, 2].map((days) => ({ at: at(days), ms: 10, status: 200 }));
      await parts.serve(requests);
      expect(await parts.metrics.read({ from: at(0), to: at(2.5) })).toMatchObject({ requests: 4 });
    });

    it("names what calls for somebody, and since when", async () => {
      const before = Date.now() - 5_000;
      const name = await parts.alert();
      const { from, to } = span();
      const { alerts } = await parts.metrics.read({ from, to });
      expect(alerts.map((alert) => alert.name)).toEqual([name]);
      expect(alerts[0]?.since.getTime()).toBeGreaterThanOrEqual(before);
    });

    it("refuses a span that ends before it begins, or has no times, as invalid", async () => {
      const { from, to } = span();
      const read = (a: Date, b: Date) => refusal(parts.metrics.read({ from: a, to: b }));
      expect(await read(to, from)).toBe("invalid");
      expect(await read(from, from)).toBe("invalid");
      expect(await read(new Date(Number.NaN), to)).toBe("invalid");
    });
  });
}
