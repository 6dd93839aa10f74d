import type { IncomingMessage, ServerResponse } from "node:http";
import type { HeldBodies } from "../../runtime/entries/ecs/bodies.ts";
import { Problem } from "../../runtime/http/problem.ts";

/**
 * Counts what arrives of a request's body, whoever reads it and how: streams pass as before. Where
 * it is given up for others it is answered with 503, unless its answer has begun, and cut off.
 */
export function countBody(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  held: HeldBodies,
): void {
  const { headers } = incoming;
  if (headers["transfer-encoding"] === undefined && !(Number(headers["content-length"]) > 0))
    return;
  const note = held.hold(incoming, outgoing, () => cutOff(incoming, outgoing));
  const { push } = incoming;
  // Where Node's parser puts what it has read; a dumped body does not come by.
  incoming.push = (chunk: Buffer | null, encoding) =>
    (chunk === null || note(chunk.length)) && push.call(incoming, chunk, encoding);
}

function cutOff({ socket }: IncomingMessage, outgoing: ServerResponse): void {
  // Not its turn yet, or in the middle of an answer: nothing can be said.
  if (outgoing.socket !== socket || outgoing.headersSent) return void socket.destroy();
  const problem = new Problem("unavailable", { headers: { "retry-after": "1" } });
  const body = JSON.stringify(problem.toBody());
  const lines = [
    `HTTP/1.1 ${problem.status} Refused`,
    "content-type: application/problem+json",
    `content-length: ${Buffer.byteLength(body)}`,
    "retry-after: 1",
    "connection: close",
  ];
  // Past the response, which its handler may be about to write: for that, the client is gone.
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}
