import { type ErrorCode, isPortError } from "../ports/errors.ts";

/** One fault of a request's body: which field, and what it should be. Never the value given. */
export interface FieldFault {
  readonly field: string;
  readonly message: string;
}

/** The `code` of an HTTP answer: a port's, or "internal" for what nobody foresaw. */
export type ProblemCode = ErrorCode | "internal";

interface ProblemOptions {
  /** Default: a sentence for the code. The client reads it. */
  readonly detail?: string;
  /** Default: the code's own status. */
  readonly status?: number;
  readonly errors?: readonly FieldFault[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** HTTP status (RFC 9110, RFC 6585) and wording of each code. */
const meaning: Readonly<Record<ProblemCode, readonly [status: number, detail: string]>> = {
  "not-found": [404, "There is nothing at this address."],
  conflict: [409, "It clashes with what is stored already."],
  denied: [403, "This is not allowed."],
  throttled: [429, "Too many requests; try again in a moment."],
  unavailable: [503, "A part of the system cannot be reached; try again in a moment."],
  invalid: [400, "The request is not valid."],
  "too-large": [413, "The request is too large."],
  internal: [500, "Something went wrong on our side."],
};

const titles: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  426: "Upgrade Required",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/**
 * An answer that is no success, thrown by handlers. Its detail reaches the client; a PortError's
 * message does not, so that nothing internal leaks by default.
 * @example
 * throw new Problem("denied", { detail: "Only the owner may read this." });
 */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  readonly status: number;
  readonly errors: readonly FieldFault[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, options: ProblemOptions = {}) {
    const [status, detail] = meaning[code];
    super(options.detail ?? detail, { cause: options.cause });
    this.code = code;
    this.status = options.status ?? status;
    this.errors = options.errors;
    this.headers = options.headers ?? {};
  }

  /** The answer's content (RFC 9457). */
  toBody(requestId?: string) {
    const { status, code, message: detail, errors } = this;
    return { title: titles[status] ?? "Error", status, detail, code, errors, requestId };
  }

  /** The answer as application/problem+json (RFC 9457). */
  toResponse(requestId?: string): Response {
    return new Response(JSON.stringify(this.toBody(requestId)), {
      status: this.status,
      headers: { "content-type": "application/problem+json", ...this.headers },
    });
  }
}

/** A 401 with the challenge that RFC 6750 asks for. */
export const unauthorized = (detail: string, error?: "invalid_token", cause?: unknown): Problem =>
  new Problem("denied", {
    status: 401,
    detail,
    cause,
    headers: { "www-authenticate": error ? `Bearer error="${error}"` : "Bearer" },
  });

/** What a thrown error means to the client. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (!isPortError(error)) return new Problem("internal", { cause: error });
  const headers: Record<string, string> =
    error.code === "throttled" || error.code === "unavailable" ? { "retry-after": "1" } : {};
  return new Problem(error.code, { headers, cause: error });
}

/** What a thrown error means; what is our fault is logged as one JSON line, with its cause. */
export function reported(error: unknown, requestId?: string): Problem {
  const problem = toProblem(error);
  if (problem.status >= 500) {
    const { status, code } = problem;
    const from = problem.cause ?? problem;
    const detail = from instanceof Error ? (from.stack ?? from.message) : String(from);
    console.error(JSON.stringify({ level: "error", requestId, status, code, error: detail }));
  }
  return problem;
}

/** Answers a thrown error, which is logged where it is our fault. */
export const answerError = (error: unknown, requestId?: string): Response =>
  reported(error, requestId).toResponse(requestId);
