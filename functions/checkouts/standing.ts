import type { Execution, JsonObject } from "../../runtime/ports/index.ts";

/** How a checkout stands, as its owner sees it. */
export interface Standing {
  readonly status: "running" | "confirmed" | "compensated" | "stuck";
  /** What was in the way. */
  readonly because?: string;
  /** What was paid, in the smallest unit of the currency. */
  readonly total?: number;
  /** ISO 4217 */
  readonly currency?: string;
}

/**
 * What the steps wrote last goes before the workflow's own end: a confirmation that was given up
 * and came through all the same is a confirmation. Until that is written, it runs.
 */
export function standingOf(known: {
  readonly execution?: Execution;
  readonly state?: JsonObject;
}): Standing {
  const { execution, state } = known;
  if (state?.status === "confirmed") {
    const { total, currency } = state;
    return { status: "confirmed", total: Number(total), currency: String(currency) };
  }
  if (execution?.status === "stuck") return { status: "stuck" };
  if (state?.status === "compensated")
    return { status: "compensated", because: String(state.because) };
  return { status: "running" };
}
