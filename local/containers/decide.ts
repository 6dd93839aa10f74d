/** What is decided about replicas, without a process or a clock in sight. */

const secondMs = 1_000;
const longestPauseMs = 30_000;

/**
 * How long to wait before a replica is started again: 1, 2, 4 … seconds, 30 at the most. One that
 * has lived for as long as that begins anew.
 * @param failures that came one after the other, 1 or more
 */
export const pauseMs = (failures: number): number =>
  Math.min(secondMs * 2 ** Math.min(failures - 1, 30), longestPauseMs);

/** @returns the failures in a row, with one more after a life of `livedMs` */
export const failuresAfter = (failures: number, livedMs: number): number =>
  livedMs >= longestPauseMs ? 1 : failures + 1;

/** One that requests can be given to. */
export interface Candidate {
  /** Requests that it has and that are not answered, or open sockets. */
  readonly inFlight: number;
}

/**
 * The one with the fewest requests; of several, the next in turn, so that none is left out.
 * @param turn counts up with each choice
 */
export function leastLoaded<C extends Candidate>(all: readonly C[], turn: number): C | undefined {
  const fewest = Math.min(...all.map(({ inFlight }) => inFlight));
  const least = all.filter(({ inFlight }) => inFlight === fewest);
  return least[turn % least.length];
}

/** What became of a request whose replica broke off. */
export interface Broken {
  readonly method: string;
  /** Whether anything of it may have reached the replica. */
  readonly sent: boolean;
  /** Whether its body is still there as a whole. */
  readonly whole: boolean;
  /** Whether another replica could take it. */
  readonly others: boolean;
}

/** Methods that may be repeated without harm (RFC 9110, 9.2.2). */
const idempotent = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"];

/**
 * What is done with a request whose replica broke off before it answered. `"elsewhere"`: it goes to
 * another; 503: nobody has begun it; 502: it may have been begun, and what may be done twice is not
 * known.
 */
export function afterBreak({ method, sent, whole, others }: Broken): "elsewhere" | 502 | 503 {
  const mayRepeat = !sent || idempotent.includes(method);
  if (mayRepeat && whole && others) return "elsewhere";
  return sent ? 502 : 503;
}

/** How a workload fares whose replicas are as told. */
export function statusOf(
  states: readonly ReplicaStatus[],
  fault: string | undefined,
): "running" | "starting" | "failed" {
  if (states.some((state) => state === "healthy")) return "running";
  return fault === undefined ? "starting" : "failed";
}
export type ReplicaStatus = "starting" | "healthy" | "failing" | "draining" | "ended";

/** Health checks in a row that a replica may miss before it is started anew. */
const missable = 3;

/** What a replica is after `missed` health checks in a row; `"hung"` is ended. */
export const healthAfter = (missed: number): "healthy" | "failing" | "hung" =>
  missed === 0 ? "healthy" : missed < missable ? "failing" : "hung";

/** What was counted up to a time, in milliseconds. */
export interface Sample {
  readonly at: number;
  readonly admitted: number;
  readonly spilled: number;
}

/** How far back the share of what spills is looked at, in milliseconds. */
const windowMs = 10_000;

/** The samples with one more, without those that the window no longer needs. */
export function withSample(samples: readonly Sample[], last: Sample): readonly Sample[] {
  const all = [...samples, last];
  // The last one before the window is what the others are counted from.
  const first = all.findLastIndex(({ at }) => at <= last.at - windowMs);
  return first > 0 ? all.slice(first) : all;
}

/** Share of the requests that went to the function in the window, 0 to 1. */
export function spilledShare(samples: readonly Sample[]): number {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last) return 0;
  const spilled = last.spilled - first.spilled;
  const all = spilled + last.admitted - first.admitted;
  return all > 0 ? spilled / all : 0;
}

/** Of Postgres' connections, what the host itself and those who look may take. */
const ofTheHost = 50;

/**
 * Connections that each program may have, so that all together, one more that is started while
 * others drain included, stay below what the server takes. At least 2.
 */
export const connectionsFor = (serverTakes: number, programs: number): number =>
  Math.max(2, Math.floor((serverTakes - ofTheHost) / (programs + 1)));
