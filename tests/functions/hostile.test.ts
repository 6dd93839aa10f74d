import { existsSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { create as auth } from "../../functions/auth/index.ts";
import { create as checkouts } from "../../functions/checkouts/index.ts";
import { create as graphql } from "../../functions/graphql/index.ts";
import { create as orders } from "../../functions/orders/index.ts";
import { create as reports } from "../../functions/reports/index.ts";
import { create as track } from "../../functions/track/index.ts";
import { create as users } from "../../functions/users/index.ts";
import { create as webhooks } from "../../functions/webhooks/index.ts";
import { hosted } from "../../runtime/entries/host.ts";
import type { AlbEvent, V2Event } from "../../runtime/entries/lambda/events.ts";
import { lambdaHttp } from "../../runtime/entries/lambda/http.ts";
import { guard } from "../../runtime/http/guard.ts";
import { type HttpHandler, type Identity, PortError, type Sql } from "../../runtime/ports/index.ts";
import { system } from "../../system.ts";
import { memoryCache } from "./cache-fake.ts";
import { contextOf, memoryTable, queueFake, streamFake, workflowFake } from "./fakes.ts";
import { memoryObjects } from "./object-fakes.ts";

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

/** Holds nothing, and keeps nothing. */
const emptyLedger: Sql = {
  query: async () => [],
  transaction: (work) => work(emptyLedger),
};

/** Every HTTP workload of system.ts that has code, as declared. */
const workloads = {
  users: () => users({ catalog: memoryTable(), media: memoryObjects() }),
  auth: () => auth({ identity }),
  webhooks: () => webhooks({ edge: { url: "https://shop.example" }, inbox: queueFake(), secrets }),
  checkouts: () => checkouts({ catalog: memoryTable(), checkout: workflowFake() }),
  orders: () => orders({ ledger: emptyLedger, catalog: memoryTable(), placed: queueFake() }),
  graphql: () =>
    graphql({
      ledger: emptyLedger,
      catalog: memoryTable(),
      placed: queueFake(),
      live: memoryCache(),
    }),
  reports: () =>
    reports({ catalog: memoryTable(), media: memoryObjects(), reporting: queueFake() }),
  track: () => track({ clicks: streamFake() }),
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
const anId = "0b0b1a60-7d43-4a7e-9a61-0f4f8d2f6f5e";
const path = fc.oneof(
  fc.constantFrom(
    "/users",
    "/users/u-1",
    "/api/v1/orders",
    "/api/v1/orders/or_1",
    "/api/auth/sign-up",
    "/api/auth/sign-in",
  ),
  fc.constantFrom("/api/auth/answer", "/api/auth/sign-out", "/webhooks/stripe", "/webhooks/twilio"),
  fc.constantFrom("/webhooks/github", "/webhooks/standard-webhooks", "/api/auth/confirm"),
  fc.constantFrom(
    "/users/u-1/uploads",
    `/users/u-1/uploads/${anId}`,
    "/reports",
    `/reports/${anId}`,
  ),
  fc.constantFrom("/clicks", "/checkouts", `/checkouts/co_${"0".repeat(32)}`, "/graphql"),
  fc.array(segment, { maxLength: 5 }).map((parts) => `/${parts.join("/")}`),
);
/** Documents, a good deal of them nearly right. */
const graphqlText = fc.oneof(
  text,
  fc.constantFrom(
    "{ products { sku available } }",
    "mutation { cancelOrder(id: 1) { id } }",
    "query Q($n: Int!) { orders(first: $n) { cursor nodes { id } } }",
    'mutation M($i: OrderInput!) { placeOrder(key: "k", input: $i) { id } }',
    "{ __schema { types { name } } }",
    "subscription { orders { cursor } }",
    `{ ${"order(id: 1) {".repeat(300)}`,
    `{ ${"a: __typename ".repeat(900)} }`,
    "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
  ),
);
const graphqlBody = fc
  .record(
    {
      query: fc.oneof(graphqlText, fc.jsonValue({ maxDepth: 1 })),
      operationName: fc.oneof(text, fc.constant(null)),
      variables: fc.oneof(
        fc.jsonValue({ maxDepth: 3 }),
        fc.record({ n: fc.oneof(fc.integer(), text), i: fc.jsonValue({ maxDepth: 3 }) }),
      ),
      extensions: fc.jsonValue({ maxDepth: 2 }),
    },
    { requiredKeys: ["query"] },
  )
  .map((value) => JSON.stringify(value));
const query = fc.oneof(
  fc.constant(""),
  text,
  fc.constantFrom("bodySHA256=%", "a=1&a=2", "%zz=&&"),
  graphqlText.map((one) => `query=${encodeURIComponent(one.toWellFormed())}&variables=%7B`),
);
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
  "idempotency-key",
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
const right = {
  "content-type": "application/json",
  authorization: "Bearer good",
  "idempotency-key": "k-1",
};
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
const nearlyRightClicks = fc
  .record(
    {
      page: fc.oneof(
        text,
        text.map((one) => `/${one}`),
      ),
      session: fc.constant("s-1"),
      at: field,
    },
    { requiredKeys: ["page"] },
  )
  .map((click) => JSON.stringify({ clicks: [click] }));
const nearlyRightOrder = fc
  .record({ items: field, source: field }, { requiredKeys: [] })
  .map((given) => ({ items: [{ sku: "print-a4", quantity: 1 }], source: "tok_ok", ...given }))
  .map((given) => JSON.stringify({ ...given, email: "ann@shop.example" }));
const nearlyRightUpload = fc
  .record({ name: text, bytes: field }, { requiredKeys: ["name"] })
  .map((given) => JSON.stringify({ contentType: "image/png", bytes: 100, ...given }));
const nearlyRightReport = fc
  .record({ from: field, email: field }, { requiredKeys: [] })
  .map((given) => ({ from: "2026-11-01", email: "ann@shop.example", ...given }))
  .map((given) => JSON.stringify({ ...given, to: "2026-11-30" }));
const huge = Buffer.alloc(300_000, "a");
const bytes = (text: fc.Arbitrary<string>) => text.map((one) => Buffer.from(one));
const body = fc.oneof(
  bytes(nearlyRightUpload),
  bytes(nearlyRightReport),
  bytes(nearlyRightClicks),
  bytes(nearlyRightOrder),
  nearlyRightBody.map((one) => Buffer.from(one)),
  text.map((name) => Buffer.from(JSON.stringify({ name }))),
  text.map((password) => Buffer.from(JSON.stringify({ email: "ann@shop.example", password }))),
  fc.json().map((one) => Buffer.from(one)),
  fc.uint8Array({ maxLength: 200 }).map((one) => Buffer.from(one)),
  fc.constantFrom(
    Buffer.alloc(0),
    Buffer.from("[".repeat(50_000)),
    huge,
    Buffer.from('{"name":"\\ud800"}'),
    Buffer.from("\ufeff{}"),
  ),
);
const anything = fc.record({ method, path, query, headers, body, base64: fc.boolean() });
const fitting = fc.oneof(
  fc.record({ path: fc.constant("/users/u-1/uploads"), body: bytes(nearlyRightUpload) }),
  fc.record({ path: fc.constant("/reports"), body: bytes(nearlyRightReport) }),
  fc.record({ path: fc.constant("/clicks"), body: bytes(nearlyRightClicks) }),
  fc.record({ path: fc.constant("/checkouts"), body: bytes(nearlyRightOrder) }),
  fc.record({ path: fc.constant("/graphql"), body: bytes(graphqlBody) }),
  fc.record({ path: fc.constant("/clicks"), body: fc.constant(huge) }),
  fc.record({
    path: fc.constantFrom("/api/auth/sign-in", "/api/auth/resend"),
    body: fc.constant(Buffer.from('{"email":"ann@shop.example"}')),
  }),
);
const hostile = fc.oneof(
  { weight: 3, arbitrary: anything },
  fc.tuple(anything, fitting).map(([one, fits]) => ({ ...one, ...fits })),
);
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
  const names = Object.keys(workloads) as (keyof typeof workloads)[];
  await fc.assert(
    fc.asyncProperty(hostile, async (given) => {
      for (const name of names) {
        const run = lambdaHttp(workloads[name](), optionsOf(name));
        seen.add((await run(v2(given), { awsRequestId: "r" })).statusCode);
      }
    }),
    { numRuns: 800, seed: 1 },
  );
  expect([...seen]).toEqual(
    expect.arrayContaining([200, 201, 202, 204, 400, 401, 404, 405, 413, 415]),
  );
});
