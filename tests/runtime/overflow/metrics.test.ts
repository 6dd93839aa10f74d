import { expect, test, vi } from "vitest";
import type { AdmissionSnapshot } from "../../../runtime/overflow/admission.ts";
import { metricLine, reportMetrics } from "../../../runtime/overflow/metrics.ts";

const snapshot: AdmissionSnapshot = {
  admitted: 10,
  spilled: 3,
  spilledFailed: 1,
  refused: 2,
  inFlight: 4,
  spilling: 1,
  waiting: 0,
  limit: 20,
  breaker: "open",
  budgetShare: 0.5,
};

test("a line names each metric in the format that CloudWatch reads", () => {
  const line = JSON.parse(metricLine("api", undefined, snapshot, 1_700_000_000_000));
  const [{ Namespace, Dimensions, Metrics }] = line._aws.CloudWatchMetrics;
  expect({ Namespace, Dimensions }).toEqual({ Namespace: "Spillway", Dimensions: [["workload"]] });
  expect(line._aws.Timestamp).toBe(1_700_000_000_000);
  for (const { Name } of Metrics) expect(typeof line[Name]).toBe("number");
  expect(line).toMatchObject({ workload: "api", admitted: 10, limit: 20, breakerOpen: 1 });
});

test("a line counts what came since the line before", () => {
  const later = { ...snapshot, admitted: 15, inFlight: 1 };
  expect(JSON.parse(metricLine("api", snapshot, later, 0))).toMatchObject({
    admitted: 5,
    spilled: 0,
    inFlight: 1,
  });
});

test("lines come each minute, and at the end", () => {
  vi.useFakeTimers();
  const lines: string[] = [];
  const end = reportMetrics("api", () => snapshot, { write: (line) => lines.push(line) });
  vi.advanceTimersByTime(120_000);
  expect(lines).toHaveLength(2);
  end();
  vi.advanceTimersByTime(120_000);
  expect(lines).toHaveLength(3);
  vi.useRealTimers();
});
