import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A service before a function that gives its event back. */
export async function echoing() {
  const types: unknown[] = [];
  const server = createServer(async (request, response) => {
    types.push(request.headers["x-amz-invocation-type"]);
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    response.end(Buffer.concat(parts));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: () => types.length,
    types: () => types,
    close() {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
