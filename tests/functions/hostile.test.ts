import { existsSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { create as auth } from "../../functions/auth/index.ts";
import { create as users } from "../../functions/users/index.ts";
import { create as webhooks } from "../../functions/webhooks/index.ts";
import { hosted } from "../../runtime/entries/host.ts";
import type { AlbEvent, V2Event } from "../../runtime/entries/lambda/events.ts";
import { lambdaHttp } from "../../runtime/entries/lambda/http.ts";
import { guard } from "../../runtime/http/guard.ts";
import { type HttpHandler, type Identity, PortError } from "../../runtime/ports/index.ts";
import { system } from "../../system.ts";
import { contextOf, queueFake, tableFake } from "./fakes.ts";

const verify = async (token: string) => {
  if (token !== "good") throw new PortError("denied", "tokens: not valid");
  return { sub: "u-1" };
};

const tokens = { accessToken: "a", idToken: "i", expiresIn: 60 };
const identity: Identity = {
  signUp: async () => ({ userId: "u-1", confirmed: false }),
  confirm: async () => {},
  resend: async () => {},
  signIn: async () => tokens,
  answer: async () => tokens,
  refresh: async () => tokens,
  signOut: async () => {},
};
const secrets = { get: async () => "c2VjcmV0LXNlY3JldC1zZWNyZXQ=" };

/** Every HTTP workload of system.ts that has code, as declared. */
const workloads = {
  users: () => users({ catalog: tableFake() }),
  auth: () => auth({ identity }),
  webhooks: () => webhooks({ edge: { url: "https://shop.example" }, inbox: queueFake(), secrets }),
} satisfies Partial<Record<keyof typeof system.workloads, () => HttpHandler>>;

test("every HTTP workload that has code is attacked here", () => {
  const coded = Object.entries(system.workloads)
    .filter(([, { kind, code }]) => kind === "http" && existsSync(`${code}/index.ts`))
    .map(([name]) => name);
  expect(Object.keys(workloads).sort()).toEqual(coded.sort());
});

const optionsOf = (name: keyof typeof workloads) => ({ verify, ...system.workloads[name] });

// What is sent: a good deal of it nearly right, so that it gets past the first check.
const text = fc.string({ unit: "binary", maxLength: 40 });
const escaped = fc.constantFrom("%", "%zz", "%00", "%2e%2e", "%c0%af", "%F0%9F%98%80", "%ff", "..");
const segment = fc.oneof(
  text,
  escaped,
  fc.constantFrom("users", "u-1", "api", "auth", "webhooks", "sign-up", "sign-in", "sign-out"),
  fc.constantFrom("stripe", "github", "twilio", "standard-webhooks", "__proto__", "constructor"),
);
const path = fc.oneof(
  fc.constantFrom("/users", "/users/u-1", "/api/auth/sign-up", "/api/auth/sign-in"),
  fc.constantFrom("/api/auth/answer", "/api/auth/sign-out", "/webhooks/stripe", "/webhooks/twilio"),
  fc.constantFrom("/webhooks/github", "/webhooks/standard-webhooks", "/api/auth/confirm"),
  fc.array(segment, { maxLength: 5 }).map((parts) => `/${parts.join("/")}`),
);
const query = fc.oneof(fc.constant(""), text, fc.constantFrom("bodySHA256=%", "a=1&a=2", "%zz=&&"));
const method = fc.oneof(
  { weight: 12, arbitrary: fc.constant("POST") },
  fc.constantFrom(
    "GET",
    "HEAD",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "get",
    "",
    "A B",
  ),
);
const headerNames = [
  "content-type",
  "content-length",
  "content-encoding",
  "transfer-encoding",
  "authorization",
  "host",
  "cookie",
  "stripe-signature",
  "x-hub-signature-256",
  "x-github-delivery",
  "x-twilio-signature",
  "webhook-id",
  "webhook-timestamp",
  "webhook-signature",
  "x-forwarded-for",
  "x-amzn-trace-id",
];
const headerValue = fc.oneof(
  text,
  fc.constantFrom(
    "application/json",
    "application/json; charset=utf-8",
    "application/json; charset=utf-16",
    "application/x-www-form-urlencoded",
    "gzip",
    "Bearer good",
    "Bearer bad",
    "0",
    "-1",
    "99999999999",
    `t=${Math.floor(Date.now() / 1000)},v1=00`,
    `sha256=${"0".repeat(64)}`,
    String(Math.floor(Date.now() / 1000)),
    "v1,AAAA",
    "localhost",
  ),
);
const right = { "content-type": "application/json", authorization: "Bearer good" };
const oddHeaders = fc
  .tuple(
    fc.dictionary(fc.constantFrom(...headerNames), headerValue, { maxKeys: 6 }),
    fc.dictionary(text, text, { maxKeys: 1 }),
    fc.boolean(),
  )
  .map(
    ([known, odd, nearlyRight]): Record<string, string> => ({
      ...(nearlyRight && right),
      ...odd,
      ...known,
    }),
  );
const headers = fc.oneof(fc.constant<Record<string, string>>(right), oddHeaders);
const field = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  text,
  fc.constantFrom("ann@shop.example", "Ann", "123456"),
);
const nearlyRightBody = fc
  .dictionary(
    fc.constantFrom("email", "password", "name", "phone", "locale", "code", "session", "__proto__"),
    field,
  )
  .map((value) => JSON.stringify(value));
