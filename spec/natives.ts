/** A resource of one cloud that a system uses as it is: named as lock-in, granted by exact action. */
export interface Native {
  readonly kind: "native";
  readonly cloud: "aws" | "gcp";
  /** Which one: an ARN without wildcard. */
  readonly arn: string;
  /** What code may do with it, such as "rekognition:DetectLabels"; no wildcard. */
  readonly actions: readonly string[];
  /** Why no neutral port would do. */
  readonly because: string;
}

/**
 * Resources of one cloud, used directly. See docs/adr for where neutral, where native.
 * @example
 * const partner = native.aws({
 *   arn: "arn:aws:events:eu-central-1:111122223333:event-bus/partner",
 *   actions: ["events:PutEvents"],
 *   because: "the partner listens on a bus of its own account",
 * });
 */
export const native = {
  aws: (options: Omit<Native, "kind" | "cloud">): Native => ({
    kind: "native",
    cloud: "aws",
    ...options,
  }),
} as const;
