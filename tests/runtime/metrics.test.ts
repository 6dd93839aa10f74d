import { expect, test, vi } from "vitest";
import { metricsLine, reportMetrics } from "../../runtime/metrics.ts";

test("a line names each metric, with its unit, in the format that CloudWatch reads", () => {
  const metrics = {
    open: { value: 3, unit: "Count" },
    share: { value: 0.5, unit: "None" },
  } as const;
  expect(JSON.parse(metricsLine("shop-dev-api", metrics, 1000))).toEqual({
    _aws: {
      Timestamp: 1000,
      CloudWatchMetrics: [
        {
          Namespace: "Spillway",
          Dimensions: [["workload"]],
          Metrics: [
            { Name: "open", Unit: "Count" },
            { Name: "share", Unit: "None" },
          ],
        },
      ],
    },
    workload: "shop-dev-api",
    open: 3,
    share: 0.5,
  });
});

test("lines come each minute, and at the end, each with the snapshot before it", () => {
  vi.useFakeTimers();
  const lines: string[] = [];
  let count = 0;
  const end = reportMetrics(
    () => ++count,
    (before, after) => `${before} to ${after}`,
    { write: (line) => lines.push(line) },
  );
  vi.advanceTimersByTime(120_000);
  expect(lines).toEqual(["undefined to 1", "1 to 2"]);
  end();
  vi.advanceTimersByTime(120_000);
  expect(lines).toEqual(["undefined to 1", "1 to 2", "2 to 3"]);
  vi.useRealTimers();
});
