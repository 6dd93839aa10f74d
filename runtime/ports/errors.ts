/** Why a port could not do what it was asked: one code a cause, the same on every adapter. */
export const errorCodes = [
  "not-found",
  "conflict",
  "denied",
  "throttled",
  "unavailable",
  "invalid",
  "too-large",
] as const;
export type ErrorCode = (typeof errorCodes)[number];

/**
 * What ports throw, and nothing else.
 * @example
 * throw new PortError("conflict", "table catalog: USER#1 / PROFILE exists already; read it first");
 */
export class PortError extends Error {
  override readonly name = "PortError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Whether an error is a port's, and (where asked) has that code; true for copies of the class too. */
export function isPortError(error: unknown, code?: ErrorCode): error is PortError {
  return (
    error instanceof Error &&
    error.name === "PortError" &&
    (code === undefined || (error as PortError).code === code)
  );
}
