import { isUtf8 } from "node:buffer";
import { connectionHeaders } from "../http/connection-headers.ts";
import type { HttpContext } from "../ports/http.ts";

/**
 * Largest payload of a call that waits for its answer, and of the answer, in bytes of JSON (AWS
 * Lambda Developer Guide, "Lambda quotas", read 2026-11: 6 MB each).
 */
export const maxPayloadBytes = 6 * 1_048_576;

/** What a function has no use for: the whole body comes with the call. */
const notPassed = new Set([...connectionHeaders, "expect"]);

/** Whether a request can be answered by a function: as a whole, and not over an open connection. */
export function canTravel({ method, headers }: Request): boolean {
  if (method === "CONNECT" || method === "TRACE" || headers.has("upgrade")) return false;
  if ((headers.get("accept") ?? "").includes("text/event-stream")) return false;
  return Number(headers.get("content-length") ?? 0) <= maxPayloadBytes;
}

/**
 * A request as the payload that an HTTP API sends to a function (format 2.0), with its token, so
 * that the function verifies it itself. `toRequest` of the function's entry is its inverse.
 * @param body all of it
 * @returns JSON, or `undefined` where it is larger than a call carries
 */
export function payloadOf(
  request: Request,
  context: HttpContext,
  body: Uint8Array,
): string | undefined {
  if (body.byteLength > maxPayloadBytes) return undefined;
  const { method, headers } = request;
  const [rawPath, rawQueryString] = splitTarget(context.target, request.url);
  const named = new Set((headers.get("connection") ?? "").toLowerCase().split(/[\s,]+/));
  const kept = [...headers].filter(
    ([name]) => !notPassed.has(name) && !named.has(name) && name !== "cookie",
  );
  const cookie = headers.get("cookie");
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const isText = isUtf8(bytes);
  const payload = JSON.stringify({
    version: "2.0",
    routeKey: "$default",
    rawPath,
    rawQueryString,
    ...(cookie !== null && { cookies: cookie.split("; ") }),
    headers: Object.fromEntries(kept),
    requestContext: {
      requestId: context.requestId,
      http: { method, path: rawPath, protocol: "HTTP/1.1", sourceIp: context.clientIp },
    },
    ...(bytes.length > 0 && { body: bytes.toString(isText ? "utf8" : "base64") }),
    isBase64Encoded: bytes.length > 0 && !isText,
  });
  return Buffer.byteLength(payload) <= maxPayloadBytes ? payload : undefined;
}

/** Path and query as they were sent; of a target that is a whole address, those of the address. */
function splitTarget(target: string | undefined, url: string): [path: string, query: string] {
  const { pathname, search } = new URL(url);
  const sent = target?.startsWith("/") ? target : pathname + search;
  const at = sent.indexOf("?");
  return at < 0 ? [sent, ""] : [sent.slice(0, at), sent.slice(at + 1)];
}

/**
 * A function's answer as a web answer; `toResult` of its entry is the inverse.
 * @throws {TypeError} for what is no answer of an HTTP function
 */
export function responseOf(answer: string): Response {
  const result = parsed(answer);
  const headers = new Headers();
  for (const [name, value] of Object.entries(result.headers ?? {}))
    if (!notPassed.has(name.toLowerCase())) headers.append(name, String(value));
  for (const cookie of result.cookies ?? []) headers.append("set-cookie", cookie);
  const { statusCode: status, body = "", isBase64Encoded = false } = result;
  const bytes = Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
  return new Response(bytes.length > 0 ? bytes : null, { status, headers });
}

interface Result {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly cookies?: readonly string[];
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

function parsed(answer: string): Result {
  let result: Partial<Result> | null;
  try {
    result = JSON.parse(answer);
  } catch (cause) {
    throw new TypeError("the function's answer is not JSON", { cause });
  }
  const { statusCode } = result ?? {};
  if (!Number.isInteger(statusCode) || Number(statusCode) < 200 || Number(statusCode) > 599)
    throw new TypeError("the function's answer has no status");
  return result as Result;
}
