import { createServer, type Server } from "node:http";

/**
 * What a container that serves nobody tells its own health check: `/healthz` on loopback, 200 while
 * it works and 503 when it no longer does. Where its event loop stands still, there is no answer.
 * @param port 0: any free one
 * @param isAlive asked for each answer
 */
export function tellLiveness(port: number, isAlive: () => boolean): Server {
  const server = createServer((_, outgoing) => {
    const alive = isAlive();
    outgoing.writeHead(alive ? 200 : 503, { "content-type": "text/plain", connection: "close" });
    outgoing.end(alive ? "ok" : "stuck");
  });
  // Nothing stays for its sake.
  return server.listen(port, "127.0.0.1").unref();
}
