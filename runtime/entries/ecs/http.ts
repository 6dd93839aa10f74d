import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { ownHeaders } from "../../http/guard.ts";
import { Problem } from "../../http/problem.ts";
import { reportMetrics } from "../../metrics.ts";
import {
  type AdmissionOptions,
  type AdmissionSnapshot,
  admission,
} from "../../overflow/admission.ts";
import { admissionLine } from "../../overflow/metrics.ts";
import type { HttpHandler } from "../../ports/http.ts";
import { type HostOptions, hosted } from "../host.ts";
import { bodyReader, heldBodies } from "./bodies.ts";
import { boundConnections } from "./connections.ts";
import { drainable } from "./drain.ts";
import { type ServerLimits, serverLimits } from "./limits.ts";

export interface EcsOptions extends HostOptions {
  /** Default: the variable PORT, else 8080. 0: any free one */
  readonly port?: number;
  /** Default: "0.0.0.0", all of the task's addresses */
  readonly host?: string;
  /** How long requests in flight may take after SIGTERM. Default: 25 (ECS kills after 30) */
  readonly drainSeconds?: number;
  /** What is done with more requests than it can hold; false: all of them are begun. */
  readonly admission?: AdmissionOptions | false;
  /** Name under which admission is reported, a line a minute. Default: it is not */
  readonly metrics?: { readonly workload: string };
  /** Against clients that mean harm. */
  readonly limits?: Partial<ServerLimits>;
}

export interface EcsServer {
  readonly port: number;
  /** Drains as on SIGTERM. @returns the requests that were cut off at the deadline */
  stop(): Promise<number>;
  /** How admission stands; absent without it. */
  readonly admission?: () => AdmissionSnapshot;
}

const signals = ["SIGTERM", "SIGINT"] as const;

/**
 * An HTTP workload as a server in a container: `/healthz` for the load balancer, and admission
 * control behind the check of tokens, so that nobody without one costs anything; on SIGTERM it
 * is no longer ready, takes no new connections, finishes what is in flight, and exits with 0
 * (1 where requests had to be cut off).
 * @example
 * await ecsHttp(create(ports), { auth: "jwt", routes, verify });
 */
export async function ecsHttp(handler: HttpHandler, options: EcsOptions): Promise<EcsServer> {
  const { port, host = "0.0.0.0", drainSeconds = 25, metrics, limits, ...declared } = options;
  const bounds = { ...serverLimits, ...limits };
  const admitted = options.admission === false ? undefined : admission(handler, options.admission);
  const guarded = hosted(admitted?.handler ?? handler, declared, { headersAreSet: true });
  const readBody = bodyReader(options.maxBodyBytes, heldBodies(bounds.heldBytes));
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
    {
      requestTimeout: bounds.requestMs,
      headersTimeout: bounds.headersMs,
      keepAliveTimeout: bounds.keepAliveMs,
      maxHeaderSize: bounds.headerBytes,
      // How late the two time limits may be.
      connectionsCheckingInterval: 1_000,
    },
    (incoming, outgoing) => {
      if (incoming.url !== "/healthz") {
        const reading = readBody(incoming, outgoing);
        if (!reading) return void listener(incoming, outgoing);
        return void reading.then((isRead) => (isRead ? listener(incoming, outgoing) : undefined));
      }
      outgoing.writeHead(drain.draining() ? 503 : 200, { "content-type": "text/plain" });
      outgoing.end(drain.draining() ? "draining" : "ok");
    },
  );
  const drain = drainable(server, drainSeconds * 1000);
  boundConnections(server, bounds.connections);
  const endReport =
    metrics && admitted && reportMetrics(admitted.snapshot, admissionLine(metrics.workload));
  let stopping: Promise<number> | undefined;
  const stop = () => {
    stopping ??= drain.stop().then((cut) => {
      endReport?.();
      for (const signal of signals) process.off(signal, end);
      return cut;
    });
    return stopping;
  };
  const end = async () => process.exit((await stop()) === 0 ? 0 : 1);

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port ?? Number(process.env.PORT ?? 8080), host, resolve);
  });
  for (const signal of signals) process.once(signal, end);
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    stop,
    ...(admitted && { admission: admitted.snapshot }),
  };
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
