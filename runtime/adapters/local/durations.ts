/**
 * Durations as counts of few buckets, so that any number of them takes little room: each bucket
 * ends 5 % above the one before it, so what is said of a duration is at most 2.5 % off.
 */
const smallestMs = 0.1;
const growth = Math.log(1.05);
/** The last one has all from an hour on. */
const buckets = Math.ceil(Math.log(3_600_000 / smallestMs) / growth);

/** The bucket of a duration in milliseconds. */
export const bucketOf = (ms: number): number =>
  ms > smallestMs ? Math.min(Math.ceil(Math.log(ms / smallestMs) / growth), buckets) : 0;

/** The middle of a bucket, in milliseconds. */
const msOf = (bucket: number): number =>
  bucket === 0 ? smallestMs : smallestMs * Math.exp(growth * (bucket - 0.5));

/**
 * The duration, in milliseconds, that this share of them does not exceed; `undefined` of none.
 * @param counts how many there are in each bucket, in any order
 * @param share such as 0.99
 */
export function percentile(
  counts: readonly { readonly bucket: number; readonly count: number }[],
  share: number,
): number | undefined {
  const rank = Math.ceil(counts.reduce((sum, { count }) => sum + count, 0) * share);
  let seen = 0;
  for (const { bucket, count } of counts.toSorted((a, b) => a.bucket - b.bucket)) {
    seen += count;
    if (rank > 0 && seen >= rank) return msOf(bucket);
  }
  return undefined;
}
