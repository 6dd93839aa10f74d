import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type Complaint, compile } from "./compile.ts";
import { type Example, examplesIn, examplesOf, namesOf } from "./examples.ts";

const places = ["spec", "planner", "runtime", "components", "tests/components/harness.ts"];

/** Where an example finds names that are neither of its own file nor scenery; the first wins. */
const shelves = [
  "spec/index.ts",
  "system.ts",
  "runtime/ports/index.ts",
  "functions/ports.ts",
  "planner/index.ts",
  "components/shared/bundling.ts",
  "components/shared/migration-bundles.ts",
  "components/aws/DataStores.ts",
  "components/aws/EventPipeline.ts",
  "components/aws/UserPool.ts",
  "components/aws/ServerlessEdge.ts",
];

/** What examples take for granted: things that the reader has at hand, with their types. */
const scenery: Readonly<Record<string, string>> = {
  alerts: 'declare const alerts: import("ROOT/components/aws/Alerts.ts").Alerts;',
  app: 'declare const app: import("hono").Hono;',
  args: 'declare const args: import("ROOT/components/aws/ServerlessEdge.ts").ServerlessEdgeArgs;',
  artefacts:
    'declare const artefacts: Record<keyof typeof import("ROOT/system.ts").system.workloads, import("ROOT/components/shared/bundling.ts").Artefact>;',
  create: `declare const create: (ports: object) => ${["HttpHandler", "IdentityHooks", "MessageHandler", "RecordHandler", "ChangeHandler", "SocketHandler"].map((name) => `import("ROOT/runtime/ports/index.ts").${name}`).join(" & ")};`,
  channels: 'declare const channels: import("ROOT/components/aws/Channels.ts").Channels;',
  consumer: 'declare const consumer: import("ROOT/runtime/ports/index.ts").QueueConsumer;',
  deadLetters:
    "declare const deadLetters: { setAside(body: string, reason: string): Promise<void> };",
  fromAttribute: 'import { fromAttribute } from "ROOT/runtime/adapters/aws/attributes.ts";',
  edge: 'declare const edge: import("ROOT/components/aws/ServerlessEdge.ts").ServerlessEdge;',
  events: 'declare const events: import("ROOT/components/aws/EventPipeline.ts").EventPipeline;',
  expect: 'import { expect } from "vitest";',
  ledger: 'declare const ledger: import("ROOT/runtime/ports/index.ts").Sql;',
  live: 'declare const live: import("ROOT/runtime/ports/index.ts").Cache;',
  keyOf: 'declare const keyOf: (id: string) => import("ROOT/runtime/ports/index.ts").Key;',
  pool: 'declare const pool: import("pg").Pool;',
  balancer: 'declare const balancer: import("ROOT/components/aws/Balancer.ts").Balancer;',
  image: 'declare const image: import("ROOT/components/aws/WorkloadImage.ts").WorkloadImage;',
  network: 'declare const network: import("ROOT/components/aws/Network.ts").Network;',
  source: 'declare const source: import("ROOT/components/shared/image.ts").ImageSource;',
  ports: "declare const ports: object;",
  routes: "declare const routes: readonly string[];",
  secrets: "declare const secrets: Record<string, string>;",
  settings: "declare const settings: { readonly secrets: Record<string, string> };",
  stores: 'declare const stores: import("ROOT/components/aws/DataStores.ts").DataStores;',
  userPool: 'declare const userPool: import("ROOT/components/aws/UserPool.ts").UserPool;',
  users: 'declare const users: import("ROOT/components/aws/UserPool.ts").UserPool;',
  verify:
    'declare const verify: (token: string) => Promise<import("ROOT/runtime/ports/index.ts").Claims>;',
};

const fileOf = ({ file, line }: Example) =>
  path.posix.join(path.posix.dirname(file), `.example-${path.basename(file, ".ts")}-${line}.ts`);

/** Names that the compiler does not find: not at all, as a near miss, or in `{ name }`. */
const missing = (complaints: readonly Complaint[]) =>
  complaints
    .filter(({ code }) => [2304, 2552, 2503, 18004].includes(code))
    .flatMap(({ message }) => /'([^']+)'/.exec(message)?.[1] ?? []);

/** What the compiler says of examples, once each has the names that its reader has. */
function check(examples: readonly Example[]): readonly Complaint[] {
  const plain = compile(
    new Map(examples.map((example) => [fileOf(example), `${example.code}\nexport {};`])),
  );
  const shelved = shelves.map(namesOf);
  const sources = examples.map((example) => {
    const file = fileOf(example);
    const own = namesOf(example.file);
    const wanted = new Set(missing(plain.filter((complaint) => complaint.file === file)));
    const given = [...wanted].map(
      (name) =>
        own.get(name) ?? scenery[name] ?? shelved.find((names) => names.has(name))?.get(name) ?? "",
    );
    const root = path.relative(path.dirname(file), ".");
    const lines = [...new Set(given)].join("\n").replaceAll("ROOT", root);
    return [file, `${lines}\n${example.code}\nexport {};`] as const;
  });
  // Types and values are imported alike here.
  return compile(new Map(sources), { verbatimModuleSyntax: false });
}

describe("examples in docstrings", () => {
  const examples = examplesIn(places);
  let complaints: readonly Complaint[];
  beforeAll(() => {
    complaints = check(examples);
  }, 300_000);

  test("are found", () => expect(examples.length).toBeGreaterThan(10));

  test.each(examples.map((example) => ({ ...example, at: `${example.file}:${example.line}` })))(
    "of $at type-check",
    (example) => {
      expect(complaints.filter(({ file }) => file === fileOf(example))).toEqual([]);
    },
  );
});

describe("examples in docs", () => {
  const blocks = readdirSync("docs")
    .filter((file) => file.endsWith(".md"))
    .flatMap((file) =>
      [...readFileSync(`docs/${file}`, "utf8").matchAll(/^```ts\n(.*?)^```$/gms)].map(
        ([, code = ""], index) => [`${file}-${index}.ts`, code] as const,
      ),
    );

  test("type-check as they stand, from the project's root", () => {
    expect(blocks.length).toBeGreaterThan(0);
    expect(compile(new Map(blocks))).toEqual([]);
  }, 300_000);
});

describe("the check of examples", () => {
  const example = (code: string): Example => ({ file: "spec/stores.ts", line: 1, code });

  test("reads code up to the next tag, without its fence", () => {
    const source =
      "/**\n * Says.\n * @example\n * ```ts\n * a();\n *   b();\n * ```\n * @throws x\n */\n";
    expect(examplesOf("x.ts", source)).toEqual([{ file: "x.ts", line: 3, code: "a();\n  b();" }]);
  });

  test("finds names in the example's own file, and in what readers have at hand", () => {
    expect(check([example("objectStore({ a: { prefix: 'a/', maxBytes: 20 * MiB } });")])).toEqual(
      [],
    );
  });

  test.each([
    ["a name that there is not", "objectStores();", 2304],
    ["a field that there is not", "objectStore({ a: { prefx: 'a/' } });", 2561],
    ["code that is none", "objectStore({", 1005],
  ])("refuses %s", (_, code, error) => {
    expect(check([example(code)]).map((complaint) => complaint.code)).toContain(error);
  });
});
