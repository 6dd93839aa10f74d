import { describe, expect, test } from "vitest";
import {
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
  api as provider,
  queue,
  scheduler,
  socket,
  stream,
  topic,
  workflow,
} from "../../spec/index.ts";
import { faultsOf } from "../../spec/validate.ts";
import { system } from "../../system.ts";
import { faultsIn, faultsOfWorkload, load, resources } from "./faults.ts";

const code = "functions/w";
const api = (parts: object) => http({ code, routes: ["GET /"], load: load(), ...parts });
const consumer = (parts: object) => onMessage({ code, load: load(), ...parts });

describe("a declaration", () => {
  test("of storefront is sound", () => expect(faultsOf(system)).toEqual([]));

  test("keeps what it was given, and has all its parts", () => {
    const shop = defineSystem({ name: "shop", workloads: { w: api({ auth: "none" }) } });
    expect(shop).toEqual({
      name: "shop",
      stores: {},
      channels: {},
      services: {},
      natives: {},
      secrets: [],
      workloads: { w: { kind: "http", code, routes: ["GET /"], auth: "none", load: load() } },
    });
  });

  test("tells all faults in one message, each with where, what and the remedy", () => {
    expect(() =>
      defineSystem({
        name: "Shop",
        channels: { inbox: queue({ maxReceives: 0 }) },
        workloads: { w: api({ load: load({ ms: { p50: 90, p99: 50 } }), auth: "none" }) },
      }),
    ).toThrow(
      new Error(
        `System "Shop": 3 faults
  - system "Shop": start with a small letter, then letters, digits and single "-"
  - channel "inbox": maxReceives 0; use a whole number from 1 to 1000
  - workload "w": load has p50 90 ms > p99 50 ms; swap or correct them`,
      ),
    );
  });

  test("with one fault says so in the singular", () => {
    expect(() => defineSystem({ name: "a--b", workloads: {} })).toThrow(
      /^System "a--b": 1 fault\n/,
    );
  });
});

describe("names", () => {
  const named = (group: string, name: string) =>
    `${group} "${name}": start with a small letter, then letters, digits and single "-"`;

  test.each(["a", "catalog", "myStore", "my-store", "a1-2b", "x".repeat(40)])(
    "may be %s",
    (name) => {
      expect(faultsIn({ name, stores: { [name]: cache() } })).toEqual([]);
    },
  );

  test.each(["", "Catalog", "1st", "my_store", "my store", "-a", "a-", "a--b", "é", "a/b"])(
    'may not be "%s"',
    (name) => {
      expect(faultsIn({ name, stores: { [name]: cache() } })).toEqual([
        named("system", name),
        named("store", name),
      ]);
    },
  );

  test("of every group are looked at", () => {
    expect(
      faultsIn({
        stores: { A: cache() },
        channels: { B: queue() },
        services: { C: mailer({ from: "a@b.c" }) },
        secrets: ["D"],
        workloads: { E: api({ auth: "none" }) },
      }),
    ).toEqual([
      named("store", "A"),
      named("channel", "B"),
      named("service", "C"),
      named("secret", "D"),
      named("workload", "E"),
    ]);
  });

  test("have at most 40 characters", () => {
    const name = "x".repeat(41);
    expect(faultsIn({ name })).toEqual([
      `system "${name}": 41 characters; use at most 40, cloud names are cut from it`,
    ]);
  });

  test('may not be "secrets", which is a word of uses', () => {
    expect(faultsIn({ channels: { secrets: queue() } })).toEqual([
      'channel "secrets": the name is taken by uses.secrets; choose another',
    ]);
  });

  test("differ by more than case and hyphens among all that uses may name", () => {
    expect(faultsIn({ stores: { myBox: cache() }, channels: { "my-box": queue() } })).toEqual([
      'channel "my-box": store "myBox" has the same name; rename one',
    ]);
    const saga = workflow({ code, steps: [{ name: "a", timeoutSeconds: 1 }], load: load() });
    expect(faultsIn({ stores: { saga: cache() }, workloads: { saga } })).toEqual([
      'workflow "saga": store "saga" has the same name; rename one',
    ]);
  });

  test("differ by more than case and hyphens among secrets and among workloads", () => {
    const w = api({ auth: "none" });
    expect(faultsIn({ secrets: ["a-b", "aB"] })).toEqual([
      'secret "aB": another secret has the same name; rename one',
    ]);
    expect(faultsIn({ workloads: { ab: w, aB: { ...w, routes: ["GET /other"] } } })).toEqual([
      'workload "aB": another workload has the same name; rename one',
    ]);
  });
});

