import { describe, expect, expectTypeOf, test } from "vitest";
import type { ObjectStore, Queue, Secrets, StepHandler, Table } from "../../runtime/ports/index.ts";
import type { PortsOfSystem, StepsOfSystem } from "../../runtime/ports-of.ts";
import {
  type Access,
  defineSystem,
  http,
  objectStore,
  onMessage,
  queue,
  table,
  type VerbsOf,
  workflow,
} from "../../spec/index.ts";
import { compile } from "./compile.ts";

const load = 'load: { perDay: 1, shape: "rare", ms: { p50: 1, p99: 2 }, memoryMb: 128 }';

/** A system with one of each resource, and one workload. */
const system = (workload: string) => `
import * as s from "../../spec/index.ts";
import type { PortsOfSystem, StepsOfSystem } from "../../runtime/ports-of.ts";
const system = s.defineSystem({
  name: "shop",
  stores: { catalog: s.table(), media: s.objectStore(), ledger: s.sql({ migrations: "m" }) },
  channels: { inbox: s.queue(), events: s.topic(), clicks: s.stream(), facts: s.bus() },
  services: { mailer: s.mailer({ from: "a@b.c" }), identity: s.identity() },
  natives: { partner: s.native.aws({ arn: "arn:aws:sns:::t", actions: ["sns:Publish"], because: "b" }) },
  secrets: ["stripe", "github"],
  workloads: {
    users: ${workload}
  },
});
type Ports = PortsOfSystem<typeof system, "users">;
`;
const api = (uses: string) =>
  system(`s.http({
      code: "functions/users",
      routes: ["GET /users"],
      ${uses}
      ${load},
    }),`);
const by = (kind: string, by: string) =>
  system(`s.${kind}({
      code: "functions/users",
      ${by}
      ${load},
    }),`);
/** A handler of a workload with some uses. */
const handler = (uses: string, body: string) =>
  `${api(uses)}
export const create = async (ports: Ports) => {
  ${body}
};
`;

/** The one error of a source: its code, the line that it stands on, and what it names. */
type Fault = readonly [code: number, line: string, names: string];

/** What is written, how, and its error; none: it compiles. */
type Case = readonly [what: string, source: string, fault?: Fault];
const named = (list: readonly Case[]) =>
  list.map(([what, source, fault]) => ({ what, source, fault }));

const handlers: readonly Case[] = [
  [
    "a declared verb",
    handler('uses: { catalog: "read" },', 'await ports.catalog.get({ pk: "a", sk: "b" });'),
  ],
  [
    "an undeclared port",
    handler('uses: { catalog: "read" },', "await ports.media;"),
    [2339, "await ports.media;", "'media'"],
  ],
  [
    "put where the workload reads",
    handler('uses: { catalog: "read" },', 'await ports.catalog.put({ pk: "a", sk: "b" }, {});'),
    [2339, 'await ports.catalog.put({ pk: "a", sk: "b" }, {});', "'put'"],
  ],
  [
    "a verb that its list leaves out",
    handler(
      'uses: { catalog: ["get", "put"] },',
      'await ports.catalog.delete({ pk: "", sk: "" });',
    ),
    [2339, 'await ports.catalog.delete({ pk: "", sk: "" });', "'delete'"],
  ],
  [
    "an undeclared secret",
    handler('uses: { secrets: ["stripe"] },', 'await ports.secrets.get("github");'),
    [2345, 'await ports.secrets.get("github");', '"github"'],
  ],
  [
    "any port of a workload that uses nothing",
    handler("", "await ports.catalog;"),
    [2339, "await ports.catalog;", "'catalog'"],
  ],
  [
    "ports of an unknown workload",
    `${api("")}export type Other = PortsOfSystem<typeof system, "orders">;`,
    [2344, 'export type Other = PortsOfSystem<typeof system, "orders">;', '"orders"'],
  ],
];

// A fault in what refers to other parts of the system is reported where the workload begins.
const declarations: readonly Case[] = [
  ["a level and a secret", api('uses: { catalog: "read", secrets: ["stripe"] },')],
  ["a list of verbs", api('uses: { catalog: ["get", "put"] },')],
  [
    "a misspelt store",
    api('uses: { catalogue: "read" },'),
    [2322, "users: s.http({", "'uses.catalogue'"],
  ],
  [
    "a level that the kind does not have",
    api('uses: { mailer: "read" },'),
    [2322, "users: s.http({", "'uses.mailer'"],
  ],
  [
    "sql for reading only, which no database user is made for",
    api('uses: { ledger: "read" },'),
    [2322, "users: s.http({", "'uses.ledger'"],
  ],
  [
    "a verb that the kind does not have",
    api('uses: { catalog: ["get", "list"] },'),
    [2322, "users: s.http({", `Type '"list"'`],
  ],
  [
    "an unknown secret",
    api('uses: { secrets: ["stripe", "gitlab"] },'),
    [2322, "users: s.http({", `Type '"gitlab"'`],
  ],
  ["messages of a queue", by("onMessage", 'queue: "inbox",')],
  [
    "messages of an unknown queue",
    by("onMessage", 'queue: "outbox",'),
    [2322, "users: s.onMessage({", "property 'queue'"],
  ],
  [
    "messages of a queue that is a topic",
    by("onMessage", 'queue: "events",'),
    [2322, "users: s.onMessage({", "property 'queue'"],
  ],
  [
    "messages of an unknown topic",
    by("onMessage", 'topic: "inbox",'),
    [2322, "users: s.onMessage({", "property 'topic'"],
  ],
  ["messages of a bus", by("onMessage", 'bus: "facts", pattern: { type: ["a"] },')],
  [
    "messages of a bus that is a topic",
    by("onMessage", 'bus: "events",'),
    [2322, "users: s.onMessage({", "property 'bus'"],
  ],
  ["a native resource", api('uses: { partner: "use" },')],
  [
    "a level that a native resource does not have",
    api('uses: { partner: "read" },'),
    [2322, "users: s.http({", "'uses.partner'"],
  ],
  [
    "messages of an unknown stream",
    by("onMessage", 'stream: "events",'),
    [2322, "users: s.onMessage({", "property 'stream'"],
  ],
  [
    "changes of what is no table",
    by("onMessage", 'changes: "media",'),
    [2322, "users: s.onMessage({", "property 'changes'"],
  ],
  [
    "objects of what is no object store",
    by("onObject", 'store: "catalog", prefix: "a/",'),
    [2322, "users: s.onObject({", "property 'store'"],
  ],
  ["a job of an unknown queue", by("job", 'queue: "jobs",'), [2322, "users: s.job({", "'queue'"]],
  [
    "an unknown identity hook",
    by("onIdentity", 'hooks: ["pre-signup"],'),
    [2820, 'hooks: ["pre-signup"],', `Did you mean '"pre-sign-up"'?`],
  ],
  [
    "an unknown shape of load",
    api("").replace('"rare"', '"seldom"'),
    [2322, `${load.replace('"rare"', '"seldom"')},`, '"seldom"'],
  ],
];

