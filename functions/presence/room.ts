import { setTimeout as wait } from "node:timers/promises";
import { reported } from "../../runtime/http/problem.ts";
import {
  isPortError,
  type Json,
  type JsonObject,
  type LogEntry,
  type LogPage,
  type Peer,
  type Subscription,
} from "../../runtime/ports/index.ts";
import { remembered } from "../rooms.ts";
import { attendance } from "./attendance.ts";
import type { House } from "./house.ts";

/** Who is in a room here. */
interface Member {
  readonly user: string;
  /** Not while it still reads what it missed. */
  live: boolean;
  /** It has read on its own to this entry, which the room has yet to come to. */
  readTo?: string;
}

/** A room, as its members on this task have it. */
export interface Room {
  readonly size: number;
  has(peer: Peer): boolean;
  /** @param answer told first, with where it begins and whether something is lost */
  join(peer: Peer, user: string, after: string | undefined, answer: JsonObject): Promise<void>;
  leave(peer: Peer): void;
  /** Who is here, on all tasks. */
  here(): { readonly count: number; readonly users: readonly string[] };
  close(): void;
}

/** Entries that are read at a time. */
const pageSize = 50;
/** Ids by which a message is known that is told twice: some kB a room, of which there are many. */
const idsKept = 50;
/** At the least; up to three times as long, so that not all rooms ask at once. */
const retryMs = 1_000;

/**
 * Follows the log of a room for all its members here. Messages of the channel only ring: they say
 * that there is more in the log, so that what nobody was told of is found all the same.
 * @param channel of the room, its log's name as well
 * @param name under which its members know it
 * @param attended whether members are told of each other
 */
export function openRoom(house: House, channel: string, name: string, attended: boolean): Room {
  const members = new Map<Peer, Member>();
  const ids = new Set<string>();
  const usersHere = () => [...new Set([...members.values()].map(({ user }) => user))];
  const crowd = attended
    ? attendance(house, channel, usersHere, (count) =>
        tellEach({ type: "here", room: name, count }),
      )
    : undefined;
  /** To where members that are live have been told. */
  let followed = "";
  let closed = false;
  let ringing = false;
  let last: Promise<unknown> = Promise.resolve();

  /** One after the other: members are told in the log's order. */
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const run = last.then(work);
    last = run.catch(() => {});
    return run;
  };
  const read = (after?: string): Promise<LogPage> => {
    const { ttlSeconds } = remembered;
    return house.since(channel, { ttlSeconds, limit: pageSize, ...(after && { after }) });
  };

  async function follow(): Promise<void> {
    for (let more = true; more; ) {
      const page = await read(followed);
      if (page.lost) tellLost(page);
      for (const entry of page.entries) tellAll(entry);
      followed = page.position;
      more = page.more;
    }
  }

  function tellEach(message: JsonObject): void {
    for (const [peer, member] of members) if (member.live) peer.send(message);
  }
  function tellLost({ position }: LogPage): void {
    for (const member of members.values()) delete member.readTo;
    tellEach({ type: "lost", room: name, position });
  }

  function tellAll(entry: LogEntry): void {
    const isNew = isFirst(ids, entry);
    const message = messageOf(name, entry);
    for (const [peer, member] of members) {
      if (member.readTo !== undefined) {
        if (member.readTo === entry.position) delete member.readTo;
      } else if (member.live && isNew) peer.send(message);
    }
  }

  /** However often it rings meanwhile, it is looked once more. */
  function ring(): void {
    if (ringing || closed) return;
    ringing = true;
    void alone(async () => {
      ringing = false;
      if (!closed) await follow();
    }).catch(async (error) => {
      if (!isPortError(error, "unavailable")) reported(error);
      await wait(retryMs * (1 + 2 * Math.random()), undefined, { ref: false });
      ring();
    });
  }

  const opened: Promise<Subscription> = (async () => {
    const hear = (message: Json) => {
      if (!crowd?.hear(message)) ring();
    };
    const subscription = await house.live.subscribe(channel, hear, { onMissed: ring });
    followed = (await read()).position;
    return subscription;
  })();
  opened.catch(() => {});
  const rounds = setInterval(ring, house.roundMs * (0.75 + Math.random() / 2));
  rounds.unref();

  /** Sends as much as there is room for. @returns to where */
  function sendPage(peer: Peer, page: LogPage, seen: Set<string>): string {
    for (const entry of page.entries)
      if (isFirst(seen, entry) && !peer.send(messageOf(name, entry))) return entry.position;
    return page.position;
  }

  /** Sends what a member missed, as fast as it reads. @returns to where */
  async function catchUp(peer: Peer, after: string | undefined, answer: JsonObject) {
    const seen = new Set<string>();
    let page = await read(after);
    peer.send({ ...answer, position: after ?? page.position, lost: page.lost });
    for (;;) {
      const at = sendPage(peer, page, seen);
      if (at === page.position && !page.more) return at;
      // What is left of the page is read again, rather than kept for who is slow.
      if (!(await peer.drained())) return at;
      page = await read(at);
      if (page.lost) peer.send({ type: "lost", room: name, position: page.position });
    }
  }

  /** Makes a member live where the room is. @returns where it has to read on; else undefined */
  const attach = (peer: Peer, member: Member, from: string) =>
    alone(async () => {
      await follow();
      const page = await read(from);
      if (page.lost) peer.send({ type: "lost", room: name, position: page.position });
      const at = sendPage(peer, page, new Set());
      if (at !== page.position || page.more) return at;
      if (at !== followed) member.readTo = at;
      member.live = true;
      return undefined;
    });

  return {
    get size() {
      return members.size;
    },
    has: (peer) => members.has(peer),
    async join(peer, user, after, answer) {
      const member: Member = { user, live: false };
      members.set(peer, member);
      await opened;
      let at: string | undefined = await catchUp(peer, after, answer);
      while (at !== undefined && (await peer.drained())) at = await attach(peer, member, at);
      crowd?.changed();
    },
    leave(peer) {
      if (members.delete(peer)) crowd?.changed();
    },
    here: () => crowd?.here() ?? { count: 1, users: [] },
    close() {
      closed = true;
      clearInterval(rounds);
      crowd?.close();
      void opened.then((subscription) => subscription.end()).catch(() => {});
    },
  };
}

const messageOf = (room: string, { position, value }: LogEntry): JsonObject => ({
  type: "message",
  room,
  position,
  message: value,
});

/** Whether its message's id is not among the last that were seen. */
function isFirst(ids: Set<string>, { value }: LogEntry): boolean {
  const id = String((value as { readonly id?: unknown } | null)?.id);
  if (ids.has(id)) return false;
  ids.add(id);
  for (const oldest of ids) {
    if (ids.size <= idsKept) break;
    ids.delete(oldest);
  }
  return true;
}
