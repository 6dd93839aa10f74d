import { createServer, IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
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
  /**
   * Takes no new connections, and returns when the requests that run have their answers, and web
   * sockets their end: whoever holds them has to end them.
   */
  drain(): Promise<void>;
}

/** Longest wait for the requests that run when the host stops, in milliseconds. */
const drainMs = 30_000;

/**
 * Listens on 127.0.0.1 and nowhere else. Until {@link Listening.serve} it answers 503.
 * @param port 0: any free one
 * @throws {StartFault} where the port is taken or may not be used
 */
export async function listen(port: number): Promise<Listening> {
  let current: Listener = (_, outgoing) => {
    outgoing.writeHead(503, { "retry-after": "1" }).end();
  };
  let sockets: Upgrades | undefined;
  let drained: Promise<void> | undefined;
  const server = createServer(
    // As long as a container's server gives a client for its headers, and for all of a request.
    {
      IncomingMessage,
      ServerResponse: EdgeResponse,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      // What asks for another upgrade is a request like others.
      shouldUpgradeCallback: (incoming) => sockets?.wants(incoming) ?? false,
    },
    (incoming, outgoing) => {
      if (drained) outgoing.shouldKeepAlive = false;
      current(incoming, outgoing);
    },
  );
  server.on("upgrade", (incoming, client, head) => {
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
