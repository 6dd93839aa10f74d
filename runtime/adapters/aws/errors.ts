import type { ErrorCode, PortError } from "../../ports/index.ts";
import type { Fault } from "../faults.ts";

/** Codes by the names that the services' API references give (read 2026-11). */
const byName: Readonly<Record<string, ErrorCode>> = {
  ConditionalCheckFailedException: "conflict",
  ConditionalRequestConflict: "conflict",
  PreconditionFailed: "conflict",

  TransactionConflictException: "throttled",
  TransactionInProgressException: "throttled",
  ProvisionedThroughputExceededException: "throttled",
  RequestLimitExceeded: "throttled",
  ThrottlingException: "throttled",
  Throttling: "throttled",
  RequestThrottled: "throttled",
  TooManyRequestsException: "throttled",
  LimitExceededException: "throttled",
  KmsThrottled: "throttled",
  SlowDown: "throttled",
  OverLimit: "throttled",

  AccessDenied: "denied",
  AccessDeniedException: "denied",
  AllAccessDisabled: "denied",
  CredentialsProviderError: "denied",
  ExpiredTokenException: "denied",
  InvalidSignatureException: "denied",
  "KMS.AccessDeniedException": "denied",
  KmsAccessDenied: "denied",
  NotAuthorizedException: "denied",
  UnrecognizedClientException: "denied",

  EntityTooLarge: "too-large",
  MaxMessageLengthExceeded: "too-large",

  // The resource itself is missing, not what was asked of it: no caller can help that.
  NoSuchBucket: "unavailable",
  QueueDoesNotExist: "unavailable",
  "AWS.SimpleQueueService.NonExistentQueue": "unavailable",
  ResourceNotFoundException: "unavailable",
};

const byStatus: Readonly<Record<number, ErrorCode>> = {
  400: "invalid",
  401: "denied",
  403: "denied",
  409: "conflict",
  412: "conflict",
  413: "too-large",
  429: "throttled",
};

const remedies: Readonly<Record<ErrorCode, string>> = {
  "not-found": "check that it exists",
  conflict: "read what is there first",
  denied: "check the policy of the workload's role",
  throttled: "try again later",
  unavailable: "check that it is deployed, or try again later",
  invalid: "correct the request",
  "too-large": "send less",
};

/** What the SDK's errors have in common; a plain Error of the network has a name alone. */
export interface ServiceError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** The name of what a service answered, such as "NoSuchKey". */
export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : "");

/** A service's error as a port's, with the service's own as its cause. */
export function portError(
  fault: Fault,
  error: unknown,
  codes: Readonly<Record<string, ErrorCode>> = {},
): PortError {
  const name = nameOf(error);
  const status = (error as ServiceError | undefined)?.$metadata?.httpStatusCode;
  const known = Object.hasOwn(codes, name) ? codes[name] : undefined;
  const general = Object.hasOwn(byName, name) ? byName[name] : undefined;
  const code = known ?? general ?? byStatus[status ?? 0] ?? "unavailable";
  // The service's own message may name what was sent, so it stays in the cause.
  return fault(code, `the service answered ${name || "with no error"}; ${remedies[code]}`, error);
}

/**
 * Waits for a call's answer.
 * @param codes for errors that mean something else in this call
 * @throws PortError alone
 */
export async function answerOf<T>(
  fault: Fault,
  call: Promise<T>,
  codes?: Readonly<Record<string, ErrorCode>>,
): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw portError(fault, error, codes);
  }
}

/**
 * Calls again, after a short random wait, while another's transaction is in the way.
 * @param inTheWay whether the error says so
 * @param tries at most. Default: 8, which is 3 s at the longest
 */
export async function whileInTheWay<T>(
  inTheWay: (error: unknown) => boolean,
  call: () => Promise<T>,
  tries = 8,
): Promise<T> {
  for (let n = 1; ; n++) {
    try {
      return await call();
    } catch (error) {
      if (n === tries || !inTheWay(error)) throw error;
    }
    const longest = Math.min(25 * 2 ** n, 600);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * longest));
  }
}

/** Where a key of KMS is in the way, services say so with 400: none of it is the caller's fault. */
export const kmsCodes = {
  KMSThrottlingException: "throttled",
  KMSAccessDeniedException: "denied",
  KMSDisabledException: "unavailable",
  KMSInvalidStateException: "unavailable",
  KMSNotFoundException: "unavailable",
  KMSOptInRequired: "unavailable",
} as const satisfies Readonly<Record<string, ErrorCode>>;
