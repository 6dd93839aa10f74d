import type { AdmissionSnapshot } from "./admission.ts";

const counted = ["admitted", "spilled", "spilledFailed", "refused"] as const;
const measured = ["inFlight", "limit", "budgetShare"] as const;

/**
 * A line of log from which CloudWatch makes metrics (Embedded Metric Format, CloudWatch User Guide,
 * "Specification"): what was counted since the line before, and how it stands.
 * @param at ms since 1970, which the format asks for
 */
export function metricLine(
  workload: string,
  before: AdmissionSnapshot | undefined,
  after: AdmissionSnapshot,
  at: number,
): string {
  const unitOf = (Name: string, Unit: string) => ({ Name, Unit });
  const Metrics = [
    ...counted.map((name) => unitOf(name, "Count")),
    ...measured.map((name) => unitOf(name, name === "budgetShare" ? "None" : "Count")),
    unitOf("breakerOpen", "Count"),
  ];
  return JSON.stringify({
    _aws: {
      Timestamp: at,
      CloudWatchMetrics: [{ Namespace: "Spillway", Dimensions: [["workload"]], Metrics }],
    },
    workload,
    ...Object.fromEntries(counted.map((name) => [name, after[name] - (before?.[name] ?? 0)])),
    ...Object.fromEntries(measured.map((name) => [name, after[name]])),
    breakerOpen: after.breaker === "closed" ? 0 : 1,
  });
}

/**
 * Writes a line each minute, CloudWatch's own resolution, and one at the end.
 * @returns ends it
 */
export function reportMetrics(
  workload: string,
  snapshot: () => AdmissionSnapshot,
  { everyMs = 60_000, write = (line: string) => console.log(line) } = {},
): () => void {
  let before: AdmissionSnapshot | undefined;
  const report = () => {
    const after = snapshot();
    write(metricLine(workload, before, after, Date.now()));
    before = after;
  };
  const timer = setInterval(report, everyMs).unref();
  return () => {
    clearInterval(timer);
    report();
  };
}