const body = fc.oneof(
  nearlyRightBody.map((one) => Buffer.from(one)),
  text.map((name) => Buffer.from(JSON.stringify({ name }))),
  text.map((password) => Buffer.from(JSON.stringify({ email: "ann@shop.example", password }))),
  fc.json().map((one) => Buffer.from(one)),
  fc.uint8Array({ maxLength: 200 }).map((one) => Buffer.from(one)),
  fc.constantFrom(
    Buffer.alloc(0),
    Buffer.from("[".repeat(50_000)),
    Buffer.alloc(300_000, "a"),
    Buffer.from('{"name":"\\ud800"}'),
    Buffer.from("\ufeff{}"),
  ),
);
const hostile = fc.record({ method, path, query, headers, body, base64: fc.boolean() });
type Hostile = typeof hostile extends fc.Arbitrary<infer T> ? T : never;

const traces = /\bat .+:\d+:\d+|node_modules|\.ts\b|internal detail/;

async function inTime<T>(work: Promise<T> | T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("it hangs")), 3000);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function v2(given: Hostile): V2Event {
  const { base64 } = given;
  return {
    rawPath: given.path,
    rawQueryString: given.query,
    headers: given.headers,
    cookies: [given.query],
    body: given.body.toString(base64 ? "base64" : "utf8"),
    isBase64Encoded: base64,
    requestContext: { requestId: "r", domainName: "a.example", http: { method: given.method } },
  };
}

function alb(given: Hostile): AlbEvent {
  const { base64, query } = given;
  return {
    httpMethod: given.method,
    path: given.path,
    ...(base64
      ? {
          multiValueHeaders: Object.fromEntries(
            Object.entries(given.headers).map(([name, value]) => [name, [value, value]]),
          ),
          multiValueQueryStringParameters: { [query]: [query, ""] },
        }
      : { headers: given.headers, queryStringParameters: { [query]: query } }),
    body: given.body.toString(base64 ? "base64" : "utf8"),
    isBase64Encoded: base64,
    requestContext: { elb: {} },
  };
}

/** As a web request, or `undefined` where none can be made of it: no host could hand it over. */
function request(given: Hostile): Request | undefined {
  const { method, headers, body } = given;
  const bodiless = method === "GET" || method === "HEAD";
  try {
    return new Request(`https://a.example${given.path}?${given.query}`, {
      method,
      headers,
      body: bodiless ? undefined : body,
    });
  } catch {
    return undefined;
  }
}

const runs = { numRuns: 400 };

describe.each(Object.keys(workloads) as (keyof typeof workloads)[])(
  "whatever is sent to %s, the answer is no 5xx, comes, and shows nothing of the inside",
  (name) => {
    const handler = workloads[name]();
    const options = optionsOf(name);
    const log = vi.spyOn(console, "error").mockImplementation(() => {});

    const sound = (status: number, answered: string) => {
      expect(log.mock.calls).toEqual([]);
      expect(status).toBeGreaterThanOrEqual(200);
      expect(status).toBeLessThan(500);
      expect(answered).not.toMatch(traces);
    };

    test("behind the guard alone", async () => {
      const { auth, maxBodyBytes } = { maxBodyBytes: undefined, auth: "jwt" as const, ...options };
      const guarded = guard(handler, { auth, maxBodyBytes, verify });
      await fc.assert(
        fc.asyncProperty(hostile, async (given) => {
          const sent = request(given);
          if (!sent) return;
          const response = await inTime(guarded.fetch(sent, contextOf()));
          sound(response.status, await inTime(response.text()));
        }),
        runs,
      );
    });

    test("behind its routes", async () => {
      const guarded = hosted(handler, options);
      await fc.assert(
        fc.asyncProperty(hostile, async (given) => {
          const sent = request(given);
          if (!sent) return;
          const response = await inTime(guarded.fetch(sent, contextOf()));
          sound(response.status, await inTime(response.text()));
        }),
        runs,
      );
    });

    test.each([
      ["an HTTP API", v2],
      ["a load balancer", alb],
    ] as const)("behind %s", async (_, eventOf) => {
      const run = lambdaHttp(handler, options);
      await fc.assert(
        fc.asyncProperty(hostile, async (given) => {
          const result = await inTime(run(eventOf(given), { awsRequestId: "r" }));
          sound(
            result.statusCode,
            Buffer.from(result.body, result.isBase64Encoded ? "base64" : "utf8").toString(),
          );
          expect(() => new Headers(result.headers)).not.toThrow();
        }),
        runs,
      );
    });
  },
);

test("what is sent reaches the handlers: some of it is accepted, some refused for each reason", async () => {
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(hostile, fc.constantFrom("users", "auth", "webhooks"), async (given, name) => {
      const run = lambdaHttp(workloads[name](), optionsOf(name));
      seen.add((await run(v2(given), { awsRequestId: "r" })).statusCode);
    }),
    { numRuns: 3000, seed: 1 },
  );
  expect([...seen]).toEqual(expect.arrayContaining([200, 201, 204, 400, 401, 404, 405, 413, 415]));
});
