import { cp, mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundled, bundleFunctions, hasCode } from "../../../components/shared/bundling.ts";
import {
  defineSystem,
  http,
  identity,
  job,
  onIdentity,
  onMessage,
  queue,
  table,
} from "../../../spec/index.ts";
import { system as storefront } from "../../../system.ts";

const load = { perDay: 1, shape: "rare", ms: { p50: 1, p99: 2 }, memoryMb: 128 } as const;
const system = defineSystem({
  name: "small",
  stores: { notes: table() },
  channels: { inbox: queue({ maxBytes: 65_536 }), slow: queue() },
  services: { identity: identity() },
  secrets: ["api-key"],
  workloads: {
    hello: http({ code: "functions/hello", routes: ["GET /hello"], auth: "none", load }),
    notes: http({
      code: "functions/notes",
      routes: ["GET /notes"],
      maxBodyBytes: 1000,
      uses: { notes: ["get"], inbox: "send", secrets: ["api-key"] },
      load,
    }),
    rules: onIdentity({ code: "functions/rules", hooks: ["pre-sign-up"], load }),
    worker: onMessage({ code: "functions/worker", queue: "inbox", load }),
    long: job({
      code: "functions/long",
      queue: "slow",
      load: { ...load, ms: { p50: 1, p99: 2, max: 900_001 } },
    }),
    later: http({ code: "functions/later", routes: ["GET /later"], auth: "none", load }),
  },
});

/** A project with just what entries import; each adapter says how it was made. */
const project: Record<string, string> = {
  "functions/hello/index.ts":
    'import { greeting } from "./greeting.ts"; export const create = () => ({ greeting });',
  "functions/hello/greeting.ts": 'export const greeting: string = "hello";',
  "functions/notes/index.ts": "export const create = (ports: object) => ports;",
  "functions/rules/index.ts": "export const create = () => ({ rules: true });",
  "functions/worker/index.ts": "export const create = () => ({});",
  "functions/long/index.ts": "export const create = () => ({});",
  "runtime/entries/lambda/http.ts":
    "export const lambdaHttp = (handler: unknown, options: unknown) => ({ handler, options });",
  "runtime/entries/lambda/identity.ts": "export const lambdaIdentity = (hooks: unknown) => hooks;",
  "runtime/entries/lambda/messages.ts":
    "export const lambdaMessages = (handler: unknown, options: unknown) => ({ handler, options });",
  "runtime/adapters/aws/dead-letters.ts":
    "export const deadLetters = (options: unknown) => options;",
  "runtime/tokens.ts": "export const tokenVerifier = (options: unknown) => options;",
  "runtime/adapters/aws/table.ts": "export const table = (options: unknown) => options;",
  "runtime/adapters/aws/queue.ts": "export const queue = (options: unknown) => options;",
  "runtime/adapters/aws/secrets.ts": "export const secrets = (options: unknown) => options;",
};

let pattern: string;
const folders: string[] = [];
const write = async (root: string, file: string, text: string) => {
  await mkdir(dirname(join(root, file)), { recursive: true });
  await writeFile(join(root, file), text);
};
/** A copy of the project for one test. */
const fresh = async () => {
  const root = await mkdtemp(join(tmpdir(), "spillway-bundling-"));
  folders.push(root);
  await cp(pattern, root, { recursive: true });
  return { root, outDir: join(root, "out"), system };
};
const load_ = (path: string) => import(`${pathToFileURL(path).href}?${Math.random()}`);

beforeAll(async () => {
  pattern = await mkdtemp(join(tmpdir(), "spillway-bundling-"));
  folders.push(pattern);
  for (const [file, text] of Object.entries(project)) await write(pattern, file, text);
});
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

describe("archives", () => {
  test("hold one module, index.mjs, which is the bundle", async () => {
    const { hello } = await bundleFunctions({ ...(await fresh()), workloads: ["hello"] });
    const files = unzipSync(await readFile(hello.archive));
    expect(Object.keys(files)).toEqual(["index.mjs"]);
    expect(Buffer.from(files["index.mjs"] ?? [])).toEqual(await readFile(hello.bundle));
    expect(hello.bytes).toBe((await stat(hello.bundle)).size);
  });

  test("are the same bytes from the same code, wherever and whenever", async () => {
    const [one, two] = [await fresh(), await fresh()];
    const longAgo = new Date(2001, 1, 1);
    await utimes(join(two.root, "functions/hello/index.ts"), longAgo, longAgo);
    const first = await bundleFunctions({ ...one, workloads: ["hello", "notes"] });
    const second = await bundleFunctions({ ...two, workloads: ["notes", "hello"] });
    for (const name of ["hello", "notes"] as const) {
      expect(await readFile(second[name].archive)).toEqual(await readFile(first[name].archive));
      expect(second[name].sha256).toBe(first[name].sha256);
    }
  });

  test("are minified", async () => {
    const given = await fresh();
    await write(
      given.root,
      "functions/hello/index.ts",
      "// words\nexport const create = () => ({});",
    );
    const { hello } = await bundleFunctions({ ...given, workloads: ["hello"] });
    expect(await readFile(hello.bundle, "utf8")).not.toContain("words");
  });

  test("let packages of CommonJS require Node's own modules", async () => {
    const given = await fresh();
    const { root } = given;
    await write(root, "node_modules/old/index.js", 'exports.base = require("node:path").basename;');
    await write(
      root,
      "functions/hello/index.ts",
      'import { base } from "old"; export const create = () => base("/a/b");',
    );
    const { hello, rules } = await bundleFunctions({ ...given, workloads: ["hello", "rules"] });
    expect((await load_(hello.bundle)).handler.handler).toBe("b");
    expect(await readFile(rules.bundle, "utf8")).not.toContain("createRequire");
  });
});

