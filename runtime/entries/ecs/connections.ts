import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server, Socket } from "node:net";

/**
 * Bounds the connections of an HTTP server. One too many does not shut the door on whoever comes next: it
 * ends those that have been open longest without a whole request, which is what a flood of slow
 * clients is made of. One whose request is being answered is never ended; where all are, the new
 * one is.
 * @param most at a time
 * @returns lets go of a connection that has become something else, such as a web socket
 */
export function boundConnections(server: Server, most: number): (socket: Socket) => void {
  /** In the order of a Set, which is that of arrival. */
  const open = new Set<Socket>();
  // Several at once, so that a flood does not look through all of them for each connection.
  const atOnce = Math.max(1, Math.floor(most / 16));

  const latest = new WeakMap<Socket, ServerResponse>();
  /** Whether a whole request waits for the end of its answer. */
  const isBusy = (socket: Socket) => {
    const response = latest.get(socket);
    return response?.req.complete === true && !response.writableFinished;
  };

  server.prependListener("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    latest.set(socket, response);
  });
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    if (open.size <= most) return;
    let ended = 0;
    for (const one of open) {
      if (one === socket || isBusy(one)) continue;
      one.destroy();
      open.delete(one);
      ended += 1;
      if (ended === atOnce) break;
    }
    if (ended === 0) socket.destroy();
  });
  return (socket) => void open.delete(socket);
}
