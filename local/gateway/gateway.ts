import { randomUUID } from "node:crypto";
import type { IncomingMessage, RequestListener } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { ownHeaders } from "../../runtime/http/guard.ts";
import { Problem } from "../../runtime/http/problem.ts";
import type { HttpHandler } from "../../runtime/ports/index.ts";
import type { Cors, Route, Throttle } from "../../spec/index.ts";
import { corsRules } from "./cors.ts";
import type { RecentRequests } from "./requests.ts";
import type { EdgeResponse } from "./response.ts";
import { compileRoutes } from "./router.ts";
import { tokenBucket } from "./throttle.ts";

/** A declared route and what answers it: guarded already (token, body size). */
export interface GatewayRoute {
  readonly route: Route;
  readonly workload: string;
  readonly handler: HttpHandler;
  readonly throttle: Throttle;
}

export interface GatewayOptions {
  readonly routes: readonly GatewayRoute[];
  readonly cors?: Cors;
  readonly requests: RecentRequests;
  /** Told of every answer of a workload's route or to an unknown one; must cost next to nothing. */
  readonly onAnswered?: (answered: { readonly ms: number; readonly status: number }) => void;
  /** Answers of the host itself (dashboard, issuer), asked first; undefined: not its path. */
  readonly own: (
    path: string,
    request: Request,
    incoming: IncomingMessage,
  ) => Response | Promise<Response> | undefined;
  /** Told of every fault that no handler answered. */
  readonly onFault: (requestId: string, error: unknown) => void;
}

interface Target extends GatewayRoute {
  /** Milliseconds until a request may come, or 0. */
  readonly wait: (now: number) => number;
}

/** A request on its way. `at` is a time of this process, in milliseconds. */
interface Asked {
  readonly id: string;
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly target: Target | undefined;
}

/**
 * The edge on this machine: routes, CORS and throttle as they are declared. One lookup per
 * request and no chain of middlewares; headers of the edge go onto the outgoing message directly,
 * so that a handler's answer is passed on as it is.
 */
export function gateway(
  options: GatewayOptions,
): RequestListener<typeof IncomingMessage, typeof EdgeResponse> {
  const { requests, own, onAnswered, onFault } = options;
  const cors = options.cors && corsRules(options.cors);
  const find = compileRoutes(
    options.routes.map((entry) => ({
      route: entry.route,
      target: { ...entry, wait: tokenBucket(entry.throttle) } satisfies Target,
    })),
  );

  // Unlike any other process' ids, and cheaper than a random one for each request.
  const instance = randomUUID();
  let count = 0;

  /** Notes an answer for the dashboard and passes it on. */
  const noted = (asked: Asked, response: Response): Response => {
    const { id, at, method, path, target } = asked;
    const { status } = response;
    const ms = performance.now() - at;
    const time = performance.timeOrigin + at;
    requests.add({ id, at: time, method, path, status, ms, workload: target?.workload });
    onAnswered?.({ ms, status });
    return response;
  };
  const failed = (asked: Asked, error: unknown): Response => {
    onFault(asked.id, error);
    return noted(asked, new Problem("internal").toResponse(asked.id));
  };

  const answer = (
    { id, at, target }: Asked,
    request: Request,
    incoming: IncomingMessage,
  ): Response | Promise<Response> => {
    if (!target) return new Problem("not-found").toResponse(id);
    const wait = target.wait(at);
    if (wait > 0) {
      const headers = { "retry-after": String(Math.ceil(wait / 1000)) };
      return new Problem("throttled", { headers }).toResponse(id);
    }
    return target.handler.fetch(request, {
      requestId: id,
      clientIp: incoming.socket.remoteAddress,
      target: incoming.url,
    });
  };

  const serve = (
    request: Request,
    { incoming, outgoing }: { incoming: IncomingMessage; outgoing: EdgeResponse },
  ): Response | Promise<Response> => {
    const at = performance.now();
    const path = pathOf(request.url);
    const id = `${instance}-${++count}`;
    if (path.startsWith("/_") || path.startsWith("/.")) {
      const mine = own(path, request, incoming);
      if (mine instanceof Promise)
        return mine.catch((error) => {
          onFault(id, error);
          return new Problem("unavailable").toResponse(id);
        });
      if (mine) return mine;
    }
    const { method } = request;
    const asked: Asked = { id, at, method, path, target: find(method, path) };
    outgoing.edge = ownHeaders(id);
    if (cors) {
      const { origin } = incoming.headers;
      if (method === "OPTIONS" && origin && incoming.headers["access-control-request-method"])
        return noted(asked, new Response(null, { status: 204, headers: cors.preflight(origin) }));
      outgoing.edge = { ...outgoing.edge, ...cors.headers(origin) };
    }
    try {
      const response = answer(asked, request, incoming);
      return response instanceof Promise
        ? response.then(
            (settled) => noted(asked, settled),
            (error) => failed(asked, error),
          )
        : noted(asked, response);
    } catch (error) {
      return failed(asked, error);
    }
  };
  // Both servers of node:http fit; the types name HTTP/2 as well, which is not used here.
  return getRequestListener(serve as Parameters<typeof getRequestListener>[0], {
    // Reached only by what no request can be made of: a bad Host, target or method.
    errorHandler: () => new Problem("invalid").toResponse(),
  }) as ReturnType<typeof gateway>;
}

/** The path of an absolute URL that was normalised already, without the query. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const query = url.indexOf("?", start);
  return query === -1 ? url.slice(start) : url.slice(start, query);
}
