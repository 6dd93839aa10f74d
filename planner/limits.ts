/** Seconds in a day. */
export const daySeconds = 86_400;

/**
 * Hard limits of the hosts, which no setting lifts.
 * Sources: AWS Lambda Developer Guide, "Lambda quotas"; Amazon API Gateway Developer Guide, "Quotas
 * for configuring and running an HTTP API"; Amazon ECS Developer Guide, "Fargate task definition";
 * Amazon Cognito Developer Guide, "Customizing user pool workflows with Lambda triggers".
 */
export const limits = {
  /** Longest run of a function, in milliseconds (15 min). */
  functionMs: 900_000,
  /** Unpacked zip with its layers, in MB. */
  functionZipMb: 250,
  /** Uncompressed image of a function, in MB (10 GB). */
  functionImageMb: 10_240,
  /** Memory of a function, in MB. */
  functionMemoryMb: 10_240,
  /** Request body that a call of a function carries, in bytes (6 MB). */
  functionBodyBytes: 6 * 1_048_576,
  /** Longest answer behind the HTTP API, in milliseconds; it cannot be raised. */
  gatewayMs: 30_000,
  /** Largest request body through the HTTP API, in bytes (10 MB). */
  gatewayBodyBytes: 10 * 1_048_576,
  /** Body that a load balancer hands to a function, in bytes (1 MB: ELB User Guide, Lambda targets). */
  balancerBodyBytes: 1_000_000,
  /** Integrations of one HTTP API; it cannot be raised. */
  gatewayIntegrations: 300,
  /** Longest answer of an identity hook, in milliseconds. */
  hookMs: 5_000,
  /**
   * Longest that SQS hides a message from its receive on, in milliseconds (12 h), however often that
   * is extended (Amazon SQS Developer Guide, "Amazon SQS visibility timeout", read 2026-11).
   */
  hiddenMs: 43_200_000,
  /** Memory of one Fargate task, in MB (120 GB). */
  containerMemoryMb: 122_880,
} as const;

/** Where advice starts: beyond these a host still works, but another fits better. */
export const advice = {
  /** A run beyond this belongs in the core, in milliseconds. */
  longMs: 30_000,
  /** A package beyond this starts too slowly as a function, in MB (1 GB). */
  bulkyMb: 1_024,
  /** A p99 objective under this does not survive a cold start, in milliseconds. */
  snappyMs: 100,
  /** Mean cold start of a 512 MB arm64 zip on Node 24, in milliseconds (maxday/lambda-perf, 2026-08). */
  coldStartMs: 114,
  /** Instances that a steady load keeps busy day and night before it counts as baseline. */
  baselineInstances: 1,
} as const;
