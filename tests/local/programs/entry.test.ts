import { describe, expect, test } from "vitest";
import { created } from "../../../local/programs/created.ts";
import { functionOf, programOf } from "../../../local/programs/entry.ts";
import { inHostBecause } from "../../../local/programs/ports.ts";
import { shareOf } from "../../../local/programs/world.ts";
import {
  api,
  cache,
  chat,
  defineSystem,
  edge,
  http,
  identity,
  mailer,
  objectStore,
  onMessage,
  onObject,
  queue,
  socket,
  sql,
  stream,
  table,
  topic,
} from "../../../spec/index.ts";

const load = { perDay: 1, shape: "steady", ms: { p50: 1, p99: 2 }, memoryMb: 128 } as const;
const system = defineSystem({
  name: "lab",
  stores: {
    notes: table(),
    files: objectStore(),
    books: sql({ migrations: "migrations" }),
    live: cache(),
  },
  channels: { jobs: queue(), facts: topic(), clicks: stream() },
  services: {
    edge: edge({ cors: { origins: ["https://lab.example"] } }),
    users: identity(),
    post: mailer({ from: "lab@example.com" }),
    chat: chat({ webhook: "chat-url" }),
    bank: api({ url: "https://bank.example", secret: "bank-key", sandbox: "functions/bank" }),
  },
  secrets: ["chat-url", "bank-key", "own-key"],
  workloads: {
    all: http({
      code: "functions/all",
      routes: ["GET /all"],
      uses: {
        notes: ["get"],
        files: ["put"],
        books: "read-write",
        live: "read-write",
        jobs: "send",
        facts: "publish",
        clicks: "write",
        edge: "read",
        post: "send",
        chat: "post",
        bank: "call",
        secrets: ["own-key"],
      },
      load,
    }),
    plain: http({
      code: "functions/plain",
      routes: ["GET /plain"],
      auth: "none",
      maxBodyBytes: 100,
      uses: { files: ["signGet"] },
      load,
    }),
    heard: onMessage({ code: "functions/heard", topic: "facts", filter: { type: ["a"] }, load }),
    stored: onObject({ code: "functions/stored", store: "files", prefix: "in/", load }),
    signIn: http({
      code: "functions/sign-in",
      routes: ["GET /sign-in"],
      uses: { users: "sign-in" },
      load,
    }),
    talk: socket({ code: "functions/talk", path: "/talk", heartbeatSeconds: 7, load }),
  },
});
const program = (name: string) => programOf(system, name, { redis: false }) ?? "";

describe("the program of a workload", () => {
  test("makes the adapter of each port, with the declared verbs", () => {
    const code = program("all");
    for (const line of [
      'onlyVerbs(table({ name: "notes", pool: world.pool }), ["get"])',
      'onlyVerbs(sql({ name: "books", url: world.databaseUrl, connections: world.connections }), ["query","transaction"])',
      'onlyVerbs(stream({ name: "clicks", pool: world.pool })',
      'onlyVerbs({ url: world.gateway }, ["url"])',
      'mailer({ name: "post", pool: world.pool, from: "lab@example.com", smtp: process.env["SPILLWAY_SMTP_URL"] || undefined })',
      'chat({ name: "chat", pool: world.pool, url: process.env["SPILLWAY_SECRET_CHAT_URL"] || undefined })',
      'secrets: secrets({ names: ["own-key"], folder: world.folder + "/secrets" })',
      'sandbox: async () => (await import("./functions/bank/index.ts")).create',
      "verify: tokenVerifier({",
    ])
      expect(code).toContain(line);
  });

  test("tells those who hear of a topic, and of objects", () => {
    const code = program("all");
    expect(code).toMatch(/topic\(\{ name: "facts", .*"queue":"heard".*"filter":\{"type":\["a"\]\}/);
    expect(code).toMatch(/objectStore\(\{ name: "files", .*"prefix":"in\/","queue":"stored"/);
  });

  test("opens queues only where it sends or receives messages", () => {
    expect(program("plain")).not.toContain("openBoss");
    expect(program("all")).toContain("openBoss(world.pool, { supervise: false");
    expect(program("heard")).toContain("openBoss(");
  });

  test("counts its pools: its own, that of the queues, a database's, two of a cache", () => {
    expect(program("plain")).toContain("openWorld(1)");
    expect(program("all")).toContain("openWorld(5)");
    expect(programOf(system, "all", { redis: true })).toContain("openWorld(3)");
  });

  test("hears of what fails before anything else is loaded", () => {
    expect(program("all").split("\n")[0]).toContain("/local/programs/lifeline.ts");
  });

  test("answers what is declared, and nothing else", () => {
    expect(program("plain")).toContain(
      '...{ ...{"routes":["GET /plain"],"maxBodyBytes":100}, ...{ auth: "none" } }',
    );
  });

  test("of sockets is behind one proxy, for the pages that the edge names", () => {
    const code = program("talk");
    expect(code).toContain(
      '{"path":"/talk","port":0,"host":"127.0.0.1","proxies":1,"origins":["https://lab.example"],"heartbeatSeconds":7}',
    );
    expect(code).toContain("verify: tokenVerifier({");
  });

  test("has a function with the same ports beside it, which has no host to tell", () => {
    const code = functionOf(system, "all", { redis: false });
    expect(code).toContain("export const handler = lambdaHttp(");
    expect(code).toContain('onlyVerbs(table({ name: "notes", pool: world.pool }), ["get"])');
    expect(code).not.toContain("lifeline");
  });
});

test("what needs the hooks of an identity stays in the host", () => {
  expect(inHostBecause(system, "signIn")).toBe(
    'It uses identity "users", which is in the host\'s process.',
  );
  expect(inHostBecause(system, "all")).toBeUndefined();
});

test("pools share what a program may have, each with one connection to five", () => {
  expect([shareOf(25, 3), shareOf(10, 3), shareOf(2, 5), shareOf(12, 0)]).toEqual([5, 3, 1, 5]);
});

describe("what create gives", () => {
  test("is what the program calls", async () => {
    const app = { fetch: () => {} };
    expect(await created(async (): Promise<object> => app, {}, "app")).toBe(app);
    const handle = () => {};
    expect(await created((): object => handle, {}, "handler")).toBe(handle);
    expect(await created((ports: object) => ports, { a: 1 }, "sockets")).toEqual({ a: 1 });
  });

  const refused: readonly (readonly [unknown, "app" | "handler" | "sockets", string])[] = [
    [undefined, "app", "exports no function create"],
    [() => 1, "app", "create returns nothing with fetch; return a Hono app"],
    [() => ({}), "handler", "create returns no function; return one that handles a message"],
    [() => undefined, "sockets", "create returns nothing; return what handles sockets"],
  ];
  test.each(refused)("is refused otherwise", async (create, what, message) => {
    await expect(created(create, {}, what)).rejects.toThrow(message);
  });
});
