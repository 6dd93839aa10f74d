import { randomUUID } from "node:crypto";
import type { PortsOf } from "../ports.ts";

export type Live = PortsOf<"presence">["live"];

/** What all rooms of a process share. */
export interface House {
  readonly live: Live;
  /** As the port's, but that only some run at a time: their pages are in memory. */
  readonly since: Live["since"];
  /** Of this process, so that others tell it from theirs. */
  readonly task: string;
  /** How often a room looks for what it was not told of, and says who is there, in ms. */
  readonly roundMs: number;
}

const readsAtOnce = 32;

export const openHouse = (live: Live, roundMs: number): House => ({
  live,
  since: limited(readsAtOnce, live.since),
  task: randomUUID(),
  roundMs,
});

/** Lets so many calls run at a time; the others wait for their turn. */
function limited<A extends unknown[], T>(most: number, call: (...given: A) => Promise<T>) {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (...given: A): Promise<T> => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await call(...given);
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