const cases = [...declarations, ...handlers];
const file = (source: string) => `tests/spec/snippet-${cases.findIndex((c) => c[1] === source)}.ts`;
const complaints = compile(new Map(cases.map(([, source]) => [file(source), source])));

const verdict = (source: string) =>
  complaints
    .filter((complaint) => complaint.file === file(source))
    .map(({ code, line, message }) => [code, line, message]);
const expected = (fault: Fault | undefined) =>
  fault ? [[fault[0], fault[1], expect.stringContaining(fault[2])]] : [];

describe("of declarations, only what is declared compiles", () => {
  test.each(named(declarations))("$what", ({ source, fault }) => {
    expect(verdict(source)).toEqual(expected(fault));
  });
});

describe("of handlers, only what is declared compiles", () => {
  test.each(named(handlers))("$what", ({ source, fault }) => {
    expect(verdict(source)).toEqual(expected(fault));
  });
});

// Judged by the type check, not by the run.
describe("the ports of a workload", () => {
  const shop = defineSystem({
    name: "shop",
    stores: { catalog: table(), media: objectStore() },
    channels: { inbox: queue(), outbox: queue() },
    secrets: ["stripe", "github"],
    workloads: {
      reader: http({
        code: "functions/reader",
        routes: ["GET /"],
        auth: "none",
        uses: { catalog: "read", media: ["get", "put"], inbox: "send", secrets: ["stripe"] },
        load: { perDay: 1, shape: "rare", ms: { p50: 1, p99: 2 }, memoryMb: 128 },
      }),
      writer: onMessage({
        code: "functions/writer",
        queue: "inbox",
        uses: { catalog: "read-write" },
        load: { perDay: 1, shape: "rare", ms: { p50: 1, p99: 2 }, memoryMb: 128 },
      }),
      idle: onMessage({
        code: "functions/idle",
        queue: "outbox",
        load: { perDay: 1, shape: "rare", ms: { p50: 1, p99: 2 }, memoryMb: 128 },
      }),
    },
  });
  type Ports<N extends keyof (typeof shop)["workloads"]> = PortsOfSystem<typeof shop, N>;

  test("are exactly those declared, with exactly the declared verbs", () => {
    expectTypeOf<Ports<"reader">>().toEqualTypeOf<{
      readonly catalog: Pick<Table, "get" | "query">;
      readonly media: Pick<ObjectStore, "get" | "put">;
      readonly inbox: Pick<Queue, "send">;
      readonly secrets: Secrets<"stripe">;
    }>();
    expectTypeOf<Ports<"writer">>().toEqualTypeOf<{
      readonly catalog: Pick<Table, "get" | "query" | "put" | "delete" | "once">;
    }>();
  });

  test("are none where nothing is used", () => {
    expectTypeOf<keyof Ports<"idle">>().toEqualTypeOf<never>();
  });

  test("of a workflow's code are one handler for each step and compensation", () => {
    const saga = defineSystem({
      name: "shop",
      workloads: {
        order: workflow({
          code: "functions/order",
          steps: [{ name: "pay", timeoutSeconds: 5, compensate: "refund" }],
          compensations: [{ name: "refund", timeoutSeconds: 5 }],
          load: { perDay: 1, shape: "rare", ms: { p50: 1, p99: 2 }, memoryMb: 128 },
        }),
      },
    });
    expectTypeOf<StepsOfSystem<typeof saga, "order">>().toEqualTypeOf<{
      readonly pay: StepHandler;
      readonly refund: StepHandler;
    }>();
  });

  test("a level and the list of its verbs are one", () => {
    expectTypeOf<VerbsOf<"table", "read">>().toEqualTypeOf<VerbsOf<"table", ["get", "query"]>>();
    expectTypeOf<"read-write">().toExtend<Access<"sql">>();
    expectTypeOf<"read">().not.toExtend<Access<"sql">>();
  });
});
