import type { IncomingMessage, ServerResponse } from "node:http";
import { Problem } from "../../http/problem.ts";

/** Reads a body, or `undefined` where there is none to read; false: it has been answered, or is gone. */
export type ReadBody = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
) => Promise<boolean> | undefined;

/**
 * Reads bodies before anything is done with their requests, so that a client that sends slowly
 * holds nothing but its connection, and a request that is let in can be handed on as a whole.
 * @param maxBytes of one body; what says that it is larger is left to the guard, unread
 * @param heldBytes of all bodies in memory: what comes beyond is answered with 503
 */
export function bodyReader(maxBytes = 1_048_576, heldBytes: number): ReadBody {
  let held = 0;
  return (incoming, outgoing) => {
    const { method, headers } = incoming;
    if (method === "GET" || method === "HEAD") return undefined;
    const length = headers["content-length"];
    if (length === undefined ? !headers["transfer-encoding"] : !(Number(length) <= maxBytes))
      return undefined;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const chunks: Buffer[] = [];
    let own = 0;
    const refuse = (problem: Problem) => {
      incoming.pause();
      chunks.length = 0;
      resolve(false);
      void answerAndClose(outgoing, problem);
    };
    const take = (chunk: Buffer) => {
      own += chunk.length;
      held += chunk.length;
      if (own > maxBytes) {
        incoming.off("data", take);
        refuse(new Problem("too-large", { detail: `The body is larger than ${maxBytes} bytes.` }));
      } else if (held > heldBytes) {
        incoming.off("data", take);
        refuse(new Problem("unavailable", { headers: { "retry-after": "1" } }));
      } else chunks.push(chunk);
    };
    incoming.on("data", take);
    incoming.once("end", () => {
      // Where getRequestListener looks for a body that was read before.
      Object.assign(incoming, { rawBody: chunks.length === 1 ? chunks[0] : Buffer.concat(chunks) });
      resolve(true);
    });
    incoming.once("error", () => resolve(false));
    outgoing.once("close", () => {
      held -= own;
      resolve(false);
    });
    return promise;
  };
}

async function answerAndClose(outgoing: ServerResponse, problem: Problem): Promise<void> {
  const response = problem.toResponse();
  const body = await response.text();
  if (outgoing.headersSent || outgoing.destroyed) return;
  outgoing.writeHead(response.status, {
    ...Object.fromEntries(response.headers),
    "content-length": Buffer.byteLength(body),
    connection: "close",
  });
  outgoing.end(body);
}
