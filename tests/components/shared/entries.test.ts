import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { bundled } from "../../../components/shared/bundling.ts";
import { compile as bundle } from "../../../components/shared/compile.ts";
import { containerEntryFor, type Entry, entryFor } from "../../../components/shared/entries.ts";
import {
  api,
  bus,
  cache,
  chat,
  defineSystem,
  edge,
  http,
  identity,
  job,
  mailer,
  native,
  objectStore,
  onIdentity,
  onMessage,
  onObject,
  onSchedule,
  queue,
  scheduler,
  socket,
  sourceOf,
  sql,
  stream,
  table,
  topic,
  workflow,
} from "../../../spec/index.ts";
import { system as storefront } from "../../../system.ts";
import { type Complaint, compile } from "../../spec/compile.ts";

const load = { perDay: 1, shape: "rare", ms: { p50: 1_000, p99: 2_000 }, memoryMb: 128 } as const;
const code = (name: string) => `functions/${name}`;
const system = defineSystem({
  name: "small",
  stores: {
    notes: table({ changes: true }),
    files: objectStore({}),
    ledger: sql({ migrations: "m" }),
    hot: cache(),
  },
  channels: {
    inbox: queue({ maxBytes: 65_536, maxReceives: 7 }),
    slow: queue({ visibilitySeconds: 3600 }),
    events: topic(),
    facts: bus(),
    clicks: stream(),
  },
  services: {
    edge: edge({ cors: { origins: ["https://shop.example"] } }),
    identity: identity(),
    mail: mailer({ from: "shop@example.com" }),
    room: chat({ webhook: "room-url" }),
    bank: api({ url: "https://bank.example", secret: "bank-key" }),
    weather: api({ url: "https://weather.example" }),
    later: scheduler({ queue: "inbox" }),
  },
  natives: {
    partner: native.aws({
      arn: "arn:aws:events:eu-central-1:111122223333:event-bus/partner",
      actions: ["events:PutEvents"],
      because: "the partner listens on a bus of its own account",
    }),
  },
  secrets: ["api-key", "room-url", "bank-key"],
  workloads: {
    hello: http({ code: code("hello"), routes: ["GET /hello"], auth: "none", load }),
    notesApi: http({
      code: code("notes-api"),
      routes: ["GET /notes"],
      maxBodyBytes: 1000,
      uses: { notes: ["get"], inbox: "send", secrets: ["api-key"] },
      load,
    }),
    orders: http({
      code: code("orders"),
      routes: ["POST /orders"],
      auth: "none",
      uses: { ledger: "read-write", hot: "read-write" },
      load,
    }),
    signer: http({
      code: code("signer"),
      routes: ["POST /uploads"],
      auth: "none",
      uses: { files: ["signPut", "signGet"] },
      load,
    }),
    rules: onIdentity({ code: code("rules"), hooks: ["pre-sign-up"], load }),
    worker: onMessage({ code: code("worker"), queue: "inbox", load }),
    fan: onMessage({ code: code("fan"), topic: "events", uses: { files: ["get"] }, load }),
    facts1: onMessage({ code: code("facts1"), bus: "facts", load }),
    reader: onMessage({ code: code("reader"), stream: "clicks", load }),
    feed: onMessage({ code: code("feed"), changes: "notes", load }),
    stored: onObject({ code: code("stored"), store: "files", prefix: "in/", load }),
    nightly: onSchedule({ code: code("nightly"), cron: "0 3 * * *", load }),
    report: job({ code: code("report"), queue: "slow", load }),
    saga: workflow({
      code: code("saga"),
      steps: [{ name: "one", timeoutSeconds: 5 }],
      uses: {
        events: "publish",
        facts: "publish",
        mail: "send",
        room: "post",
        bank: "call",
        weather: "call",
        later: "schedule",
        partner: "use",
      },
      load,
    }),
    live: socket({ code: code("live"), path: "/live", uses: { hot: "read-write" }, load }),
    lobby: socket({
      code: code("lobby"),
      path: "/lobby",
      auth: "none",
      heartbeatSeconds: 10,
      load,
    }),
  },
});

/** Every module that an entry may import; each says how it was called. */
const stub = (name: string) =>
  `export const ${name} = (...given: unknown[]) => ({ ${name}: given.length === 1 ? given[0] : given });`;
