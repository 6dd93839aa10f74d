import type { Load, Shape, Workload } from "../spec/index.ts";
import { daySeconds } from "./limits.ts";

/** Hours and days of an average month (8,760 h / 12). */
export const monthHours = 730;
const monthDays = monthHours / 24;

/**
 * A shape as two levels of load: `peak` times the average for the share `peakTime` of the time, and
 * what is left of the load spread over the rest.
 *
 * Assumptions, not measurements: steady, day against night; business-hours, nine tenths of the load
 * in five days of ten hours (50 of 168 h); bursty, half of the load in a twentieth of the time, ten
 * times the average (WorldCup98, minute by minute, peaks at 6.6 times its average); rare, all of
 * the load in a twentieth of the time.
 */
export const shapes: Readonly<Record<Shape, { readonly peak: number; readonly peakTime: number }>> =
  {
    steady: { peak: 1.5, peakTime: 0.25 },
    "business-hours": { peak: 3, peakTime: 0.3 },
    bursty: { peak: 10, peakTime: 0.05 },
    rare: { peak: 20, peakTime: 0.05 },
  };

/** What a load asks of a host. */
export interface Demand {
  /** Requests, messages or runs in an average month. */
  readonly perMonth: number;
  /** Per second: on average, at the peak, and outside it. */
  readonly perSecond: number;
  readonly peakPerSecond: number;
  readonly restPerSecond: number;
  /** Share of the time at the peak. */
  readonly peakTime: number;
  /** Mean duration, in seconds. */
  readonly meanSeconds: number;
  /** Requests in work at once (Little's law, rate times duration): on average and at the peak. */
  readonly inWork: number;
  readonly peakInWork: number;
}

/** The demand of a load. */
export function demandOf(load: Load): Demand {
  const { peak, peakTime } = shapes[load.shape];
  const perSecond = load.perDay / daySeconds;
  const meanSeconds = meanMs(load) / 1000;
  return {
    perMonth: load.perDay * monthDays,
    perSecond,
    peakPerSecond: perSecond * peak,
    restPerSecond: (perSecond * Math.max(0, 1 - peak * peakTime)) / (1 - peakTime),
    peakTime,
    meanSeconds,
    inWork: perSecond * meanSeconds,
    peakInWork: perSecond * peak * meanSeconds,
  };
}

/**
 * Mean duration in milliseconds, from the two declared percentiles: durations taken as log-normal,
 * where ln p99 = ln p50 + 2.326 sigma and the mean is p50 exp(sigma² / 2); never above p99.
 */
export function meanMs({ ms }: Load): number {
  const sigma = Math.log(ms.p99 / ms.p50) / 2.326;
  return Math.min(ms.p99, ms.p50 * Math.exp(sigma ** 2 / 2));
}

/** The duration that decides: the declared maximum, else p99; of a workflow its longest step. */
export function longestRun(workload: Workload): { readonly ms: number; readonly of: string } {
  if (workload.kind === "workflow") {
    const steps = [...workload.steps, ...(workload.compensations ?? [])];
    const ms = Math.max(0, ...steps.map((step) => step.timeoutSeconds * 1000));
    return { ms, of: "longest step" };
  }
  const { p99, max } = workload.load.ms;
  return max === undefined ? { ms: p99, of: "p99" } : { ms: max, of: "maximum" };
}
