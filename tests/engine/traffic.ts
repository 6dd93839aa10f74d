/**
 * Requests through the simulated cloud: each goes the way that the folder of the cloud shows at its
 * moment, to a workload on the real entries. What leads nowhere is a failed request, with a reason.
 */
import { isDeepStrictEqual } from "node:util";
import {
  type Answer,
  type Declared,
  type Host,
  openHosts,
  type Sent,
  token,
} from "./traffic-hosts.ts";
import { openView, withLag } from "./traffic-view.ts";
import { type Way, wayOf } from "./traffic-way.ts";

/** What became of a request. */
export interface Outcome {
  readonly id: string;
  /** How many were sent before it. */
  readonly at: number;
  /** Where it went: the API's own call of the function, or the load balancer's choice. */
  readonly way: "api" | Host | "nowhere";
  /** Why it failed; absent where all of the answer is as it should be. */
  readonly failure?: string;
}

/** @param lagMs until a change of the API is deployed, in milliseconds */
export function openTraffic(cloud: string, declared: Declared, lagMs = 0) {
  const look = withLag(openView(cloud), lagMs);
  const hosts = openHosts(declared);
  const draw = evenly();
  let sent = 0;

  return {
    effects: hosts.effects,
    close: hosts.close,
    sent: () => sent,

    /** Sends a request: one after the other a POST with a body, and a GET. */
    async send(): Promise<Outcome> {
      const at = sent++;
      const id = `order-${at}`;
      const request = requestOf(id, at % 2 === 0);
      const view = look();
      hosts.follow(view);
      const way = wayOf(view, request, draw);
      if (way.to === "nowhere")
        return { id, at, way: "nowhere", failure: `${way.status}: ${way.why}` };
      const failure = await hosts.answer(request, way).then(
        (answer) => faultOf(request, id, way.to, answer),
        (error: Error) => `${error.message} (${(error.cause as Error | undefined)?.message})`,
      );
      return { id, at, way: shortOf(way), ...(failure !== undefined && { failure }) };
    },
  };
}

const shortOf = (way: Exclude<Way, { to: "nowhere" }>): Outcome["way"] =>
  way.to === "function" && way.from === "api" ? "api" : way.to;

/** Longer than a packet, and not of ASCII alone. */
const note = "Größe M ✓ ".repeat(300);
const cookies = ["a=1", "b=2"];

const requestOf = (id: string, isNew: boolean): Sent => ({
  method: isNew ? "POST" : "GET",
  path: isNew ? "/orders" : `/orders/${id}`,
  headers: {
    authorization: `Bearer ${token}`,
    ...(isNew && { "content-type": "application/json" }),
  },
  cookies,
  ...(isNew && { body: JSON.stringify({ id, note }) }),
});

/** What is wrong with an answer, if anything. */
function faultOf({ method }: Sent, id: string, by: Host, answer: Answer): string | undefined {
  const isNew = method === "POST";
  if (answer.status !== (isNew ? 201 : 200)) return `${answer.status}: ${answer.text}`;
  const said = { id, by, ...(isNew && { note }), cookie: cookies.join("; "), sub: "someone" };
  if (!isDeepStrictEqual(JSON.parse(answer.text), said)) return `says ${answer.text}`;
  if (!isDeepStrictEqual(answer.cookies, ["one=1", "two=2"])) return `sets ${answer.cookies}`;
  return undefined;
}

/**
 * Numbers from 0 to 1 that are spread evenly, whichever stretch of them is taken (multiples of the
 * golden ratio): shares can be counted over few requests, and are the same in every run.
 */
function evenly(): () => number {
  const step = (Math.sqrt(5) - 1) / 2;
  let last = 0;
  return () => {
    last = (last + step) % 1;
    return last;
  };
}
