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
  /** Whether surely nothing was done, so that a second try cannot do it twice. */
  readonly undone: boolean;

  /**
   * @param options.undone default: true, but for "unavailable", where nobody knows whether what was
   *   asked for arrived
   */
  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly undone?: boolean } = {},
  ) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.undone = options.undone ?? code !== "unavailable";
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
