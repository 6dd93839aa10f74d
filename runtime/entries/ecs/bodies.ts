import type { IncomingMessage, ServerResponse } from "node:http";
import { Problem } from "../../http/problem.ts";

/** Reads a body, or `undefined` where there is none to read; false: it has been answered, or is gone. */
export type ReadBody = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
) => Promise<boolean> | undefined;

/** The bytes of all bodies that are in memory, from their arrival until their requests are over. */
export interface HeldBodies {
  /** At this moment. */
  bytes(): number;
  /**
   * Begins to count a request's body.
   * @param giveUp ends the request, since memory is needed: called once at most
   * @returns notes a part of the body; false where the request was given up
   */
  hold(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    giveUp: () => void,
  ): (bytes: number) => boolean;
}

/**
 * Bounds the bodies in memory. Beyond it, those that have taken longest to come whole are given up,
 * which is what a flood of slow ones is made of; where all are whole, the one that comes is.
 * @param most bytes of all bodies together
 */
export function heldBodies(most: number): HeldBodies {
  interface Holder {
    readonly incoming: IncomingMessage;
    bytes: number;
    end(): void;
  }
  /** In the order of a Set, which is that of arrival. */
  const holders = new Set<Holder>();
  let held = 0;
  const slowest = () => {
    for (const one of holders) if (one.bytes > 0 && !one.incoming.complete) return one;
  };
  return {
    bytes: () => held,
    hold(incoming, outgoing, giveUp) {
      const release = () => {
        holders.delete(holder);
        held -= holder.bytes;
        holder.bytes = 0;
      };
      const end = () => {
        release();
        giveUp();
      };
      const holder: Holder = { incoming, bytes: 0, end };
      holders.add(holder);
      outgoing.once("close", release);
      // Where its turn on the connection does not come, it is not told of the end.
      if (!outgoing.socket) incoming.socket.setMaxListeners(0).once("close", release);
      return (bytes) => {
        if (!holders.has(holder)) return false;
        held += bytes;
        holder.bytes += bytes;
        while (held > most) (slowest() ?? holder).end();
        return holders.has(holder);
      };
    },
  };
}

/**
 * Reads bodies before anything is done with their requests, so that a client that sends slowly
 * holds nothing but its connection, and a request that is let in can be handed on as a whole.
 * @param maxBytes of one body; what says that it is larger is left to the guard, unread
 * @param held bodies: what is given up for others is answered with 503
 */
export function bodyReader(maxBytes = 1_048_576, held: HeldBodies): ReadBody {
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
      incoming.off("data", take);
      incoming.pause();
      chunks.length = 0;
      resolve(false);
      void answerAndClose(outgoing, problem);
    };
    const note = held.hold(incoming, outgoing, () =>
      refuse(new Problem("unavailable", { headers: { "retry-after": "1" } })),
    );
    const take = (chunk: Buffer) => {
      own += chunk.length;
      if (own > maxBytes)
        refuse(new Problem("too-large", { detail: `The body is larger than ${maxBytes} bytes.` }));
      else if (note(chunk.length)) chunks.push(chunk);
    };
    incoming.on("data", take);
    incoming.once("end", () => {
      // Where getRequestListener looks for a body that was read before.
      Object.assign(incoming, { rawBody: chunks.length === 1 ? chunks[0] : Buffer.concat(chunks) });
      resolve(true);
    });
    incoming.once("error", () => resolve(false));
    outgoing.once("close", () => resolve(false));
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
