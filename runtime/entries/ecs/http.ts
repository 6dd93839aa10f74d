import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { ownHeaders } from "../../http/guard.ts";
import { Problem } from "../../http/problem.ts";
import type { HttpHandler } from "../../ports/http.ts";
import { type HostOptions, hosted } from "../host.ts";
import { drainable } from "./drain.ts";

export interface EcsOptions extends HostOptions {
  /** Default: the variable PORT, else 8080. 0: any free one */
  readonly port?: number;
  /** Default: "0.0.0.0", all of the task's addresses */
  readonly host?: string;
  /** How long requests in flight may take after SIGTERM. Default: 25 (ECS kills after 30) */
  readonly drainSeconds?: number;
}

export interface EcsServer {
  readonly port: number;
  /** Drains as on SIGTERM. @returns the requests that were cut off at the deadline */
  stop(): Promise<number>;
}

/** Longer than a load balancer keeps its side open (60 s), so that it never meets a closed one. */
const keepAliveMs = 65_000;

/**
 * An HTTP workload as a server in a container: `/healthz` for the load balancer; on SIGTERM it
 * is no longer ready, takes no new connections, finishes what is in flight, and exits with 0
 * (1 where requests had to be cut off).
 * @example
 * await ecsHttp(create(ports), { auth: "jwt", routes, verify });
 */
export async function ecsHttp(handler: HttpHandler, options: EcsOptions): Promise<EcsServer> {
  const { port, host = "0.0.0.0", drainSeconds = 25, ...declared } = options;
  const guarded = hosted(handler, declared, { headersAreSet: true });
  const listener = getRequestListener(
    (request, env) => {
      const { incoming, outgoing } = env as { incoming: IncomingMessage; outgoing: ServerResponse };
      const requestId = requestIdOf(incoming);
      for (const [name, value] of Object.entries(ownHeaders(requestId)))
        outgoing.setHeader(name, value);
      return guarded.fetch(request, {
        requestId,
        clientIp: clientIpOf(incoming),
        target: incoming.url,
      });
    },
    // Reached only by what no request can be made of: a bad Host, target or method.
    { errorHandler: () => new Problem("invalid").toResponse() },
  );
  const server = createServer(
    { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: keepAliveMs },
    (incoming, outgoing) => {
      if (incoming.url !== "/healthz") return void listener(incoming, outgoing);
      outgoing.writeHead(drain.draining() ? 503 : 200, { "content-type": "text/plain" });
      outgoing.end(drain.draining() ? "draining" : "ok");
    },
  );
  const drain = drainable(server, drainSeconds * 1000);

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port ?? Number(process.env.PORT ?? 8080), host, resolve);
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.once(signal, async () => process.exit((await drain.stop()) === 0 ? 0 : 1));
  const address = server.address();
  return { port: typeof address === "object" && address ? address.port : 0, stop: drain.stop };
}

/** The load balancer's trace id, else a new one; a client cannot put anything else into logs. */
function requestIdOf({ headers }: IncomingMessage): string {
  const trace = headers["x-amzn-trace-id"];
  return typeof trace === "string" && /^[\w=;:.-]{1,200}$/.test(trace) ? trace : randomUUID();
}

/** The last address is the one that the load balancer itself saw. */
function clientIpOf({ headers, socket }: IncomingMessage): string | undefined {
  const forwarded = headers["x-forwarded-for"];
  return (
    String(forwarded ?? "")
      .split(",")
      .at(-1)
      ?.trim() || socket.remoteAddress
  );
}
