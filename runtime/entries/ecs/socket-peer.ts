import { randomUUID } from "node:crypto";
import type { RawData, WebSocket } from "ws";
import { reported } from "../../http/problem.ts";
import {
  type Claims,
  type Json,
  type Peer,
  type SocketHandler,
  socketCloses,
} from "../../ports/index.ts";
import type { SocketLimits } from "./socket-limits.ts";

/** What the peers of a process share. */
export interface Shared {
  readonly limits: SocketLimits;
  /** Bytes that wait for clients, of all of them. */
  held: number;
  /** Closed because their clients read too slowly. */
  behind: number;
  /** The message that was sent last, as text: it goes to many. */
  last?: { readonly message: Json; readonly text: string; readonly bytes: number };
}

/** A peer, as its server has it. */
export interface OpenPeer extends Peer {
  /** Ends it where nothing was heard since the last call, or its token has expired; else asks. */
  beat(now: number): void;
  /** Ends it without a word. */
  terminate(): void;
}

/** Longest time that a timer of Node's can wait. */
const longestTimerMs = 2_147_483_647;

/**
 * A peer on a socket: one message in work at a time, bounded in what it sends and what waits for it.
 * @param onEnd called once, when the connection is gone
 */
export function openPeer(
  ws: WebSocket,
  handler: SocketHandler,
  facts: { readonly claims?: Claims; readonly clientIp?: string },
  shared: Shared,
  onEnd: () => void,
): OpenPeer {
  const { limits } = shared;
  const queue: Json[] = [];
  const room = limits.bufferedBytes / 2;
  const grants = bucket(limits);
  const waiters = new Set<(isOpen: boolean) => void>();
  let waiting = 0;
  let working = true;
  let heard = true;
  let ended = false;
  let gone = false;

  const tellWaiters = () => {
    if (!ended && waiting > room) return;
    for (const tell of [...waiters]) tell(!ended);
  };
  const close = (code: number, reason: string) => {
    if (ended) return;
    ended = true;
    queue.length = 0;
    if (code === socketCloses.behind) shared.behind += 1;
    ws.close(code, reason);
    // It may be paused, and its client's own close unread.
    ws.resume();
    ending = setTimeout(() => ws.terminate(), limits.closeMs);
    tellWaiters();
  };
  const expire = () => {
    const left = expiresAt - Date.now();
    if (left <= 0) return close(socketCloses.expired, "the access token has expired");
    expiry = setTimeout(expire, Math.min(left, longestTimerMs));
  };
  /** After a turn in which its answer is read, should this process be what was late. */
  const giveUp = () =>
    void setImmediate(() => {
      if (!heard) ws.terminate();
    });
  const behind = () => close(socketCloses.behind, "too slow; resume");

  const peer: OpenPeer = {
    id: randomUUID(),
    ...facts,
    get buffered() {
      return waiting;
    },
    send(message) {
      if (ended || gone) return false;
      const { text, bytes } = textOf(shared, message);
      if (waiting + bytes > limits.bufferedBytes || shared.held + bytes > limits.heldBytes) {
        behind();
        return false;
      }
      waiting += bytes;
      shared.held += bytes;
      ws.send(text, () => {
        if (gone) return;
        waiting -= bytes;
        shared.held -= bytes;
        tellWaiters();
      });
      return waiting <= room;
    },
    drained() {
      if (ended || waiting <= room) return Promise.resolve(!ended);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const timer = setTimeout(behind, limits.drainMs);
      const tell = (isOpen: boolean) => {
        clearTimeout(timer);
        waiters.delete(tell);
        resolve(isOpen);
      };
      waiters.add(tell);
      return promise;
    },
    close,
    beat(now) {
      if (ended) return;
      if (expiresAt <= now) return expire();
      // While its message is in work nothing is read from it, not even an answer to this.
      if (!heard && !working) return giveUp();
      heard = false;
      ws.ping();
    },
    terminate: () => ws.terminate(),
  };

  async function run(): Promise<void> {
    try {
      await handler.open?.(peer);
    } catch (error) {
      const { status } = reported(error, peer.id);
      const [code, why] =
        status < 500 ? [socketCloses.refused, "refused"] : [socketCloses.failed, "failed"];
      close(code, why);
    }
    await work();
    if (gone) left();
  }

  async function work(): Promise<void> {
    for (let message = queue.shift(); message !== undefined; message = queue.shift())
      try {
        await handler.message(peer, message);
      } catch (error) {
        const { code, message: detail, errors } = reported(error, peer.id);
        const faults = errors?.map(({ field, message }) => ({ field, message }));
        peer.send({ type: "error", code, detail, ...(faults && { errors: faults }) });
      }
    working = false;
    ws.resume();
  }

  function take(data: RawData, isBinary: boolean): void {
    heard = true;
    if (ended) return;
    if (isBinary) return void close(socketCloses.unsupported, "send JSON as text");
    if (!grants()) return void close(socketCloses.refused, "too many messages");
    try {
      queue.push(JSON.parse(String(data)));
    } catch {
      return void close(socketCloses.malformed, "no JSON");
    }
    if (working) return;
    working = true;
    // What it sends meanwhile stays with it, but for what has been read already.
    ws.pause();
    void work().then(() => {
      if (gone) left();
    });
  }

  let toldClosed = false;
  function left(): void {
    if (toldClosed) return;
    toldClosed = true;
    void (async () => handler.close?.(peer))().catch((error) => reported(error, peer.id));
  }

  const expiresAt = Number(facts.claims?.exp ?? Number.POSITIVE_INFINITY) * 1000;
  let ending: NodeJS.Timeout | undefined;
  let expiry: NodeJS.Timeout | undefined;
  ws.on("message", take);
  ws.on("pong", () => {
    heard = true;
  });
  // What it means is said by the close that follows.
  ws.on("error", () => {});
  ws.once("close", () => {
    gone = true;
    ended = true;
    queue.length = 0;
    shared.held -= waiting;
    waiting = 0;
    clearTimeout(ending);
    clearTimeout(expiry);
    tellWaiters();
    onEnd();
    // Its handler is told when it is done with what it has.
    if (!working) left();
  });
  if (Number.isFinite(expiresAt)) expire();
  ws.pause();
  void run();
  return peer;
}

function textOf(shared: Shared, message: Json) {
  if (shared.last?.message === message) return shared.last;
  const text = JSON.stringify(message);
  const made = { message, text, bytes: Buffer.byteLength(text) };
  // A text is remembered for its identity, which numbers and words do not have.
  if (typeof message === "object" && message !== null) shared.last = made;
  return made;
}

/** Grants so many at once, and so many a second over time. */
function bucket({ messagesPerSecond, burst }: SocketLimits): () => boolean {
  let left = burst;
  let at = performance.now();
  return () => {
    const now = performance.now();
    left = Math.min(burst, left + ((now - at) / 1000) * messagesPerSecond);
    at = now;
    if (left < 1) return false;
    left -= 1;
    return true;
  };
}