describe("services", () => {
  test.each(["edge", "identity"] as const)("have one %s at most", (kind) => {
    const make = { edge, identity }[kind];
    expect(faultsIn({ services: { one: make(), two: make() } })).toEqual([
      `services one, two: more than one ${kind}; keep one`,
    ]);
  });

  test("allow no CORS origin * with credentials", () => {
    const cors = { origins: ["*"], credentials: true };
    expect(faultsIn({ services: { edge: edge({ cors }) } })).toEqual([
      'service "edge": CORS origin "*" with credentials; name the origins, or leave credentials out',
    ]);
    expect(faultsIn({ services: { edge: edge({ cors: { origins: ["*"] } }) } })).toEqual([]);
  });

  test.each([
    "shop.example",
    "https://shop.example/",
    "https://shop.example/a",
    "null",
    "https://*",
  ])("take no %s for a CORS origin", (origin) => {
    const services = { edge: edge({ cors: { origins: ["https://ok.example", origin] } }) };
    expect(faultsIn({ services })).toEqual([
      `service "edge": CORS origin "${origin}"; write scheme and host, such as "https://shop.example"`,
    ]);
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("throttle by no %d", (n) => {
    expect(
      faultsIn({ services: { edge: edge({ throttle: { perSecond: n, burst: n } }) } }),
    ).toEqual([
      `service "edge": throttle.perSecond ${n}; use a whole number above 0`,
      `service "edge": throttle.burst ${n}; use a whole number above 0`,
    ]);
  });

  test.each([
    [{ passwordMinLength: 7 }, "passwordMinLength 7; use 8 to 99"],
    [{ passwordMinLength: 100 }, "passwordMinLength 100; use 8 to 99"],
    [{ passwordMinLength: Number.NaN }, "passwordMinLength NaN; use 8 to 99"],
    [{ accessMinutes: 4 }, "accessMinutes 4; use 5 to 1440"],
    [{ accessMinutes: 1441 }, "accessMinutes 1441; use 5 to 1440"],
    [{ refreshDays: 0 }, "refreshDays 0; use 1 to 3650"],
    [{ refreshDays: 3651 }, "refreshDays 3651; use 1 to 3650"],
  ])("keep identity's settings within what the cloud allows: %o", (options, fault) => {
    expect(faultsIn({ services: { id: identity(options) } })).toEqual([`service "id": ${fault}`]);
  });

  test("chat through a declared secret, mail from an address", () => {
    const services = { chat: chat({ webhook: "slack" }), mailer: mailer({ from: "shop" }) };
    expect(faultsIn({ services })).toEqual([
      'service "chat": webhook "slack" is no declared secret; add it to secrets',
      'service "mailer": from "shop" is no mail address; write name@host',
    ]);
  });
});

describe("channels and stores", () => {
  test.each([
    [queue({ maxReceives: 1001 }), "maxReceives 1001; use a whole number from 1 to 1000"],
    [queue({ visibilitySeconds: -1 }), "visibilitySeconds -1; use a whole number from 0 to 43200"],
    [queue({ maxBytes: 1023 }), "maxBytes 1023; use a whole number from 1024 to 1048576"],
    [queue({ maxReceives: 1.5 }), "maxReceives 1.5; use a whole number from 1 to 1000"],
    [queue({ maxReceives: Number.NaN }), "maxReceives NaN; use a whole number from 1 to 1000"],
    [stream({ retentionHours: 23 }), "retentionHours 23; use a whole number from 24 to 8760"],
  ])("keep a channel within what the cloud allows: %o", (channel, fault) => {
    expect(faultsIn({ channels: { c: channel } })).toEqual([`channel "c": ${fault}`]);
  });

  test.each(["/uploads/", "uploads", ""])('take no prefix "%s"', (prefix) => {
    expect(faultsIn({ stores: { media: objectStore({ up: { prefix } }) } })).toEqual([
      `store "media": folder up: prefix "${prefix}"; write it as "uploads/"`,
    ]);
  });

  test.each([0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])("take no maxBytes %d", (n) => {
    expect(
      faultsIn({ stores: { media: objectStore({ up: { prefix: "u/", maxBytes: n } }) } }),
    ).toEqual([`store "media": folder up: maxBytes ${n}; use a whole number above 0`]);
  });
});

describe("a workload's code", () => {
  test.each(["functions/users", "functions/a/b-c", "x"])("may be in %s", (at) => {
    expect(faultsOfWorkload(api({ code: at }))).toEqual([]);
  });

  test.each(["", "/functions/users", "../users", "functions/", "functions//users", "a\\b"])(
    'may not be in "%s"',
    (at) => {
      expect(faultsOfWorkload(api({ code: at }))).toEqual([
        `workload "w": code "${at}"; give a folder from the project's root, such as "functions/users"`,
      ]);
    },
  );
});

describe("a workload's uses", () => {
  const using = (uses: object) => faultsOfWorkload(api({ uses }));

  test("name what is declared", () => {
    expect(using({ catalogue: "read" })).toEqual([
      'workload "w": uses "catalogue", which is not declared; declare it or use one of catalog, plain, media, inbox, events, clicks, facts, identity',
    ]);
  });

  test("grant what the kind has", () => {
    expect(using({ inbox: "read" })).toEqual([
      'workload "w": uses inbox: "read"; a queue takes "send", or a list of send',
    ]);
    expect(using({ catalog: ["get", "list"] })).toEqual([
      'workload "w": uses catalog: ["get","list"]; a table takes "read", "write", "read-write", or a list of get, query, put, delete, once',
    ]);
    expect(using({ catalog: [] })).toEqual([
      'workload "w": uses catalog: []; a table takes "read", "write", "read-write", or a list of get, query, put, delete, once',
    ]);
  });

  test("name declared secrets, in a list", () => {
    expect(using({ secrets: ["stripe", "github"] })).toEqual([
      'workload "w": uses secret "github", which is not declared; add it to secrets',
    ]);
    expect(using({ secrets: "stripe" })).toEqual([
      'workload "w": uses.secrets "stripe"; list the secrets\' names',
    ]);
  });

  test("take no name from an object's prototype", () => {
    expect(using({ constructor: "read", toString: "read" })).toHaveLength(2);
  });
});

describe("a workload's load", () => {
  const loaded = (parts: object) => faultsOfWorkload(api({ load: load(parts) }));
  const bad = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

  test.each(bad)("has no %d in it", (n) => {
    const said = (part: string) => `workload "w": ${part} ${n}; use a number above 0`;
    expect(loaded({ perDay: n })).toEqual([said("load.perDay")]);
    expect(loaded({ memoryMb: n })).toEqual([said("load.memoryMb")]);
    expect(loaded({ ms: { p50: n, p99: 50 } })).toContain(said("load.ms.p50"));
    expect(loaded({ ms: { p50: 10, p99: n } })).toContain(said("load.ms.p99"));
    expect(loaded({ ms: { p50: 10, p99: 50, max: n } })).toContain(said("load.ms.max"));
    expect(faultsOfWorkload(api({ packageMb: n }))).toEqual([said("packageMb")]);
    expect(faultsOfWorkload(api({ latency: { p99Ms: n } }))).toEqual([said("latency.p99Ms")]);
    expect(faultsOfWorkload(api({ maxBodyBytes: n }))).toEqual([said("maxBodyBytes")]);
  });

  test("rises from p50 to p99 to the maximum", () => {
    expect(loaded({ ms: { p50: 60, p99: 50 } })).toEqual([
      'workload "w": load has p50 60 ms > p99 50 ms; swap or correct them',
    ]);
    expect(loaded({ ms: { p50: 10, p99: 50, max: 49 } })).toEqual([
      'workload "w": load has p99 50 ms > max 49 ms; correct one',
    ]);
    expect(loaded({ ms: { p50: 50, p99: 50, max: 50 } })).toEqual([]);
  });

  test("has a known shape", () => {
    expect(loaded({ shape: "seldom" })).toEqual([
      'workload "w": load.shape "seldom"; use one of steady, business-hours, bursty, rare',
    ]);
  });
});

describe("http", () => {
  test("has routes", () => {
    expect(faultsOfWorkload(api({ routes: [] }))).toEqual([
      'workload "w": has no routes; give at least one',
    ]);
  });

  test("needs an identity for its tokens, or says that it is public", () => {
    expect(faultsIn({ workloads: { w: api({}) } })).toEqual([
      'workload "w": needs a token but no identity is declared; declare identity(), or say auth: "none"',
    ]);
    expect(faultsIn({ workloads: { w: api({ auth: "none" }) } })).toEqual([]);
  });

  test("throttles by whole numbers", () => {
    expect(faultsOfWorkload(api({ throttle: { perSecond: 0, burst: 1 } }))).toEqual([
      'workload "w": throttle.perSecond 0; use a whole number above 0',
    ]);
  });

  test("has routes that can be read", () => {
    expect(faultsOfWorkload(api({ routes: ["FETCH /users"] }))).toEqual([
      'workload "w": route "FETCH /users": method FETCH is unknown; use one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS, ANY',
    ]);
  });
});

describe("routes", () => {
  const two = (first: string, second: string) =>
    faultsIn({
      workloads: {
        a: api({ auth: "none", routes: [first] }),
        b: api({ auth: "none", routes: [second] }),
      },
    });

  test("belong to one workload", () => {
    expect(two("GET /users", "GET /users")).toEqual([
      'workload "b": route "GET /users" belongs to workload "a" already; change one',
    ]);
  });

  test("are the same whatever their parameters are called", () => {
    expect(two("GET /users/{id}", "GET /users/{name}")).toEqual([
      'workload "b": route "GET /users/{name}" belongs to workload "a" already; change one',
    ]);
    expect(two("GET /f/{path+}", "GET /f/{rest+}")).toHaveLength(1);
  });

  test("differ by method, by text, and by how much a parameter takes", () => {
    expect(two("GET /users/{id}", "POST /users/{id}")).toEqual([]);
    expect(two("GET /users/{id}", "GET /users/me")).toEqual([]);
    expect(two("GET /users/{id}", "GET /users/{id+}")).toEqual([]);
    expect(two("GET /", "ANY /")).toEqual([]);
  });

  test("stand once in their workload", () => {
    expect(faultsOfWorkload(api({ routes: ["GET /a/{x}", "GET /a/{y}"] }))).toEqual([
      'workload "w": route "GET /a/{y}" stands twice; remove one',
    ]);
  });

  test("are not the path of a socket, nor are two sockets on one path", () => {
    const held = socket({ code, path: "/live", auth: "none", load: load() });
    expect(
      faultsIn({ workloads: { a: api({ auth: "none", routes: ["GET /live"] }), b: held } }),
    ).toEqual(['workload "b": path "/live" belongs to workload "a" already; change one']);
    expect(faultsIn({ workloads: { a: held, b: held } })).toEqual([
      'workload "b": path "/live" belongs to workload "a" already; change one',
    ]);
  });
});

describe("socket", () => {
  const held = (parts: object) =>
    faultsOfWorkload(socket({ code, path: "/live", load: load(), ...parts }));

  test("is at a path", () => {
    for (const path of ["live", "", "/a b", "/rooms/{id}"])
      expect(held({ path })).toEqual([`workload "w": path "${path}"; write it as "/presence"`]);
    expect(held({ path: "/a//b" })).toEqual([
      'workload "w": path "/a//b": path segment "" is neither plain text nor {name}',
    ]);
  });

  test("beats in seconds above 0", () => {
    expect(held({ heartbeatSeconds: 0 })).toEqual([
      'workload "w": heartbeatSeconds 0; use a number above 0',
    ]);
  });

  test("needs an identity for its tokens", () => {
    const live = socket({ code, path: "/live", load: load() });
    expect(faultsIn({ workloads: { live } })).toEqual([
      'workload "live": needs a token but no identity is declared; declare identity(), or say auth: "none"',
    ]);
  });
});

describe("onMessage", () => {
  test("has exactly one source", () => {
    expect(faultsOfWorkload(consumer({}))).toEqual([
      'workload "w": has 0 sources; give exactly one of queue, topic, bus, stream, changes',
    ]);
    expect(faultsOfWorkload(consumer({ queue: "inbox", topic: "events" }))).toEqual([
      'workload "w": has 2 sources; give exactly one of queue, topic, bus, stream, changes',
    ]);
  });

  test.each([
    ["queue", "outbox", "queue", "inbox"],
    ["queue", "events", "queue", "inbox"],
    ["topic", "inbox", "topic", "events"],
    ["stream", "inbox", "stream", "clicks"],
    ["bus", "events", "bus", "facts"],
    ["changes", "media", "table", "catalog, plain"],
  ])("takes no %s %s", (what, name, kind, known) => {
    expect(faultsOfWorkload(consumer({ [what]: name }))).toEqual([
      `workload "w": ${what} "${name}" is no declared ${kind}; declare it or use one of ${known}`,
    ]);
  });

  test("says where there is none to choose from", () => {
    expect(faultsIn({ workloads: { w: consumer({ queue: "inbox" }) } })).toEqual([
      'workload "w": queue "inbox" is no declared queue; declare it or use one of none so far',
    ]);
  });

  test("reads changes of a table that keeps them", () => {
    expect(faultsOfWorkload(consumer({ changes: "plain" }))).toEqual([
      'workload "w": changes "plain" keeps no change feed; declare table({ changes: true })',
    ]);
  });

  test("filters topics alone", () => {
    const filter = { type: ["a"] };
    expect(faultsOfWorkload(consumer({ queue: "inbox", filter }))).toEqual([
      'workload "w": has a filter but no topic; filters belong to topics',
    ]);
    expect(faultsOfWorkload(consumer({ topic: "events", filter }))).toEqual([]);
  });

  test("says how often a message of a topic or a bus is delivered; a queue says so itself", () => {
    expect(faultsOfWorkload(consumer({ topic: "events", maxReceives: 12 }))).toEqual([]);
    expect(faultsOfWorkload(consumer({ topic: "events", maxReceives: 0 }))).toEqual([
      'workload "w": maxReceives 0; use a whole number from 1 to 1000',
    ]);
    expect(faultsOfWorkload(consumer({ queue: "inbox", maxReceives: 3 }))).toEqual([
      'workload "w": has maxReceives but no topic or bus; a declared queue has its own',
    ]);
  });

  test.each([0, 1.5, 10_001, Number.NaN])("takes no batch of %d", (batch) => {
    expect(faultsOfWorkload(consumer({ queue: "inbox", batch }))).toEqual([
      `workload "w": batch ${batch}; use a whole number from 1 to 10000`,
    ]);
  });
});

describe("other triggers", () => {
  test("an object's store is one, a job's queue is one", () => {
    expect(
      faultsOfWorkload(onObject({ code, store: "catalog", prefix: "a/", load: load() })),
    ).toEqual([
      'workload "w": store "catalog" is no declared objectStore; declare it or use one of media',
    ]);
    expect(faultsOfWorkload(job({ code, queue: "clicks", load: load() }))).toEqual([
      'workload "w": queue "clicks" is no declared queue; declare it or use one of inbox',
    ]);
  });
});

describe("onSchedule", () => {
  const at = (cron: string, timeZone?: string) =>
    faultsOfWorkload(onSchedule({ code, cron, timeZone, load: load() }));

  test.each(["0 6 * * *", "*/5 * * * MON-FRI", "0 0 29 2 *", "0 0 31 1,3 *"])(
    "fires at %s",
    (cron) => {
      expect(at(cron, "Europe/Berlin")).toEqual([]);
    },
  );

  test.each(["0 0 30 2 *", "0 0 31 4,6 *"])("never fires at %s", (cron) => {
    expect(at(cron)).toEqual([
      `workload "w": cron "${cron}" never fires; choose a day that exists`,
    ]);
  });

  test.each(["", "@daily", "* * * *", "0 * * * * *"])('needs five fields, unlike "%s"', (cron) => {
    expect(at(cron)).toEqual([
      `workload "w": cron "${cron}"; write five fields: minute hour day-of-month month day-of-week`,
    ]);
  });

  test.each(["61 * * * *", "a b c d e", "0 0 * * 8"])("does not understand %s", (cron) => {
    expect(at(cron)).toEqual([
      expect.stringMatching(
        /^workload "w": cron ".+" is not understood \(.+\); write five fields such as "0 6 \* \* \*"$/,
      ),
    ]);
  });

  test("knows the time zone", () => {
    expect(at("0 6 * * *", "Europe/Atlantis")).toEqual([
      'workload "w": time zone "Europe/Atlantis" is unknown; use an IANA name such as "Europe/Berlin"',
    ]);
  });
});

describe("onIdentity", () => {
  const hooked = (...hooks: string[]) => onIdentity({ code, hooks: hooks as never, load: load() });

  test("has hooks that there are", () => {
    expect(faultsOfWorkload(hooked())).toEqual(['workload "w": has no hooks; give at least one']);
    expect(faultsOfWorkload(hooked("pre-signup"))).toEqual([
      'workload "w": hook "pre-signup" is unknown; use one of pre-sign-up, post-confirmation, pre-token, define-challenge, create-challenge, verify-challenge',
    ]);
  });

  test("has each hook in one workload", () => {
    const workloads = { a: hooked("pre-token"), b: hooked("pre-sign-up", "pre-token") };
    expect(faultsIn({ ...resources, workloads })).toEqual([
      'workload "b": hook "pre-token" belongs to workload "a" already',
    ]);
  });

  test("has each hook once", () => {
    expect(faultsOfWorkload(hooked("pre-token", "pre-token"))).toEqual([
      'workload "w": hook "pre-token" stands twice; remove one',
    ]);
  });

  test("needs an identity", () => {
    expect(faultsIn({ workloads: { w: hooked("pre-token") } })).toEqual([
      'workload "w": has hooks but no identity is declared; declare identity()',
    ]);
  });
});

describe("a pattern", () => {
  const patterned = (pattern: unknown) =>
    faultsOfWorkload(consumer({ bus: "facts", pattern } as never));

  test("may ask for type, source and data at any depth", () => {
    const pattern = {
      type: ["a", { prefix: "b." }],
      source: [{ "anything-but": "me" }],
      data: { order: { total: [{ numeric: [">", 100] }], note: [{ exists: false }] } },
    };
    expect(patterned(pattern)).toEqual([]);
  });

  test.each([
    [{}, "pattern is empty, so that everything fits; leave it out"],
    [{ type: [] }, "pattern.type has no values, so that nothing fits; give some, or leave it out"],
    [{ type: "a" }, 'pattern.type is "a"; write a list of values, such as ["a"]'],
    [
      { data: { a: [{ suffix: "x" }] } },
      'pattern.data.a has {"suffix":"x"}; use a value, or one of prefix, anything-but, exists, numeric',
    ],
  ])("%j is refused", (pattern, fault) => {
    expect(patterned(pattern)).toEqual([`workload "w": ${fault}`]);
  });

  test("belongs to a bus", () => {
    expect(faultsOfWorkload(consumer({ queue: "inbox", pattern: { type: ["a"] } }))).toEqual([
      'workload "w": has a pattern but no bus; patterns belong to buses',
    ]);
  });
});

describe("an API", () => {
  const given = (parts: object) =>
    faultsIn({
      services: { pay: provider({ url: "https://api.example.com/v1", ...parts }) },
      secrets: ["key"],
    });

  test("has an https URL, and may have a secret and a sandbox", () => {
    expect(given({ secret: "key", sandbox: "functions/sandbox" })).toEqual([]);
  });

  test.each([
    "http://api.example.com",
    "api.example.com",
    "https://a.example.com?x=1",
    "ftp://a.b",
  ])("is not at %s", (url) => {
    expect(given({ url })).toEqual([
      `service "pay": url "${url}"; write it as "https://api.example.com"`,
    ]);
  });

  test("does not show a password that its URL should not have", () => {
    expect(given({ url: "https://me:hunter2@api.example.com" }).join()).not.toContain("hunter2");
  });

  test("names a declared secret and a folder of the project", () => {
    expect(given({ secret: "other", sandbox: "../x" })).toEqual([
      'service "pay": secret "other" is no declared secret; add it to secrets',
      'service "pay": sandbox "../x"; give a folder from the project\'s root',
    ]);
  });
});

describe("a scheduler", () => {
  test("sends to a declared queue", () => {
    const services = { later: scheduler({ queue: "mails" }) };
    expect(faultsIn({ services, channels: { mails: queue() } })).toEqual([]);
    expect(faultsIn({ services, channels: { mails: topic() } })).toEqual([
      'service "later": queue "mails" is no declared queue; declare it in channels',
    ]);
  });
});

describe("a native resource", () => {
  const arn = "arn:aws:events:eu-central-1:111122223333:event-bus/partner";
  const faults = (parts: object) =>
    faultsIn({
      natives: {
        partner: native.aws({ arn, actions: ["events:PutEvents"], because: "x", ...parts }),
      },
    });

  test("is one resource, with the actions that code calls, and a reason", () => {
    expect(faults({})).toEqual([]);
  });

  test.each([
    [{ arn: `${arn}*` }, `arn "${arn}*"; give the whole ARN of one resource, without * or ?`],
    [{ arn: "partner" }, 'arn "partner"; give the whole ARN of one resource, without * or ?'],
    [{ actions: [] }, "has no actions; name those that code calls"],
    [{ actions: ["events:*"] }, 'action "events:*"; write one action, such as "events:PutEvents"'],
    [{ because: " " }, "says no because; say why no neutral port would do"],
  ])("%j is refused", (parts, fault) => {
    expect(faults(parts)).toEqual([`native "partner": ${fault}`]);
  });
});

describe("workloads that are started by one resource", () => {
  test("have a queue each", () => {
    const channels = { inbox: queue() };
    const workloads = { a: consumer({ queue: "inbox" }), b: consumer({ queue: "inbox" }) };
    expect(faultsIn({ channels, workloads })).toEqual([
      'workload "b": queue "inbox" belongs to workload "a" already, each message would reach one of them; give it a queue of its own, or a topic',
    ]);
  });

  test("share a topic", () => {
    const workloads = { a: consumer({ topic: "events" }), b: consumer({ topic: "events" }) };
    expect(faultsIn({ channels: { events: topic() }, workloads })).toEqual([]);
  });

  test("have prefixes of a store that do not overlap, as S3 asks", () => {
    const stores = { media: objectStore() };
    const on = (prefix: string) => onObject({ code, store: "media", prefix, load: load() });
    expect(faultsIn({ stores, workloads: { a: on("a/"), b: on("b/") } })).toEqual([]);
    expect(faultsIn({ stores, workloads: { a: on("a/"), b: on("a/b/") } })).toEqual([
      'workload "b": prefix "a/b/" of store "media" overlaps "a/" of workload "a"; let one of them pass it on through a queue',
    ]);
  });

  test("have names that no channel has, where they get a queue of their own", () => {
    const channels = { events: topic(), a: queue() };
    expect(faultsIn({ channels, workloads: { a: consumer({ topic: "events" }) } })).toEqual([
      'workload "a": channel "a" has the same name; rename one',
    ]);
  });
});

describe("packages", () => {
  test("are named as npm names them", () => {
    expect(
      faultsOfWorkload(api({ auth: "none", packages: ["sharp", "@img/sharp-linux-arm64"] })),
    ).toEqual([]);
    expect(faultsOfWorkload(api({ auth: "none", packages: ["../x", "a b"] }))).toEqual([
      'workload "w": package "../x"; give the name of an npm package, such as "sharp"',
      'workload "w": package "a b"; give the name of an npm package, such as "sharp"',
    ]);
  });
});
