import { Agent, type IncomingMessage, request as send } from "node:http";
import { Readable } from "node:stream";
import { connectionHeaders } from "../../runtime/http/connection-headers.ts";
import { Problem } from "../../runtime/http/problem.ts";
import type { HttpContext, HttpHandler } from "../../runtime/ports/index.ts";
import { afterBreak } from "../containers/decide.ts";

/** A replica that takes requests. */
export interface Upstream {
  readonly port: number | undefined;
  /** Notes a request; call what it gives when that has been answered. */
  begin(): () => void;
}

/** The replicas of a workload. */
export interface Upstreams {
  /** A healthy one with the fewest requests, but none of these. */
  pick(except?: ReadonlySet<object>): Upstream | undefined;
  /** Why there is none. */
  reason(): string | undefined;
}

/** Bodies up to this size are read before they are passed on, so that they can go elsewhere. */
const wholeBytes = 65_536;
/** Node's own bound for the head of a message: an answer with a larger one is refused. */
const maxHeaderSize = 16_384;
/** Connections to replicas that lie idle are closed before the replicas do it, at 65 s. */
const idleMs = 30_000;
/** Replicas that a request is tried at. */
const tries = 3;

/** What the gateway itself says, whatever a client has sent. */
const ofTheGateway = new Set(["expect", "x-forwarded-proto", "x-amzn-trace-id", "content-length"]);

const agent = new Agent({ keepAlive: true, timeout: idleMs, scheduling: "lifo" });

/** The agent's connections, which would keep a process alive. */
export const closeUpstreams = (): void => agent.destroy();

/**
 * Passes requests on to the replicas of a workload, as a load balancer does: to the one with the
 * fewest, with `x-forwarded-for` and the request's id. What a replica that broke off has not begun,
 * or may do twice, goes to another; the rest is a 502. Bodies pass in both directions as fast as
 * the slower side takes them.
 */
export function proxy(upstreams: Upstreams): HttpHandler {
  return {
    async fetch(request, context) {
      const body = await bodyOf(request);
      const tried = new Set<Upstream>();
      for (;;) {
        const upstream = upstreams.pick(tried);
        if (!upstream) return none(upstreams, context);
        tried.add(upstream);
        const done = upstream.begin();
        try {
          return await forward(upstream, request, body, context, done);
        } catch (error) {
          done();
          if (request.signal.aborted) return gone(context);
          const next = afterBreak({
            method: request.method,
            sent: !(error instanceof NotSent),
            whole: !(body instanceof Readable),
            others: tried.size < tries && upstreams.pick(tried) !== undefined,
          });
          if (next === 502) return brokenOff(error, context);
          if (next === 503) return none(upstreams, context);
        }
      }
    },
  };
}

/** Nothing of the request has reached the replica. */
class NotSent extends Error {}

const none = (upstreams: Upstreams, { requestId }: HttpContext): Response => {
  const reason = upstreams.reason();
  return new Problem("unavailable", {
    detail: `No replica is healthy${reason === undefined ? "; try again in a moment." : `: ${reason}`}`,
    headers: { "retry-after": "1" },
  }).toResponse(requestId);
};
const brokenOff = (cause: unknown, { requestId }: HttpContext): Response =>
  new Problem("unavailable", {
    status: 502,
    detail: "The replica broke off before it answered; whether it was done is not known.",
    cause,
  }).toResponse(requestId);
/** Nobody is there to read it. */
const gone = ({ requestId }: HttpContext): Response =>
  new Problem("unavailable", { status: 499 }).toResponse(requestId);

/** All of a small body; a stream of a larger one, or of one whose size is not told. */
async function bodyOf(request: Request): Promise<Uint8Array | Readable | undefined> {
  if (request.method === "GET" || request.method === "HEAD" || !request.body) return undefined;
  const length = request.headers.get("content-length");
  if (length !== null && Number(length) <= wholeBytes)
    return new Uint8Array(
      await request.arrayBuffer().catch((cause) => {
        throw new Problem("invalid", {
          detail: "The body could not be read to its end.",
          cause,
        });
      }),
    );
  return Readable.fromWeb(request.body as Parameters<typeof Readable.fromWeb>[0]);
}

function forward(
  { port }: Upstream,
  request: Request,
  body: Uint8Array | Readable | undefined,
  context: HttpContext,
  done: () => void,
): Promise<Response> {
  const { method, signal } = request;
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  let sent = false;
  const outgoing = send({
    agent,
    host: "127.0.0.1",
    port,
    method,
    path: context.target ?? pathOf(request.url),
    headers: headersFor(request, body, context),
    setDefaultHeaders: false,
    maxHeaderSize,
    signal,
  });
  outgoing.on("socket", (socket) => {
    if (socket.connecting)
      socket.once("connect", () => {
        sent = true;
      });
    else sent = true;
  });
  outgoing.on("error", (error) => {
    if (body instanceof Readable) body.destroy();
    reject(sent ? error : new NotSent(error.message, { cause: error }));
  });
  outgoing.on("response", (incoming) => {
    incoming.once("close", done);
    answerOf(incoming, method).then(resolve, reject);
  });
  if (body instanceof Readable) {
    body.once("error", () => outgoing.destroy());
    body.pipe(outgoing);
  } else outgoing.end(body);
  return promise;
}

const pathOf = (url: string): string => {
  const { pathname, search } = new URL(url);
  return pathname + search;
};

function headersFor(
  request: Request,
  body: Uint8Array | Readable | undefined,
  { requestId, clientIp }: HttpContext,
): Record<string, string> {
  const { headers } = request;
  const named = new Set(
    (headers.get("connection") ?? "").split(",").map((name) => name.trim().toLowerCase()),
  );
  const passed: Record<string, string> = {};
  for (const [name, value] of headers)
    if (!connectionHeaders.has(name) && !ofTheGateway.has(name) && !named.has(name))
      passed[name] = value;
  const before = headers.get("x-forwarded-for");
  if (clientIp !== undefined)
    passed["x-forwarded-for"] = before === null ? clientIp : `${before}, ${clientIp}`;
  passed["x-forwarded-proto"] = "http";
  passed["x-amzn-trace-id"] = requestId;
  passed.connection = "keep-alive";
  const length = headers.get("content-length");
  if (body instanceof Readable) {
    if (length === null) passed["transfer-encoding"] = "chunked";
    else passed["content-length"] = length;
  } else if (body) passed["content-length"] = String(body.byteLength);
  return passed;
}

/** Statuses whose answers have no body (Fetch, "null body status"). */
const bodyless = [204, 205, 304];

/** With all of a small body: a stream costs more than what is in it. */
async function answerOf(incoming: IncomingMessage, method: string): Promise<Response> {
  const { statusCode: status = 502, rawHeaders } = incoming;
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = [rawHeaders[at], rawHeaders[at + 1]];
    if (!connectionHeaders.has(name.toLowerCase())) headers.append(name, value);
  }
  if (method === "HEAD" || bodyless.includes(status)) {
    incoming.resume();
    return new Response(null, { status, headers });
  }
  const length = incoming.headers["content-length"];
  const body =
    length !== undefined && Number(length) <= wholeBytes
      ? await wholeOf(incoming)
      : (Readable.toWeb(incoming) as ReadableStream<Uint8Array>);
  return new Response(body, { status, headers });
}

function wholeOf(incoming: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  incoming.once("end", () => resolve(new Uint8Array(Buffer.concat(chunks))));
  incoming.once("error", reject);
  // Also where it broke off.
  incoming.once("close", () => reject(new Error("the answer broke off")));
  return promise;
}
