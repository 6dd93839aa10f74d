import type { IncomingMessage, Server, ServerResponse } from "node:http";

/**
 * Lets a server stop without cutting off anyone: connections are closed as soon as they are idle,
 * answers under way say `connection: close`.
 * @param deadlineMs after which what is left is cut off
 * @returns draining: whether it has begun; stop: begins it, and resolves with how many were cut off
 */
export function drainable(server: Server, deadlineMs: number) {
  const inFlight = new Set<ServerResponse>();
  let stopping: Promise<number> | undefined;

  server.prependListener("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    inFlight.add(response);
    // Where its turn on the connection does not come, it is not told of the end.
    if (!response.socket) socket.setMaxListeners(0).once("close", () => inFlight.delete(response));
    if (stopping) response.shouldKeepAlive = false;
    response.once("close", () => {
      inFlight.delete(response);
      // After this event the connection counts as idle.
      if (stopping) setImmediate(() => server.closeIdleConnections());
    });
  });

  const stop = (): Promise<number> => {
    stopping ??= new Promise((resolve) => {
      let cut = 0;
      const deadline = setTimeout(() => {
        cut = inFlight.size;
        server.closeAllConnections();
      }, deadlineMs);
      for (const response of inFlight) response.shouldKeepAlive = false;
      server.close(() => {
        clearTimeout(deadline);
        resolve(cut);
      });
    });
    return stopping;
  };
  return { draining: () => stopping !== undefined, stop };
}
