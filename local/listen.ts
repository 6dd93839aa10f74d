import { createServer, IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { heldBodies } from "../runtime/entries/ecs/bodies.ts";
import { boundConnections } from "../runtime/entries/ecs/connections.ts";
import { type ServerLimits, serverLimits } from "../runtime/entries/ecs/limits.ts";
import { countBody } from "./gateway/bodies.ts";
import { EdgeResponse } from "./gateway/response.ts";
import type { Upgrades } from "./gateway/upgrades.ts";
import { StartFault } from "./settings.ts";

type Listener = RequestListener<typeof IncomingMessage, typeof EdgeResponse>;

/** A server on loopback whose listener can be set once everything behind it is there. */
export interface Listening {
  readonly port: number;
  readonly url: string;
  /** @param upgrades takes the connections of web sockets. Default: there are none */
  serve(listener: Listener, upgrades?: Upgrades): void;
  /** Bytes of bodies whose requests are not over. */
  heldBytes(): number;
  /**
   * Takes no new connections, and returns when the requests that run have their answers, and web
   * sockets their end: whoever holds them has to end them.
   */
  drain(): Promise<void>;
}

/**
 * What a container's server grants, with room for all workloads of the machine at once. Connections: a
 * burst of 2,000 requests that each bring their own, twice over. 128 MB of bodies are six of the largest objects that forms bring by themselves (20 MiB in the example).
 */
export const gatewayLimits: ServerLimits = {
  ...serverLimits,
  connections: 4_096,
  heldBytes: 128 * 1_048_576,
};

/** Longest wait for the requests that run when the host stops, in milliseconds. */
const drainMs = 30_000;

/**
 * Listens on 127.0.0.1 and nowhere else. Until {@link Listening.serve} it answers 503.
 * @param port 0: any free one
 * @param limits against clients that mean harm. Default: {@link gatewayLimits}
 * @throws {StartFault} where the port is taken or may not be used
 */
export async function listen(port: number, limits?: Partial<ServerLimits>): Promise<Listening> {
  const bounds = { ...gatewayLimits, ...limits };
  const held = heldBodies(bounds.heldBytes);
  let current: Listener = (_, outgoing) => {
    outgoing.writeHead(503, { "retry-after": "1" }).end();
  };
  let sockets: Upgrades | undefined;
  let drained: Promise<void> | undefined;
  const server = createServer(
    {
      IncomingMessage,
      ServerResponse: EdgeResponse,
      headersTimeout: bounds.headersMs,
      requestTimeout: bounds.requestMs,
      keepAliveTimeout: bounds.keepAliveMs,
      maxHeaderSize: bounds.headerBytes,
      // How late the first two may be.
      connectionsCheckingInterval: 1_000,
      // What asks for another upgrade is a request like others.
      shouldUpgradeCallback: (incoming) => sockets?.wants(incoming) ?? false,
    },
    (incoming, outgoing) => {
      if (drained) outgoing.shouldKeepAlive = false;
      countBody(incoming, outgoing, held);
      current(incoming, outgoing);
    },
  );
  const release = boundConnections(server, bounds.connections);
  server.on("upgrade", (incoming, client, head) => {
    // Bounded by themselves from here on.
    release(incoming.socket);
    if (sockets && !drained) sockets.accept(incoming, client, head);
    else client.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(faultOf(port, error)));
    // Room for a burst of connections at once; the system may cap it lower.
    server.listen({ port, host: "127.0.0.1", backlog: 4096 }, resolve);
  });
  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // Connections that idle between two requests do not hold the end up; late ones are cut.
    const sweep = setInterval(() => server.closeIdleConnections(), 20);
    const cut = setTimeout(() => {
      server.closeAllConnections();
      sockets?.close();
    }, drainMs);
    await closed;
    clearInterval(sweep);
    clearTimeout(cut);
  };
  const { port: actual } = server.address() as AddressInfo;
  return {
    port: actual,
    url: `http://127.0.0.1:${actual}`,
    heldBytes: held.bytes,
    serve(listener, upgrades) {
      current = listener;
      sockets = upgrades;
    },
    drain() {
      drained ??= close();
      return drained;
    },
  };
}

function faultOf(port: number, error: NodeJS.ErrnoException): StartFault {
  const remedy = "stop what uses it, or choose another with PORT (0: any free one)";
  const what = error.code === "EADDRINUSE" ? "is in use" : `cannot be listened on (${error.code})`;
  return new StartFault(`start "PORT": ${port} ${what}; ${remedy}`, { cause: error });
}
