import { Problem, reported } from "../../runtime/http/problem.ts";
import type { JsonObject, Peer, SocketHandler } from "../../runtime/ports/index.ts";
import { digest } from "../idempotency.ts";
import type { PortsOf } from "../ports.ts";
import { ordersOf, tell } from "../rooms.ts";
import { openHouse } from "./house.ts";
import { type PresenceRequest, readRequest } from "./requests.ts";
import { openRoom, type Room } from "./room.ts";

/** Rooms of one socket, and of a process. */
const mostRooms = { ofPeer: 10, ofTask: 10_000 };
/** Of one user, on all tasks. */
const aMinute = { join: 120, say: 60 };

type Request<T extends PresenceRequest["type"]> = Extract<PresenceRequest, { readonly type: T }>;

/**
 * Rooms over web sockets: who is there, what is said, and what happens to one's own orders. Who comes
 * back says where it was, and is told what it missed.
 * @param options.roundMs how often rooms look after themselves, in ms. Default: 20,000
 */
export function create({ live }: PortsOf<"presence">, { roundMs = 20_000 } = {}): SocketHandler {
  const house = openHouse(live, roundMs);
  const rooms = new Map<string, Room>();
  const joined = new Map<Peer, Set<string>>();

  async function join(peer: Peer, request: Request<"join">): Promise<void> {
    const { room: name, after } = request;
    const user = userOf(peer);
    const channel = channelOf(peer, name);
    const own = joined.get(peer) ?? new Set();
    if (own.has(channel)) throw new Problem("conflict", { detail: "You are in this room." });
    if (own.size >= mostRooms.ofPeer)
      throw new Problem("throttled", { detail: "Too many rooms; leave one." });
    await count(user, "join");
    const room = rooms.get(channel) ?? enter(channel, name);
    joined.set(peer, own.add(channel));
    try {
      await room.join(peer, user, after, answer("joined", request));
    } catch (error) {
      leave(peer, channel);
      throw error;
    }
  }

  function enter(channel: string, name: string): Room {
    if (rooms.size >= mostRooms.ofTask) throw new Problem("unavailable");
    const room = openRoom(house, channel, name, name !== "orders");
    rooms.set(channel, room);
    return room;
  }

  function leave(peer: Peer, channel: string): void {
    const room = rooms.get(channel);
    room?.leave(peer);
    joined.get(peer)?.delete(channel);
    if (room?.size !== 0) return;
    rooms.delete(channel);
    room.close();
  }

  async function say(peer: Peer, request: Request<"say">): Promise<void> {
    const { room: name, id, text } = request;
    const channel = channelOf(peer, name);
    if (name === "orders") throw new Problem("denied", { detail: "Nobody speaks in this room." });
    roomOf(peer, channel);
    const from = userOf(peer);
    await count(from, "say");
    // The same id from somebody else is another message.
    const message = { id: `${from}:${id}`, type: "said", from, text };
    const position = await tell(live, channel, message);
    peer.send(answer("said", request, { id, position }));
  }

  function roomOf(peer: Peer, channel: string): Room {
    const room = rooms.get(channel);
    if (!room?.has(peer)) throw new Problem("not-found", { detail: "You are not in this room." });
    return room;
  }

  /** @throws {Problem} `throttled` for a user who does more than is granted in a minute */
  async function count(user: string, what: keyof typeof aMinute): Promise<void> {
    const minute = Math.floor(Date.now() / 60_000);
    const sum = await live.increment(`${what}:${user}:${minute}`, { ttlSeconds: 120 });
    if (sum > aMinute[what]) throw new Problem("throttled");
  }

  async function answerTo(peer: Peer, request: PresenceRequest): Promise<void> {
    const { room } = request;
    switch (request.type) {
      case "join":
        return join(peer, request);
      case "say":
        return say(peer, request);
      case "leave":
        leave(peer, channelOf(peer, room));
        peer.send(answer("left", request));
        return;
      case "here": {
        const { count, users } = roomOf(peer, channelOf(peer, room)).here();
        peer.send(answer("here", request, { count, users }));
      }
    }
  }

  return {
    async message(peer, message) {
      const request = readRequest(message);
      await answerTo(peer, request).catch((error) => {
        const { code, message: detail } = reported(error, peer.id);
        peer.send(answer("error", request, { code, detail }));
      });
    },
    close(peer) {
      for (const channel of joined.get(peer) ?? []) leave(peer, channel);
      joined.delete(peer);
    },
    async stop() {
      for (const room of rooms.values()) room.close();
      rooms.clear();
    },
  };
}

/** Members know each other by a name that is no account's id. */
const userOf = (peer: Peer): string => digest([subOf(peer)]).slice(0, 16);

function subOf({ claims }: Peer): string {
  if (!claims) throw new Problem("denied", { detail: "Sign in first." });
  return claims.sub;
}

/** One's own orders, or a room by its name; no name is another user's orders. */
const channelOf = (peer: Peer, name: string): string =>
  name === "orders" ? ordersOf(subOf(peer)) : `room:${name}`;

/** An answer, with the `ref` of its request where that had one. */
const answer = (
  type: string,
  { ref, room }: PresenceRequest,
  more: JsonObject = {},
): JsonObject => ({ type, ...(ref !== undefined && { ref }), room, ...more });
