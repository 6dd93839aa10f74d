/**
 * What stands behind the simulated cloud: one small workload on the real entries of both hosts. Every
 * request that reaches it is counted under its id, with the host that answered.
 */
import { type EcsServer, ecsHttp } from "../../runtime/entries/ecs/http.ts";
import type { HostOptions } from "../../runtime/entries/host.ts";
import type { AlbEvent, HttpResult, V2Event } from "../../runtime/entries/lambda/events.ts";
import { lambdaHttp } from "../../runtime/entries/lambda/http.ts";
import { PortError } from "../../runtime/ports/errors.ts";
import type { HttpHandler } from "../../runtime/ports/http.ts";
import type { View } from "./traffic-view.ts";
import type { Way } from "./traffic-way.ts";

export type Host = "function" | "container";
/** By the id of a request: who answered it, each time that it was. */
export type Effects = Map<string, Host[]>;

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly body?: string;
}
export interface Answer {
  readonly status: number;
  readonly cookies: readonly string[];
  readonly text: string;
}

/** What the workload takes for a token. */
export const token = "let-me-in";
/** How its declaration puts it behind a guard: the entries do the rest. */
export type Declared = Required<Pick<HostOptions, "routes" | "maxBodyBytes">>;

const guarded = (declared: Declared): HostOptions => ({
  ...declared,
  auth: "jwt",
  verify: async (given) => {
    if (given !== token) throw new PortError("denied", "the token is another");
    return { sub: "someone" };
  },
});

/** Notes who is asked for what, and says it back: body, cookies and caller as they arrived. */
const workload = (by: Host, effects: Effects): HttpHandler => ({
  async fetch(request, { claims }) {
    const isNew = request.method === "POST";
    const order = isNew ? ((await request.json()) as { id: string; note: string }) : undefined;
    const id = order?.id ?? new URL(request.url).pathname.split("/").at(-1) ?? "";
    effects.set(id, [...(effects.get(id) ?? []), by]);
    const headers = new Headers([
      ["content-type", "application/json"],
      ["set-cookie", "one=1"],
      ["set-cookie", "two=2"],
    ]);
    const said = { id, by, note: order?.note, cookie: request.headers.get("cookie"), ...claims };
    return new Response(JSON.stringify(said), { status: isNew ? 201 : 200, headers });
  },
});

/** A container and what is under way to it. */
interface Task {
  readonly server: Promise<EcsServer>;
  readonly underWay: Set<Promise<unknown>>;
}

export function openHosts(declared: Declared) {
  const effects: Effects = new Map();
  const call = lambdaHttp(workload("function", effects), guarded(declared));
  const tasks = new Map<string, Task>();
  const stopped: Promise<number>[] = [];
  let calls = 0;

  /** A load balancer first sends nothing new, then lets what is under way end; then tasks are stopped. */
  async function drain({ server, underWay }: Task): Promise<number> {
    await Promise.allSettled(underWay);
    return (await server).stop();
  }

  return {
    effects,

    /** Starts and stops containers as services come and go. */
    follow({ service }: View): void {
      const there = service.map(({ id }) => id);
      for (const [id, task] of tasks) {
        if (there.includes(id)) continue;
        tasks.delete(id);
        stopped.push(drain(task));
      }
      for (const id of there) {
        if (tasks.has(id)) continue;
        const options = { ...guarded(declared), port: 0, host: "127.0.0.1" };
        const server = ecsHttp(workload("container", effects), options);
        tasks.set(id, { server, underWay: new Set() });
      }
    },

    async answer(sent: Sent, way: Exclude<Way, { to: "nowhere" }>): Promise<Answer> {
      if (way.to === "function") {
        calls += 1;
        const event = way.from === "api" ? apiEvent(sent) : balancerEvent(sent, way.manyValues);
        // As it would travel: nothing but JSON.
        const carried = JSON.parse(JSON.stringify(event)) as V2Event | AlbEvent;
        return readResult(await call(carried, { awsRequestId: `call-${calls}` }), way);
      }
      const { server, underWay } = tasks.get(way.service) as Task;
      const answered = server.then(({ port }) => overHttp(sent, port));
      underWay.add(answered);
      return answered.finally(() => underWay.delete(answered));
    },

    /** @returns how many requests were cut off by a container that ended */
    async close(): Promise<number> {
      stopped.push(...[...tasks.values()].map(drain));
      tasks.clear();
      return (await Promise.all(stopped)).reduce((sum, cut) => sum + cut, 0);
    },
  };
}

const apiEvent = ({ method, path, headers, cookies, body }: Sent): V2Event => ({
  rawPath: path,
  rawQueryString: "",
  headers: { ...headers, "content-length": String(Buffer.byteLength(body ?? "")) },
  cookies,
  body,
  isBase64Encoded: false,
  requestContext: {
    requestId: "api-1",
    domainName: "abc.execute-api.example",
    http: { method, sourceIp: "203.0.113.7" },
  },
});

function balancerEvent(sent: Sent, manyValues: boolean): AlbEvent {
  const headers = Object.entries({
    ...sent.headers,
    cookie: sent.cookies.join("; "),
    host: "abc.execute-api.example",
    "x-amzn-trace-id": "Root=1-abc",
    "x-forwarded-for": "203.0.113.7",
  });
  return {
    httpMethod: sent.method,
    path: sent.path,
    ...(manyValues
      ? { multiValueHeaders: Object.fromEntries(headers.map(([name, value]) => [name, [value]])) }
      : { headers: Object.fromEntries(headers) }),
    body: sent.body ?? "",
    isBase64Encoded: false,
    requestContext: { elb: { targetGroupArn: "arn" } },
  };
}

/** A result as the API or the load balancer reads it; what that one does not know does not count. */
function readResult(
  result: HttpResult,
  { from, manyValues }: Extract<Way, { to: "function" }>,
): Answer {
  const { statusCode: status, body, isBase64Encoded } = result;
  const single = [result.headers?.["set-cookie"] ?? []].flat();
  const many = result.multiValueHeaders?.["set-cookie"] ?? [];
  const cookies = from === "api" ? (result.cookies ?? []) : manyValues ? many : single;
  const text = isBase64Encoded ? Buffer.from(body, "base64").toString() : body;
  return { status, cookies, text };
}

async function overHttp(sent: Sent, port: number): Promise<Answer> {
  const { method, path, headers, cookies, body } = sent;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { ...headers, cookie: cookies.join("; "), "x-forwarded-for": "203.0.113.7" },
    body,
  });
  const text = await response.text();
  return { status: response.status, cookies: response.headers.getSetCookie(), text };
}
