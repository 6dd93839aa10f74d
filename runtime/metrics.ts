/** A metric's value, and its unit (CloudWatch API reference, MetricDatum). */
export interface Metric {
  readonly value: number;
  readonly unit: "Count" | "None";
}

/**
 * A line of log from which CloudWatch makes metrics of a workload (Embedded Metric Format, CloudWatch
 * User Guide, "Specification", read 2026-11), in the namespace `Spillway`.
 * @param workload dimension: name under which the workload reports
 * @param metrics by name
 * @param at ms since 1970, which the format asks for
 * @returns JSON
 * @example
 * metricsLine("orders", { refused: { value: 2, unit: "Count" } }, Date.now());
 */
export function metricsLine(
  workload: string,
  metrics: Readonly<Record<string, Metric>>,
  at: number,
): string {
  const Metrics = Object.entries(metrics).map(([Name, { unit }]) => ({ Name, Unit: unit }));
  return JSON.stringify({
    _aws: {
      Timestamp: at,
      CloudWatchMetrics: [{ Namespace: "Spillway", Dimensions: [["workload"]], Metrics }],
    },
    workload,
    ...Object.fromEntries(Object.entries(metrics).map(([name, { value }]) => [name, value])),
  });
}

/** Writes a line of a snapshot, the one before it, and the time in ms since 1970. */
export type LineOf<Snapshot> = (
  before: Snapshot | undefined,
  after: Snapshot,
  at: number,
) => string;

/**
 * Writes a line each minute, CloudWatch's own resolution, and one at the end.
 * @returns ends it
 */
export function reportMetrics<Snapshot>(
  snapshot: () => Snapshot,
  lineOf: LineOf<Snapshot>,
  { everyMs = 60_000, write = (line: string) => console.log(line) } = {},
): () => void {
  let before: Snapshot | undefined;
  const report = () => {
    const after = snapshot();
    write(lineOf(before, after, Date.now()));
    before = after;
  };
  const timer = setInterval(report, everyMs).unref();
  return () => {
    clearInterval(timer);
    report();
  };
}
