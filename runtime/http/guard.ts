import { isPortError } from "../ports/errors.ts";
import type { Claims, HttpContext, HttpHandler } from "../ports/http.ts";
import { answerError, Problem, unauthorized } from "./problem.ts";

/**
 * Checks an access token: its claims, or PortError `denied`, or `unavailable`. See `tokenVerifier`.
 * A verifier that remembers may say so at once, which spares a request the wait.
 */
export type Verify = ((token: string) => Promise<Claims>) & {
  readonly known?: (token: string) => Claims | undefined;
};

/** What a host knows of an HTTP workload, from its declaration. */
export interface GuardOptions {
  /** Default: "jwt" */
  readonly auth?: "jwt" | "none";
  /** Needed with auth "jwt". */
  readonly verify?: Verify;
  /**
   * The methods that are offered at a path, "ANY" for all of them: no method is a 404, another one
   * a 405. HEAD goes with GET. Default: the handler decides
   */
  readonly methodsAt?: (path: string) => readonly string[];
  /** Largest body, in bytes. Default: 1,048,576 (1 MiB) */
  readonly maxBodyBytes?: number;
  /**
   * The host itself holds bodies to their Content-Length, as Node's parser does. Then only bodies
   * without one are counted here. Default: false
   */
  readonly lengthIsChecked?: boolean;
  /**
   * The host itself puts `ownHeaders` on every answer: cheaper where an answer's headers would
   * have to be made for it. Default: false
   */
  readonly headersAreSet?: boolean;
}

/** Headers of every answer; a handler's own `cache-control` goes before. */
export const ownHeaders = (requestId: string): Readonly<Record<string, string>> => ({
  "x-request-id": requestId,
  "x-content-type-options": "nosniff",
  // Answers belong to one caller unless the handler says otherwise.
  "cache-control": "no-store",
});

/**
 * The one wrapper that every host puts around an HTTP workload, so that all hosts agree on tokens,
 * body sizes, unknown routes, malformed paths, headers and failures.
 * @throws {Error} where auth is "jwt" and there is no `verify`
 */
export function guard(handler: HttpHandler, options: GuardOptions): HttpHandler {
  const { auth = "jwt", verify, maxBodyBytes = 1_048_576, lengthIsChecked = false } = options;
  const finish = options.headersAreSet ? undefined : withOwnHeaders;
  if (auth === "jwt" && !verify)
    throw new Error('Guard: auth "jwt" without verify; give a tokenVerifier, or auth "none"');

  const run = (request: Request, context: HttpContext): Response | Promise<Response> => {
    const answered = handler.fetch(request, context);
    return answered instanceof Promise
      ? answered.catch((error) => answerError(error, context.requestId))
      : answered;
  };
  const admit = async (request: Request, context: HttpContext): Promise<Response> => {
    const claims = verify && auth === "jwt" ? await authenticate(request, verify) : undefined;
    const counted = needsCounting(request, lengthIsChecked)
      ? await withCountedBody(request, maxBodyBytes)
      : request;
    return run(counted, { ...context, claims });
  };

  return {
    fetch(request, context) {
      try {
        checkPath(request, options.methodsAt);
        if (mayHaveBody(request)) checkLength(request, maxBodyBytes);
        const known = auth === "jwt" ? verify?.known?.(tokenOf(request)) : undefined;
        const answered =
          (known || auth === "none") && !needsCounting(request, lengthIsChecked)
            ? run(request, { ...context, claims: known })
            : admit(request, context).catch((error) => answerError(error, context.requestId));
        if (!finish) return answered;
        return answered instanceof Promise
          ? answered.then((response) => finish(response, context))
          : finish(answered, context);
      } catch (error) {
        const refusal = answerError(error, context.requestId);
        return finish ? finish(refusal, context) : refusal;
      }
    },
  };
}

/** The path of a URL as it was sent; hosts give absolute URLs. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.slice(start).search(/[?#]/);
  return end < 0 ? url.slice(start) : url.slice(start, start + end);
}

function checkPath({ url, method }: Request, methodsAt: GuardOptions["methodsAt"]): void {
  if (!methodsAt && !url.includes("%")) return;
  const path = pathOf(url);
  if (path.includes("%")) {
    try {
      decodeURIComponent(path);
    } catch {
      throw new Problem("invalid", { detail: "The path has a malformed percent-encoding." });
    }
  }
  if (!methodsAt) return;
  const offered = methodsAt(path);
  if (offered.length === 0) throw new Problem("not-found");
  const asked = method === "HEAD" && !offered.includes("HEAD") ? "GET" : method;
  if (!offered.includes(asked) && !offered.includes("ANY"))
    throw new Problem("invalid", {
      status: 405,
      detail: "This method is not offered here.",
      headers: { allow: offered.join(", ") },
    });
}

const mayHaveBody = ({ method }: Request): boolean => method !== "GET" && method !== "HEAD";

function checkLength(request: Request, limit: number): void {
  const length = request.headers.get("content-length");
  if (length !== null && Number(length) > limit) throw tooLarge(limit);
}

const tooLarge = (limit: number) =>
  new Problem("too-large", { detail: `The body is larger than ${limit} bytes.` });

/** The bearer token, or "" where there is none. */
const tokenOf = ({ headers }: Request): string =>
  /^bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1] ?? "";

async function authenticate(request: Request, verify: Verify): Promise<Claims> {
  const token = tokenOf(request);
  if (!token) throw unauthorized("A valid access token is needed.");
  try {
    return await verify(token);
  } catch (error) {
    if (!isPortError(error, "denied")) throw error;
    throw unauthorized("The access token is not valid.", "invalid_token", error);
  }
}

function needsCounting(request: Request, lengthIsChecked: boolean): boolean {
  if (!mayHaveBody(request)) return false;
  if (lengthIsChecked && request.headers.has("content-length")) return false;
  return request.body !== null;
}

/** The same request with its body read, or a 413 as soon as it is over the limit. */
async function withCountedBody(request: Request, limit: number): Promise<Request> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = request.body?.getReader();
  if (!reader) return request;
  for (;;) {
    const { done, value } = await reader.read().catch((cause) => {
      throw new Problem("invalid", { detail: "The body could not be read to its end.", cause });
    });
    if (done) break;
    size += value.byteLength;
    if (size > limit) {
      await reader.cancel().catch(() => {});
      throw tooLarge(limit);
    }
    chunks.push(value);
  }
  const { url, method, headers, signal } = request;
  return new Request(url, { method, headers, signal, body: Buffer.concat(chunks) });
}

function withOwnHeaders(response: Response, { requestId }: HttpContext): Response {
  try {
    for (const [name, value] of Object.entries(ownHeaders(requestId)))
      if (name !== "cache-control" || !response.headers.has(name))
        response.headers.set(name, value);
    return response;
  } catch {
    // Redirects and fetched answers have headers that cannot be changed; a copy's can.
    return withOwnHeaders(new Response(response.body, response), { requestId });
  }
}
