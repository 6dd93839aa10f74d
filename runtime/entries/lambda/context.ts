/** What Lambda tells an invocation, as far as it is read here. */
export interface LambdaContext {
  /** Milliseconds until the function is stopped. */
  getRemainingTimeInMillis(): number;
}

/** The answer to an event source with ReportBatchItemFailures. */
export interface BatchAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

const longestReserveMs = 2_000;

/** Milliseconds to work in an invocation: a fifth of them, at most 2 s, is kept for the answer. */
export function workingMs(context: LambdaContext): number {
  const remaining = context.getRemainingTimeInMillis();
  return Math.max(0, remaining - Math.min(remaining / 5, longestReserveMs));
}
