import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defineSystem, methods, parseRoute, routeKey } from "../../spec/index.ts";

const name = fc.oneof(
  fc.stringMatching(/^[a-z][a-zA-Z0-9]{0,8}(-[a-z0-9]{1,4})?$/),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("secrets", "constructor", "__proto__", "toString", "hasOwnProperty"),
);
const figure = fc.oneof(fc.integer({ min: -5, max: 100_000 }), fc.double());
const names = fc.oneof(name, fc.array(name, { maxLength: 3 }));
const named = <T>(value: fc.Arbitrary<T>) => fc.dictionary(name, value, { maxKeys: 4 });

const store = fc.oneof(
  fc.record({ kind: fc.constant("table"), changes: fc.boolean() }),
  fc.record({
    kind: fc.constant("objectStore"),
    folders: named(
      fc.record({ prefix: fc.string(), maxBytes: figure }, { requiredKeys: ["prefix"] }),
    ),
  }),
  fc.record({ kind: fc.constant("sql"), migrations: fc.string() }),
  fc.record({ kind: fc.constant("cache") }),
);
const channel = fc.oneof(
  fc.record({
    kind: fc.constant("queue"),
    maxReceives: figure,
    visibilitySeconds: figure,
    maxBytes: figure,
  }),
  fc.record({ kind: fc.constant("topic") }),
  fc.record({ kind: fc.constant("stream"), retentionHours: figure }),
);
const service = fc.oneof(
  fc.record({
    kind: fc.constant("edge"),
    throttle: fc.record({ perSecond: figure, burst: figure }),
    cors: fc.record({
      origins: fc.array(fc.oneof(fc.webUrl(), fc.string())),
      credentials: fc.boolean(),
    }),
  }),
  fc.record({
    kind: fc.constant("identity"),
    passwordMinLength: figure,
    accessMinutes: figure,
    refreshDays: figure,
  }),
  fc.record({ kind: fc.constant("mailer"), from: fc.string() }),
  fc.record({ kind: fc.constant("chat"), webhook: name }),
  fc.record({ kind: fc.constant("metrics") }),
);

const step = fc.record(
  {
    name,
    timeoutSeconds: figure,
    retry: fc.record({ attempts: figure, backoffSeconds: figure, factor: figure }),
    compensate: name,
  },
  { requiredKeys: ["name", "timeoutSeconds"] },
);
const route = fc.oneof(
  fc.string(),
  fc.tuple(fc.constantFrom(...methods), fc.string()).map(([method, path]) => `${method} /${path}`),
);
/** Every kind's own fields at once: what belongs to another kind must do no harm. */
const native = fc.record({
  kind: fc.constant("native"),
  cloud: fc.constant("aws"),
  arn: fc.oneof(fc.string(), fc.constant("arn:aws:sns:eu-central-1:111122223333:topic")),
  actions: fc.array(fc.oneof(fc.string(), fc.constant("sns:Publish")), { maxLength: 2 }),
  because: fc.string(),
});

const workload = fc
  .tuple(
    fc.constantFrom(
      "http",
      "onMessage",
      "onObject",
      "onSchedule",
      "onIdentity",
      "workflow",
      "socket",
      "job",
    ),
    fc.record({
      code: fc.oneof(fc.constant("functions/x"), fc.string()),
      uses: named(names),
      load: fc.record({
        perDay: figure,
        shape: fc.constantFrom("steady", "rare", "odd"),
        ms: fc.record({ p50: figure, p99: figure, max: figure }, { requiredKeys: ["p50", "p99"] }),
        memoryMb: figure,
      }),
    }),
    fc.record({
      routes: fc.array(route, { maxLength: 4 }),
      path: fc.string(),
      hooks: fc.array(fc.constantFrom("pre-token", "pre-sign-up", "post"), { maxLength: 3 }),
      steps: fc.array(step, { maxLength: 3 }),
      cron: fc.oneof(fc.string(), fc.stringMatching(/^([0-9*]{1,2} ){4}[0-9*]$/)),
      prefix: fc.string(),
      store: name,
    }),
    fc.record(
      {
        queue: name,
        topic: name,
        stream: name,
        changes: name,
        bus: name,
        pattern: fc.object({ maxDepth: 2 }),
        packages: fc.array(fc.string(), { maxLength: 2 }),
        batch: figure,
        maxReceives: figure,
        filter: named(fc.array(fc.string())),
        timeZone: fc.string(),
        auth: fc.constantFrom("jwt", "none"),
        maxBodyBytes: figure,
        throttle: fc.record({ perSecond: figure, burst: figure }),
        compensations: fc.array(step, { maxLength: 2 }),
        onFailure: name,
        packageMb: figure,
        latency: fc.record({ p99Ms: figure }),
        heartbeatSeconds: figure,
      },
      { requiredKeys: [] },
    ),
  )
  .map(([kind, ...parts]) =>
    Object.assign({ kind, queue: kind === "job" ? "q" : undefined }, ...parts),
  );

describe("defineSystem", () => {
  test("answers any declaration with the system, or with its own error and its faults", () => {
    const declaration = fc.record({
      name,
      stores: named(store),
      channels: named(channel),
      services: named(service),
      natives: named(native),
      secrets: fc.array(name, { maxLength: 3 }),
      workloads: named(workload),
    });
    fc.assert(
      fc.property(declaration, (given) => {
        try {
          expect(defineSystem(given as never)).toEqual(given);
        } catch (error) {
          expect((error as Error).message).toMatch(/^System ".*": \d+ faults?\n {2}- /s);
          expect((error as Error).message).not.toMatch(/undefined|\[object/);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("parseRoute", () => {
  const segment = fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9._~-]{1,8}$/),
    fc.stringMatching(/^\{[A-Za-z][A-Za-z0-9_]{0,6}\}$/),
  );
  const sound = fc
    .tuple(fc.constantFrom(...methods), fc.uniqueArray(segment, { maxLength: 5 }), fc.boolean())
    .map(([method, segments, rest]) => ({
      method,
      segments: rest ? [...segments, "{theRest_of_it+}"] : segments,
    }));

  test("reads back what a sound route is made of", () => {
    fc.assert(
      fc.property(sound, ({ method, segments }) => {
        const path = `/${segments.join("/")}`;
        expect(parseRoute(`${method} ${path}`)).toEqual({ method, path, segments });
      }),
    );
  });

  test("says what is wrong with anything else, and never throws", () => {
    fc.assert(
      fc.property(route, (text) => {
        const read = parseRoute(text);
        if (typeof read === "string") expect(read).not.toBe("");
        else expect(`${read.method} ${read.path}`).toBe(text);
      }),
    );
  });

  test("two routes have one key exactly where they differ in parameters' names alone", () => {
    fc.assert(
      fc.property(sound, ({ method, segments }) => {
        const key = (list: readonly string[]) => {
          const read = parseRoute(`${method} /${list.join("/")}`);
          return typeof read === "string" ? read : routeKey(read);
        };
        const renamed = segments.map((s, n) => s.replace(/^\{[^}+]*/, `{p${n}`));
        expect(key(renamed)).toBe(key(segments));
        const plain = segments.map((s) => s.replace(/^\{.*\}$/, "plain"));
        if (plain.some((s, n) => s !== segments[n])) expect(key(plain)).not.toBe(key(segments));
      }),
    );
  });
});
