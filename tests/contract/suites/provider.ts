import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";

/** Puts what answers requests behind a port on loopback. */
export async function listening(
  fetch: (request: Request) => Promise<Response>,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createAdaptorServer({ fetch });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      if ("closeAllConnections" in server) server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
