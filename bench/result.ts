/** One figure of a benchmark. */
export interface Result {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Such as "<= 1.25"; "shown" where a figure has no goal. */
  readonly goal: string;
  readonly ok: boolean;
}

export type Bench = () => Promise<readonly Result[]>;

/** A figure with its goal: `result("size", 380, "kB", "<=", 450)`. */
export function result(
  name: string,
  value: number,
  unit: string,
  compare: "<=" | ">=",
  goal: number,
): Result {
  return {
    name,
    value: Number(value.toPrecision(4)),
    unit,
    goal: `${compare} ${goal}`,
    ok: compare === "<=" ? value <= goal : value >= goal,
  };
}

/** A figure that explains the others and has no goal of its own. */
export const shown = (name: string, value: number, unit: string): Result => ({
  name,
  value: Number(value.toPrecision(4)),
  unit,
  goal: "shown",
  ok: true,
});

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * Measures two things in turn, A B A B …, and gives the median of the pairs' ratios A/B: the
 * machine's speed may drift between pairs without harm.
 * @param pairs counted pairs, after one that is not
 */
export async function ratio(
  pairs: number,
  a: () => Promise<number>,
  b: () => Promise<number>,
): Promise<{ readonly ratio: number; readonly a: number; readonly b: number }> {
  const as: number[] = [];
  const bs: number[] = [];
  for (let pair = 0; pair <= pairs; pair++) {
    // Which goes first alternates, so that neither always has the warmer machine.
    const first = pair % 2 === 0 ? await a() : undefined;
    const second = await b();
    const other = first ?? (await a());
    if (pair === 0) continue;
    as.push(other);
    bs.push(second);
  }
  return {
    ratio: median(as.map((value, i) => value / (bs[i] ?? Number.NaN))),
    a: median(as),
    b: median(bs),
  };
}
