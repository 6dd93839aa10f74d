/** How a system fared in a span of time. */
export interface Health {
  readonly requests: number;
  /** Answers 5xx. */
  readonly errors: number;
  /** In milliseconds; absent where there were no requests. */
  readonly p99Ms?: number;
  /** What calls for somebody now. */
  readonly alerts: readonly { readonly name: string; readonly since: Date }[];
}

export interface Metrics {
  read(span: { readonly from: Date; readonly to: Date }): Promise<Health>;
}
