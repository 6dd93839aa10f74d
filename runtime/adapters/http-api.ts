import type { Api, ApiRequest, Json } from "../ports/index.ts";
import { type Fault, faultsOf } from "./faults.ts";
import { checkWhole, messageText } from "./limits.ts";
import { exchange, type Fetch, outgoingUrl } from "./outgoing.ts";

/** Most bytes of a request's JSON, and of an answer. */
const maxBytes = 1_048_576;
/** Of 255 characters, as payment providers have it, that a header can hold. */
const idempotencyKey = /^[\x21-\x7e]{1,255}$/;

export interface HttpApiOptions {
  /** Of the API in system.ts. */
  readonly name: string;
  /** Base URL: https, or http on this machine. */
  readonly url: string;
  /** Gives the bearer token. Default: none is sent */
  readonly token?: () => Promise<string>;
  /** Default: over the network */
  readonly fetch?: Fetch;
}

/**
 * An HTTP API with JSON, asked with a bearer token. No redirect is followed: it is the answer.
 * @throws {PortError} `invalid` for a base URL that is none or that is not encrypted
 */
export function httpApi({ name, url, token, fetch }: HttpApiOptions): Api {
  const fault = faultsOf("api", name);
  const base = outgoingUrl(url);
  if (!base || base.search + base.hash !== "")
    throw fault("invalid", "its URL is not https, or no base; correct it in system.ts");
  return {
    async request(request) {
      const { timeoutMs = 10_000 } = request;
      checkWhole(fault, "timeoutMs", timeoutMs, 1, 900_000);
      const asked = requestOf(fault, base, request);
      if (token) asked.headers.set("authorization", bearer(fault, await token()));
      const answer = await exchange(fault, asked, {
        timeoutMs,
        maxBytes,
        ...(fetch && { fetch }),
      });
      const { status, headers, text } = answer;
      if (status === 429) throw fault("throttled", "it answered 429; try again later");
      if (status >= 500) throw fault("unavailable", `it answered ${status}; try again later`);
      return { status, body: jsonOf(headers, text) };
    },
  };
}

function requestOf(fault: Fault, base: URL, request: ApiRequest): Request {
  const { method, path, body, idempotencyKey: key } = request;
  const headers = new Headers({ accept: "application/json" });
  if (key !== undefined) {
    if (!idempotencyKey.test(key))
      throw fault("invalid", "idempotencyKey is of another form; use 1 to 255 of ASCII");
    headers.set("idempotency-key", key);
  }
  if (method === "GET" && body !== undefined)
    throw fault("invalid", "GET with a body; put it into the path");
  const text = body === undefined ? undefined : messageText(fault, body, maxBytes);
  if (text !== undefined) headers.set("content-type", "application/json");
  return new Request(urlOf(fault, base, path), {
    method,
    headers,
    ...(text !== undefined && { body: text }),
  });
}

/** The path below the base, which no path may leave: the token is for what is there. */
function urlOf(fault: Fault, base: URL, path: string): URL {
  const text = base.href.replace(/\/$/, "") + path;
  const isPath = path.startsWith("/") && !path.startsWith("//") && !path.includes("#");
  const url = isPath && URL.canParse(text) ? new URL(text) : undefined;
  // Where a URL reads otherwise than it is written, it has "..", a backslash or the like in it.
  if (url?.href !== text)
    throw fault("invalid", `path ${JSON.stringify(path.slice(0, 80))}; use one such as "/v1/x"`);
  return url;
}

/** A header's error would name its value. */
function bearer(fault: Fault, token: string): string {
  if (!/^[\x21-\x7e]+$/.test(token))
    throw fault("unavailable", "its secret cannot stand in a header; correct the secret");
  return `Bearer ${token}`;
}

function jsonOf(headers: Headers, text: string): Json {
  if (!/[/+]json\b/i.test(headers.get("content-type") ?? "")) return null;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}
