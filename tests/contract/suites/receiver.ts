import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as it came. */
export interface Requested {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Somebody else's HTTP server, on loopback. */
export interface Receiver {
  readonly url: string;
  readonly requests: Requested[];
  /** How it answers from now on. Default: 200 "ok" */
  answer: (request: Requested, response: ServerResponse) => void;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const requests: Requested[] = [];
  const server = createServer(async (incoming, response) => {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    const { method = "", url: path = "", headers } = incoming;
    const request = { method, path, headers, body: Buffer.concat(parts).toString() };
    requests.push(request);
    receiver.answer(request, response);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (_, response) => response.end("ok"),
    close() {
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
  return receiver;
}

/** An answer, for {@link Receiver.answer}. */
export const answering =
  (status: number, body = "", headers: Readonly<Record<string, string>> = {}) =>
  (_: Requested, response: ServerResponse): void => {
    response.writeHead(status, headers);
    response.end(body);
  };
