/** How requests or events spread over time. */
export const loadShapes = ["steady", "business-hours", "bursty", "rare"] as const;
export type Shape = (typeof loadShapes)[number];

/** What a workload is expected to carry. All numbers are of one request, message or run. */
export interface Load {
  /** Requests, messages or runs per day, on average. */
  readonly perDay: number;
  readonly shape: Shape;
  /** Duration in milliseconds: median, 99th percentile, and the most it may take. */
  readonly ms: { readonly p50: number; readonly p99: number; readonly max?: number };
  /** Memory of one instance, in MB. */
  readonly memoryMb: number;
}
