import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ask } from "./workload.ts";

/** How long the client waits for an answer, in ms, as an HTTP API does. */
const patienceMs = 30_000;

/** Sends requests to the container that has the fewest of them, as a load balancer can. */
export function balancer(ports: readonly number[]) {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const open = new Map(ports.map((port) => [port, 0]));
  let turn = 0;
  const next = (): number => {
    turn += 1;
    let best = ports[turn % ports.length] as number;
    for (const port of ports) if ((open.get(port) ?? 0) < (open.get(best) ?? 0)) best = port;
    return best;
  };
  return {
    close: () => agent.destroy(),
    /** @returns the answer's status; 0 where none came */
    send({ method, path, headers: given, body }: Ask): Promise<number> {
      const port = next();
      open.set(port, (open.get(port) ?? 0) + 1);
      const headers = {
        ...given,
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
      };
      return new Promise<number>((resolve) => {
        const outgoing = request(
          { host: "127.0.0.1", port, method, path, headers, agent, timeout: patienceMs },
          (response) => {
            response.resume();
            response.once("end", () => resolve(response.statusCode ?? 0));
            response.once("error", () => resolve(0));
          },
        );
        outgoing.once("timeout", () => outgoing.destroy());
        outgoing.once("error", () => resolve(0));
        outgoing.end(body);
      }).finally(() => open.set(port, (open.get(port) ?? 1) - 1));
    },
  };
}
export type Send = ReturnType<typeof balancer>["send"];

/** A request that was answered as it should be. */
export interface Answer {
  readonly n: number;
  /** When it was to be sent, from the beginning of its phase, in ms. */
  readonly due: number;
  /** From the moment that it was to be sent, in ms. */
  readonly ms: number;
}

/** What became of a phase's requests. */
export interface Phase {
  readonly sent: number;
  readonly failed: number;
  readonly answers: readonly Answer[];
}

/**
 * Open-loop load: requests come when they come, at random as those of clients who do not know of
 * each other, whether or not earlier ones were answered. A request's time counts from the moment
 * that it was to be sent, so that a sender that is held up hides nothing.
 * @param random of 0 to 1
 */
export async function openLoop(
  send: Send,
  perSecond: number,
  seconds: number,
  asks: () => Ask,
  random: () => number,
): Promise<Phase> {
  const answers: Answer[] = [];
  const sent: Promise<void>[] = [];
  let failed = 0;
  const start = performance.now();
  const until = start + seconds * 1_000;
  const pause = () => (-Math.log(1 - random()) * 1_000) / perSecond;
  for (let due = start + pause(); due < until; due += pause()) {
    const early = due - performance.now();
    if (early > 0) await sleep(early);
    const meant = due;
    const one = asks();
    sent.push(
      send(one).then((status) => {
        if (status === 201)
          answers.push({ n: one.n, due: meant - start, ms: performance.now() - meant });
        else failed += 1;
      }),
    );
  }
  await Promise.all(sent);
  return { sent: sent.length, failed, answers };
}

/** Closed-loop load: so many clients, each with one request at a time. @returns answers a second */
export async function closedLoop(
  send: Send,
  clients: number,
  seconds: number,
  asks: () => Ask,
): Promise<number> {
  const start = performance.now();
  const until = start + seconds * 1_000;
  let done = 0;
  const client = async () => {
    while (performance.now() < until) {
      if ((await send(asks())) === 201) done += 1;
      // Who was refused does not ask again in the same moment.
      else await sleep(50);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return done / ((performance.now() - start) / 1_000);
}

/** @param share 0 to 1 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