describe("the cache", () => {
  const built = async (path: string) => (await stat(path, { bigint: true })).mtimeNs;

  test("builds nothing again that has not changed", async () => {
    const given = { ...(await fresh()), workloads: ["hello", "notes"] as const };
    const first = await bundleFunctions(given);
    const before = await built(first.hello.archive);
    expect(await bundleFunctions(given)).toEqual(first);
    expect(await built(first.hello.archive)).toBe(before);
  });

  test("builds again what imports a changed file, and that alone", async () => {
    const given = { ...(await fresh()), workloads: ["hello", "notes"] as const };
    const first = await bundleFunctions(given);
    const before = await built(first.notes.archive);
    await write(given.root, "functions/hello/greeting.ts", 'export const greeting = "good day";');
    const second = await bundleFunctions(given);
    expect(second.hello.sha256).not.toBe(first.hello.sha256);
    expect((await load_(second.hello.bundle)).handler.handler.greeting).toBe("good day");
    expect(await built(second.notes.archive)).toBe(before);
  });

  test("notices a file of the same size and time", async () => {
    const given = { ...(await fresh()), workloads: ["hello"] as const };
    const file = join(given.root, "functions/hello/greeting.ts");
    const { atime, mtime } = await stat(file);
    const first = await bundleFunctions(given);
    await writeFile(file, 'export const greeting: string = "olleh";');
    await utimes(file, atime, mtime);
    expect((await bundleFunctions(given)).hello.sha256).not.toBe(first.hello.sha256);
  });

  test("notices other packages, and another declaration", async () => {
    const given = { ...(await fresh()), workloads: ["hello"] as const };
    const first = await bundleFunctions(given);
    const before = await built(first.hello.archive);
    await write(given.root, "package-lock.json", "{}");
    await bundleFunctions(given);
    const after = await built(first.hello.archive);
    expect(after).not.toBe(before);
  });

  test.each([".zip", ".json"])("mends a damaged %s", async (extension) => {
    const given = { ...(await fresh()), workloads: ["hello"] as const };
    const first = await bundleFunctions(given);
    await writeFile(join(given.outDir, `hello${extension}`), "damaged");
    const second = await bundleFunctions(given);
    expect(second).toEqual(first);
    expect(Object.keys(unzipSync(await readFile(second.hello.archive)))).toEqual(["index.mjs"]);
  });
});

describe("faults", () => {
  test("code that is not there yet can be asked for, and is refused by name", async () => {
    const given = await fresh();
    expect(hasCode(system, "hello", given.root)).toBe(true);
    expect(hasCode(system, "later", given.root)).toBe(false);
    await expect(bundleFunctions({ ...given, workloads: ["later"] })).rejects.toThrow(
      'workload "later" needs functions/later/index.ts, which is not there; write it, or leave',
    );
  });

  test("without names, what has code and fits a function is bundled", async () => {
    const given = await fresh();
    const names = ["hello", "notes", "rules", "worker"];
    expect(bundled(system, given.root)).toEqual(names);
    expect(Object.keys(await bundleFunctions(given))).toEqual(names);
  });

  test("all come in one message", async () => {
    const given = await fresh();
    await rm(join(given.root, "runtime/adapters/aws/queue.ts"));
    const workloads = ["later", "long", "ghost", "notes"];
    const text = await bundleFunctions({ ...given, workloads }).then(
      () => "none",
      (error: Error) => error.message,
    );
    expect(text).toContain('bundleFunctions "small": 4 faults');
    expect(text).toContain(`workload "long" takes up to 900001 ms, over a function's 900000`);
    expect(text).toContain('workload "ghost" is not declared');
    expect(text).toContain('workload "notes" needs runtime/adapters/aws/queue.ts');
  });

  test("what the compiler finds is said with file and line", async () => {
    const given = await fresh();
    await write(given.root, "functions/hello/index.ts", 'export const create = (\n) => "open;');
    await expect(bundleFunctions({ ...given, workloads: ["hello"] })).rejects.toThrow(
      /functions\/hello\/index\.ts:2: Unterminated string/,
    );
  });
});

test("a bundle of storefront answers a request without a token: 401", async () => {
  const outDir = await mkdtemp(join(tmpdir(), "spillway-bundling-"));
  folders.push(outDir);
  const { users } = await bundleFunctions({ system: storefront, workloads: ["users"], outDir });
  Object.assign(process.env, {
    SPILLWAY_TABLE_CATALOG: "catalog",
    SPILLWAY_OBJECT_STORE_MEDIA: "media",
    SPILLWAY_TOKEN_ISSUER: "https://issuer.example",
    SPILLWAY_TOKEN_AUDIENCE: "client",
    SPILLWAY_TOKEN_JWKS: "https://issuer.example/jwks.json",
  });
  const { handler } = await load_(users.bundle);
  const event = {
    version: "2.0",
    rawPath: "/users/1",
    rawQueryString: "",
    headers: {},
    requestContext: { http: { method: "GET", path: "/users/1", sourceIp: "192.0.2.1" } },
    isBase64Encoded: false,
  };
  expect(await handler(event, { awsRequestId: "r" })).toMatchObject({ statusCode: 401 });
});
