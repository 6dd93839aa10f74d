import { type LineOf, type Metric, metricsLine } from "../metrics.ts";
import type { AdmissionSnapshot } from "./admission.ts";

const count = (value: number): Metric => ({ value, unit: "Count" });

/** How a workload's line tells of its admission: what was counted since the line before, and how it stands. */
export const admissionLine =
  (workload: string): LineOf<AdmissionSnapshot> =>
  (before, after, at) => {
    const since = (name: "admitted" | "spilled" | "spilledFailed" | "refused") =>
      count(after[name] - (before?.[name] ?? 0));
    return metricsLine(
      workload,
      {
        admitted: since("admitted"),
        spilled: since("spilled"),
        spilledFailed: since("spilledFailed"),
        refused: since("refused"),
        inFlight: count(after.inFlight),
        limit: count(after.limit),
        budgetShare: { value: after.budgetShare, unit: "None" },
        breakerOpen: count(after.breaker === "closed" ? 0 : 1),
      },
      at,
    );
  };