const factories: Record<string, string[]> = {
  "runtime/entries/lambda/http": ["lambdaHttp"],
  "runtime/entries/lambda/identity": ["lambdaIdentity"],
  "runtime/entries/lambda/messages": ["lambdaMessages"],
  "runtime/entries/lambda/records": ["lambdaRecords"],
  "runtime/entries/lambda/changes": ["lambdaChanges"],
  "runtime/entries/lambda/steps": ["lambdaSteps"],
  "runtime/entries/ecs/steps": ["ecsSteps"],
  "runtime/adapters/aws/task-tokens": ["taskTokens"],
  "runtime/adapters/aws/task-protection": ["taskProtection"],
  "runtime/tokens": ["tokenVerifier"],
  ...Object.fromEntries(
    [
      "table",
      "sql",
      "cache",
      "queue",
      "topic",
      "bus",
      "mailer",
      "chat",
      "api",
      "scheduler",
      "native",
      "secrets",
    ].map((kind) => [`runtime/adapters/aws/${kind}`, [kind]]),
  ),
  "runtime/adapters/aws/twin": ["twin"],
  "runtime/overflow/settings": ["admissionFrom"],
  "runtime/adapters/aws/object-store": ["objectStore"],
  "runtime/adapters/aws/object-urls": ["objectUrls"],
  "runtime/adapters/aws/dead-letters": ["deadLetters"],
  "runtime/adapters/aws/queue-consumer": ["queueConsumer"],
};

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "spillway-entries-"));
  const write = async (file: string, text: string) => {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  };
  for (const [file, names] of Object.entries(factories))
    await write(`${file}.ts`, names.map(stub).join("\n"));
  await write(
    "runtime/adapters/aws/attributes.ts",
    'export const fromAttribute = "fromAttribute";',
  );
  await write(
    "runtime/entries/ecs/consumer.ts",
    "export const consume = (options: unknown) => { Object.assign(globalThis, { consumed: options }); };",
  );
  await write(
    "runtime/entries/ecs/http.ts",
    "export const ecsHttp = async (...given: unknown[]) => { Object.assign(globalThis, { served: given }); };",
  );
  await write(
    "runtime/entries/ecs/socket.ts",
    "export const ecsSocket = async (...given: unknown[]) => { Object.assign(globalThis, { served: given }); };",
  );
  for (const { code } of Object.values(system.workloads))
    await write(`${code}/index.ts`, "export const create = async (ports: object) => ports;");
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Runs an entry in that project, each variable holding its own name in lower case, but for those given. */
async function run(
  entry: Entry | string,
  given: Readonly<Record<string, string | undefined>> = {},
): Promise<{ handler?: unknown }> {
  if (typeof entry === "string") throw new Error(entry);
  const { it } = await bundle({ it: entry.code }, root);
  const file = join(root, `${Math.random()}.mjs`);
  await writeFile(file, it?.code ?? "");
  const names = entry.code.match(/SPILLWAY_\w+/g) ?? [];
  for (const name of names) vi.stubEnv(name, name.toLowerCase().replace("spillway_", ""));
  for (const [name, value] of Object.entries(given)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  return import(pathToFileURL(file).href);
}
const handlerOf = async (name: string) => (await run(entryFor(system, name))).handler;
async function consumedBy(name: string) {
  await run(containerEntryFor(system, name));
  const { consumed } = globalThis as { consumed?: Record<string, unknown> };
  return consumed;
}
const deadLetters = (name: string) => ({ deadLetters: { name, location: "dead_letters" } });

describe("a function's entry", () => {
  test("calls create with the adapters of the declared ports, told where things are", async () => {
    expect(await handlerOf("notesApi")).toEqual({
      lambdaHttp: [
        {
          notes: { table: { name: "notes", location: "table_notes" } },
          inbox: { queue: { name: "inbox", location: "queue_inbox", maxBytes: 65_536 } },
          secrets: { secrets: { locations: { "api-key": "secret_arn_api_key" } } },
        },
        {
          auth: "jwt",
          maxBodyBytes: 1000,
          verify: {
            tokenVerifier: {
              issuer: "token_issuer",
              audience: "token_audience",
              jwks: "token_jwks",
            },
          },
        },
      ],
    });
  });

  test("tells a database's and a cache's adapter where it is, without a password", async () => {
    expect(await handlerOf("orders")).toEqual({
      lambdaHttp: [
        {
          ledger: { sql: { name: "ledger", location: "sql_ledger" } },
          hot: { cache: { name: "hot", location: "cache_hot" } },
        },
        { auth: "none" },
      ],
    });
  });

  test("tells adapters what they need of the declaration", async () => {
    expect(await handlerOf("saga")).toEqual({
      lambdaSteps: {
        events: { topic: { name: "events", location: "topic_events", source: "small" } },
        facts: { bus: { name: "facts", location: "bus_facts", source: "small" } },
        mail: { mailer: { name: "mail", location: "mailer_mail", from: "shop@example.com" } },
        room: { chat: { name: "room", location: "chat_room" } },
        bank: {
          api: {
            name: "bank",
            location: "https://bank.example",
            secret: { name: "bank-key", location: "api_bank" },
          },
        },
        weather: { api: { name: "weather", location: "api_weather" } },
        later: { scheduler: { name: "later", location: "scheduler_later", maxBytes: 65_536 } },
        partner: { native: { name: "partner", location: "native_partner" } },
      },
    });
  });

  test("imports no token verifier for public routes, and no adapter that is not used", () => {
    expect(entryFor(system, "hello")).toMatchObject({
      imports: ["functions/hello/index.ts", "runtime/entries/lambda/http.ts"],
    });
  });

  test("signs URLs without the client of S3, where that is all that is done", () => {
    const importsOf = (name: string) => (entryFor(system, name) as Entry).imports;
    expect(importsOf("signer")).toContain("runtime/adapters/aws/object-urls.ts");
    expect(importsOf("signer")).not.toContain("runtime/adapters/aws/object-store.ts");
    expect(importsOf("fan")).toContain("runtime/adapters/aws/object-store.ts");
  });

  test("of identity hooks takes the hooks as they are", async () => {
    expect(await handlerOf("rules")).toEqual({ lambdaIdentity: {} });
  });

  test.each([
    ["worker", { feed: "queue", maxReceives: 7 }],
    ["facts1", { feed: "bus", maxReceives: 5 }],
    ["nightly", { feed: "schedule", maxReceives: 5 }],
    // What is held in memory as a whole comes one at a time.
    ["stored", { feed: "objects", concurrency: 1, maxReceives: 5 }],
    ["report", { feed: "queue", concurrency: 1, maxReceives: 5 }],
  ])("of %s, started by a queue, knows its feed and when to give up", async (name, options) => {
    expect(await handlerOf(name)).toEqual({
      lambdaMessages: [{}, { ...options, deadLetters: deadLetters(name) }],
    });
  });

  test("of a stream sets aside by itself what cannot be done", async () => {
    expect(await handlerOf("reader")).toEqual({
      lambdaRecords: [{}, { deadLetters: deadLetters("reader") }],
    });
  });

  test("of a change feed is given the table's decoder", async () => {
    expect(await handlerOf("feed")).toEqual({
      lambdaChanges: [{}, { decode: "fromAttribute", deadLetters: deadLetters("feed") }],
    });
  });

  test.each([
    ["on-demand", [[{ initMs: expect.any(Number) }]]],
    ["provisioned-concurrency", []],
    [undefined, []],
  ])("says how long a start took that somebody waited for: %s", async (initialization, said) => {
    const info = vi.spyOn(console, "info").mockImplementation(() => {});
    onTestFinished(() => info.mockRestore());
    vi.stubEnv("AWS_LAMBDA_INITIALIZATION_TYPE", initialization);
    await handlerOf("rules");
    expect(info.mock.calls).toEqual(said);
  });

  test("stops at once where a variable is missing, and says which", async () => {
    const entry = entryFor(system, "worker") as Entry;
    const { it } = await bundle({ it: entry.code }, root);
    const file = join(root, "unset.mjs");
    await writeFile(file, it?.code ?? "");
    await expect(import(pathToFileURL(file).href)).rejects.toThrow(
      'Function "worker": SPILLWAY_DEAD_LETTERS is not set; deploy it with its component',
    );
  });
});

describe("a container's entry", () => {
  test.each([
    ["worker", { feed: "queue", batch: 10, visibilitySeconds: 180, timeLimitSeconds: 6 }],
    [
      "stored",
      { feed: "objects", concurrency: 1, batch: 1, visibilitySeconds: 180, timeLimitSeconds: 6 },
    ],
    // A job takes as long as it takes, and is let finish.
    [
      "report",
      {
        feed: "queue",
        concurrency: 1,
        batch: 1,
        visibilitySeconds: 3600,
        protection: { taskProtection: [] },
      },
    ],
  ])("of %s consumes its queue under the same limits", async (name, options) => {
    const queueName = { worker: "inbox", report: "slow" }[name] ?? name;
    expect(await consumedBy(name)).toEqual({
      consumer: { queueConsumer: { name: queueName, location: "source_queue" } },
      handler: {},
      ...options,
    });
  });

  test("of HTTP serves what is declared, and spills to its twin", async () => {
    await run(containerEntryFor(system, "notesApi"));
    const { served } = globalThis as { served?: readonly unknown[] };
    expect(served).toMatchObject([
      { notes: { table: { name: "notes", location: "table_notes" } } },
      {
        auth: "jwt",
        maxBodyBytes: 1000,
        verify: { tokenVerifier: { issuer: "token_issuer" } },
        routes: ["GET /notes"],
        metrics: { workload: "metrics" },
        admission: { twin: { twin: { name: "notesApi", location: "twin" } } },
      },
    ]);
  });

  test("of web sockets serves its path to the edge's pages, behind two proxies", async () => {
    await run(containerEntryFor(system, "live"));
    const { served } = globalThis as { served?: readonly unknown[] };
    expect(served).toEqual([
      { hot: { cache: { name: "hot", location: "cache_hot" } } },
      {
        path: "/live",
        auth: "jwt",
        verify: {
          tokenVerifier: { issuer: "token_issuer", audience: "token_audience", jwks: "token_jwks" },
        },
        origins: ["origins"],
        proxies: 2,
        metrics: { workload: "metrics" },
      },
    ]);
    await run(containerEntryFor(system, "lobby"));
    const { served: public_ } = globalThis as { served?: readonly unknown[] };
    expect(public_?.[1]).toMatchObject({ path: "/lobby", auth: "none", heartbeatSeconds: 10 });
    expect(public_?.[1]).not.toHaveProperty("verify");
  });

  test.each<[string | undefined, readonly string[]]>([
    ["https://a.example,https://b.example", ["https://a.example", "https://b.example"]],
    [undefined, ["https://shop.example"]],
  ])("of web sockets takes the stack's pages (%s), by default the system's", async (set, pages) => {
    await run(containerEntryFor(system, "live"), { SPILLWAY_ORIGINS: set });
    const { served } = globalThis as { served?: readonly unknown[] };
    expect(served?.[1]).toMatchObject({ origins: pages });
  });

  test("of HTTP has no twin where none is set", async () => {
    const entry = containerEntryFor(system, "hello") as Entry;
    vi.stubEnv("SPILLWAY_TWIN", undefined);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { it } = await bundle({ it: entry.code }, root);
    const file = join(root, "alone.mjs");
    await writeFile(file, it?.code ?? "");
    await import(pathToFileURL(file).href);
    const { served } = globalThis as { served?: readonly Record<string, unknown>[] };
    expect(served?.[1]?.admission).not.toHaveProperty("twin");
  });

  test("calls create with the same adapters as a function's", async () => {
    expect(await consumedBy("fan")).toMatchObject({
      feed: "topic",
      handler: { files: { objectStore: { name: "files", location: "object_store_files" } } },
    });
  });

  test("of a workflow answers its state machine by the token of each message", async () => {
    expect(await consumedBy("saga")).toMatchObject({
      consumer: { queueConsumer: { name: "saga", location: "source_queue" } },
      feed: "queue",
      handler: { ecsSteps: [{ partner: {} }, { taskTokens: { name: "saga" } }] },
    });
  });

  test.each([
    ["reader", "reads streams in order"],
    ["feed", "reads streams in order"],
    ["rules", "not started by a queue"],
    ["ghost", "is not declared"],
  ])("of %s is refused", (name, why) => {
    expect(containerEntryFor(system, name)).toContain(why);
  });
});

describe("what no function can run is refused with the remedy", () => {
  const refusal = (change: object) => {
    const { worker, ...workloads } = system.workloads;
    const changed = { ...system, workloads: { ...workloads, worker: { ...worker, ...change } } };
    return entryFor(changed, "worker");
  };

  test("a GPU", () => {
    expect(refusal({ gpu: true })).toBe(
      'workload "worker" needs a GPU, which functions lack; place it on a container',
    );
  });

  test("more than 15 minutes", () => {
    const load = { ms: { p50: 1, p99: 2, max: 900_001 } };
    expect(refusal({ load })).toContain("takes up to 900001 ms");
    expect(refusal({ load: { ms: { p50: 1, p99: 2, max: 900_000 } } })).toHaveProperty("code");
  });

  test.each([
    ["live", "holds connections"],
    ["ghost", "is not declared"],
  ])("%s", (name, why) => {
    expect(entryFor(system, name)).toContain(why);
  });
});

// It reads the types of every client: seconds of work, more on a busy machine.
test("entries agree in types with the adapters, the entries and the code that they put together", {
  timeout: 120_000,
}, () => {
  const names = bundled(storefront);
  const contained = names.filter(
    (name) =>
      ["http", "socket"].includes(
        storefront.workloads[name as keyof typeof storefront.workloads].kind,
      ) ||
      sourceOf(storefront, name)?.via === "queue" ||
      storefront.workloads[name as keyof typeof storefront.workloads].kind === "workflow",
  );
  const sources = new Map([
    ...names.map((name) => [`function-${name}.ts`, entryFor(storefront, name)] as const),
    ...contained.map(
      (name) => [`container-${name}.ts`, containerEntryFor(storefront, name)] as const,
    ),
  ]);
  expect([...sources.values()].filter((entry) => typeof entry === "string")).toEqual([]);
  expect(contained.length).toBeGreaterThan(0);
  const texts = [...sources].map(([file, entry]) => [file, (entry as Entry).code] as const);
  // A factory that needs no ports need not name what it is given.
  const allowed = ({ line, code }: Complaint) => code === 2554 && line.includes("create({})");
  expect(compile(new Map(texts)).filter((complaint) => !allowed(complaint))).toEqual([]);
});
