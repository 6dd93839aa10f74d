import type { Json } from "../../runtime/ports/index.ts";
import type { House } from "./house.ts";

/** Users that are listed of one room; the rest is counted. */
const listed = 100;
/** Of one task, in what it tells the others. */
const told = 50;
/** Tasks that are remembered in a room. */
const maxTasks = 200;
/** Changes within it are told at once, in ms. */
const settleMs = 100;
/** Rounds that a task may be silent before it counts as gone. */
const silentRounds = 3;

interface Elsewhere {
  readonly users: readonly string[];
  readonly count: number;
  readonly heardAt: number;
}

/** Who is in a room on all tasks: each tells the others who is with it, on a change and now and then. */
export interface Attendance {
  /** @returns whether it was about attendance */
  hear(message: Json): boolean;
  /** Somebody here came or went. */
  changed(): void;
  here(): { readonly count: number; readonly users: readonly string[] };
  close(): void;
}

/**
 * @param usersHere those of this task, each once
 * @param tellHere tells them how many there are, where that has changed
 */
export function attendance(
  { live, task, roundMs }: House,
  channel: string,
  usersHere: () => readonly string[],
  tellHere: (count: number) => void,
): Attendance {
  const elsewhere = new Map<string, Elsewhere>();
  let lastCount = 0;
  let isNew = true;
  let settling: NodeJS.Timeout | undefined;
  let isToAnnounce = false;

  const announce = (users: readonly string[]) => {
    const here = { task, users: users.slice(0, told), count: users.length, isNew };
    isNew = false;
    // Who does not hear it hears the next; a cache that is away is no failure.
    live.publish(channel, { here }).catch(() => {});
  };
  const remember = ({ task: other, users, count }: Announcement) => {
    elsewhere.delete(other);
    const names = [...elsewhere.values()].reduce((sum, one) => sum + one.users.length, 0);
    const kept = users.slice(0, Math.max(0, listed - names));
    elsewhere.set(other, { users: kept, count, heardAt: performance.now() });
  };
  const here = () => {
    const now = performance.now();
    for (const [other, { heardAt }] of elsewhere)
      if (now - heardAt > roundMs * silentRounds) elsewhere.delete(other);
    const known = new Set(usersHere());
    let unlisted = 0;
    for (const { users, count } of elsewhere.values()) {
      for (const user of users) known.add(user);
      unlisted += count - users.length;
    }
    return { count: known.size + unlisted, users: [...known].slice(0, listed) };
  };
  const settle = () => {
    settling = undefined;
    if (isToAnnounce) announce(usersHere());
    isToAnnounce = false;
    const { count } = here();
    if (count !== lastCount) tellHere(count);
    lastCount = count;
  };
  const settleSoon = (announcing: boolean) => {
    isToAnnounce ||= announcing;
    settling ??= setTimeout(settle, settleMs).unref();
  };
  const rounds = setInterval(() => settleSoon(true), roundMs);
  rounds.unref();

  return {
    hear(message) {
      const said = (message as { readonly here?: unknown } | null)?.here;
      if (!isAnnouncement(said)) return false;
      if (said.task === task) return true;
      if (said.count === 0) elsewhere.delete(said.task);
      else if (elsewhere.has(said.task) || elsewhere.size < maxTasks) remember(said);
      settleSoon(said.isNew);
      return true;
    },
    changed: () => settleSoon(true),
    here,
    close() {
      clearInterval(rounds);
      clearTimeout(settling);
      announce([]);
    },
  };
}

interface Announcement {
  readonly task: string;
  readonly users: readonly string[];
  readonly count: number;
  readonly isNew: boolean;
}

const isAnnouncement = (said: unknown): said is Announcement =>
  typeof said === "object" && said !== null && "task" in said && "users" in said;
