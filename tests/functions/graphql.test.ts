import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { create } from "../../functions/graphql/index.ts";
import { create as createRest } from "../../functions/orders/index.ts";
import { prepareSql, sql } from "../../runtime/adapters/local/sql.ts";
import { hosted } from "../../runtime/entries/host.ts";
import {
  type ErrorCode,
  type JsonObject,
  PortError,
  type Queries,
  type Sql,
} from "../../runtime/ports/index.ts";
import { system } from "../../system.ts";
import { type SqlServer, startSqlServer } from "../contract/sql-server.ts";
import { memoryCache } from "./cache-fake.ts";
import { contextOf, jsonRequest, memoryTable, queueFake } from "./fakes.ts";

let server: SqlServer;
let ledger: Sql;
let close = async () => {};
beforeAll(async () => {
  server = await startSqlServer();
  const { url } = server;
  await prepareSql({ name: "ledger", url, migrations: "functions/orders/migrations" });
  const opened = sql({ name: "ledger", url, connections: 5 });
  ledger = opened;
  close = () => opened.close();
});
afterAll(async () => {
  await close();
  await server?.close();
});

interface Answer {
  readonly status: number;
  readonly data: JsonObject;
  readonly errors: readonly { readonly message: string; readonly extensions: JsonObject }[];
  readonly text: string;
}

const jsonOf = async (answer: Response) => (await answer.json()) as JsonObject;

let users = 0;

/** A user of their own, over GraphQL and REST; statements are counted. */
function setup({ queue }: { readonly queue?: ErrorCode } = {}) {
  users += 1;
  const user = `g-${users}`;
  const statements: string[] = [];
  const counting = (on: Queries): Queries["query"] => {
    return (text, values) => {
      statements.push(text);
      return on.query(text, values);
    };
  };
  const counted: Sql = {
    query: counting(ledger),
    transaction: (work) => ledger.transaction((tx) => work({ query: counting(tx) })),
  };
  const ports = {
    ledger: counted,
    catalog: memoryTable(),
    placed: queueFake(queue),
    live: memoryCache(),
  };
  const app = create(ports);
  const rest = createRest(ports);
  const answerOf = async (given: Response | Promise<Response>): Promise<Answer> => {
    const answer = await given;
    const text = await answer.text();
    const { data = {}, errors = [] } = JSON.parse(text);
    return { status: answer.status, data, errors, text };
  };
  return {
    ...ports,
    user,
    statements,
    app,
    ask: (query: string, variables: object = {}, sub = user) =>
      answerOf(app.fetch(jsonRequest("/graphql", { query, variables }), contextOf(sub))),
    get: (query: string) =>
      answerOf(
        app.fetch(
          new Request(`https://shop.example/graphql?query=${encodeURIComponent(query)}`),
          contextOf(user),
        ),
      ),
    restPost: (body: unknown, key: string) =>
      rest.fetch(jsonRequest("/api/v1/orders", body, { "idempotency-key": key }), contextOf(user)),
  };
}

const input = { items: [{ sku: "print-a4", quantity: 2 }], email: "ann@shop.example" };
const fields = "id status total { amount currency } items { sku quantity } placedAt";
const placing = `mutation Place($key: String!, $input: OrderInput!) { placeOrder(key: $key, input: $input) { ${fields} } }`;
const cancelling = `mutation Cancel($id: ID!) { cancelOrder(id: $id) { id status } }`;
const codesOf = ({ errors }: Answer) => errors.map(({ extensions }) => extensions.code);

describe("an order over GraphQL", () => {
  test("is the order over REST: one for a key, seen by both", async () => {
    const { ask, restPost, placed } = setup();
    const { status, data } = await ask(placing, { key: "k", input });
    expect(status).toBe(200);
    const order = data.placeOrder as JsonObject & { id: string };
    expect(order).toMatchObject({
      status: "placed",
      total: { amount: 2400, currency: "EUR" },
      items: input.items,
    });
    const again = await restPost(input, "k");
    expect([again.status, (await jsonOf(again)).id]).toEqual([201, order.id]);
    expect(placed.sent).toHaveLength(1);
    expect((await ask(`{ order(id: "${order.id}") { ${fields} } }`)).data.order).toEqual(order);
  });

  test("placed over REST is listed, in pages, the newest first", async () => {
    const { ask, restPost } = setup();
    const ids: string[] = [];
    for (let n = 0; n < 5; n++)
      ids.unshift(String((await jsonOf(await restPost(input, `k-${n}`))).id));
    const query =
      "query ($after: String) { orders(first: 2, after: $after) { cursor nodes { id } } }";
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = (await ask(query, { after })).data.orders as {
        cursor: string | null;
        nodes: { id: string }[];
      };
      seen.push(...page.nodes.map(({ id }) => id));
      after = page.cursor ?? undefined;
    } while (after);
    expect(seen).toEqual(ids);
    expect((await ask("{ orders { cursor nodes { id } } }")).data.orders).toMatchObject({
      cursor: null,
    });
  });

  test("is its owner's alone", async () => {
    const { ask } = setup();
    const { data } = await ask(placing, { key: "k", input });
    const { id } = data.placeOrder as { id: string };
    const stranger = "somebody else";
    expect((await ask(`{ order(id: "${id}") { id } }`, {}, stranger)).data.order).toBeNull();
    expect((await ask("{ orders { nodes { id } } }", {}, stranger)).data.orders).toEqual({
      nodes: [],
    });
    expect(codesOf(await ask(cancelling, { id }, stranger))).toEqual(["not-found"]);
  });

  test("is cancelled once, and not when it is packed", async () => {
    const { ask, catalog } = setup();
    const idOf = async (key: string) =>
      ((await ask(placing, { key, input })).data.placeOrder as { id: string }).id;
    const id = await idOf("k");
    for (const _ of [1, 2])
      expect((await ask(cancelling, { id })).data.cancelOrder).toEqual({ id, status: "cancelled" });
    expect((await ask(`{ order(id: "${id}") { status } }`)).data.order).toEqual({
      status: "cancelled",
    });
    const packed = await idOf("packed");
    await catalog.once(`FULFILMENT#${packed}`, (writes) =>
      writes.put({ pk: `ORDER#${packed}`, sk: "FULFILMENT" }, { status: "fulfilled" }),
    );
    expect(codesOf(await ask(cancelling, { id: packed }))).toEqual(["conflict"]);
  });

  test.each([
    [
      "a key of other things",
      { key: "used", input: { ...input, items: [{ sku: "print-a2", quantity: 1 }] } },
      "conflict",
      undefined,
    ],
    ["no key", { key: "", input }, "invalid", "key"],
    [
      "what is not sold",
      { key: "k", input: { ...input, items: [{ sku: "moon", quantity: 1 }] } },
      "invalid",
      "items.0.sku",
    ],
    [
      "too much of it",
      { key: "k", input: { ...input, items: [{ sku: "print-a4", quantity: 100 }] } },
      "invalid",
      "items.0.quantity",
    ],
    ["no address", { key: "k", input: { items: input.items, email: null } }, "invalid", "email"],
    ["nothing in it", { key: "k", input: { ...input, items: [] } }, "invalid", "items"],
  ])("with %s is refused as over REST", async (_, variables, code, field) => {
    const { ask, placed } = setup();
    await ask(placing, { key: "used", input });
    const { data, errors } = await ask(placing, variables);
    expect(data).toBeNull();
    expect(errors).toMatchObject([{ path: ["placeOrder"], extensions: { code } }]);
    if (field) expect(errors[0]?.extensions.errors).toMatchObject([{ field }]);
    expect(placed.sent).toHaveLength(1);
  });
});

describe("a page of orders", () => {
  test.each([
    ["first: 0", "first"],
    ["first: 101", "first"],
    ['after: "x"', "after"],
  ])("with %s is refused with the argument's name", async (page, field) => {
    const { errors } = await setup().ask(`{ orders(${page}) { cursor } }`);
    expect(errors).toMatchObject([{ extensions: { code: "invalid", errors: [{ field }] } }]);
  });
});

describe("products", () => {
  test("have their price, and the units that are left", async () => {
    const { ask, catalog } = setup();
    await catalog.put(
      { pk: "STOCK#camera-strap", sk: "UNITS" },
      { turn: "0000000000000003", sold: 3, holds: { co_1: 2 } },
    );
    const { data } = await ask("{ products { sku price { amount currency } available } }");
    const products = data.products as JsonObject[];
    expect(products).toHaveLength(5);
    expect(products).toContainEqual({
      sku: "camera-strap",
      price: { amount: 3450, currency: "EUR" },
      available: 35,
    });
    expect(products).toContainEqual(expect.objectContaining({ sku: "print-a4", available: null }));
    expect((await ask('{ product(sku: "moon") { sku } }')).data.product).toBeNull();
  });

  test("are shown where the cache is away", async () => {
    const { ask, live } = setup();
    live.state.fails = "unavailable";
    const { data } = await ask('{ product(sku: "first-edition") { available } }');
    expect(data.product).toEqual({ available: 1 });
  });
});

describe("what is asked for many times", () => {
  test("is read together: orders in one statement, a product's units once", async () => {
    const { ask, statements, catalog } = setup();
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) {
      const two = { ...input, items: [{ sku: "frame-oak", quantity: 1 }] };
      const { data } = await ask(placing, { key: `k-${n}`, input: two });
      ids.push((data.placeOrder as { id: string }).id);
    }
    statements.length = 0;
    const get = vi.spyOn(catalog, "get");
    const all = ids.map((id, n) => `o${n}: order(id: "${id}") { items { product { available } } }`);
    const { data } = await ask(`{ ${all.join(" ")} }`);
    expect(Object.keys(data)).toEqual(["o0", "o1", "o2"]);
    expect(statements).toHaveLength(1);
    statements.length = 0;
    await ask("{ orders { nodes { items { product { available } } } } }");
    expect(statements).toHaveLength(1);
    expect(get.mock.calls.length).toBeLessThanOrEqual(1);
  });
});

describe("an error", () => {
  test("that nobody foresaw says nothing of the inside, and is logged", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => log.mockRestore());
    const failing: Sql = {
      query: () => Promise.reject(new PortError("unavailable", "ledger: at secret-host")),
      transaction: () => Promise.reject(new Error("secret")),
    };
    const ports = {
      ledger: failing,
      catalog: memoryTable(),
      placed: queueFake(),
      live: memoryCache(),
    };
    const ask = async (query: string) =>
      jsonOf(await create(ports).fetch(jsonRequest("/graphql", { query }), contextOf("ann")));
    expect(await ask("{ orders { cursor } }")).toMatchObject({
      data: null,
      errors: [{ path: ["orders"], extensions: { code: "unavailable" } }],
    });
    const place = `mutation { placeOrder(key: "k", input: { items: [{ sku: "print-a4", quantity: 1 }], email: "a@shop.example" }) { id } }`;
    const answer = await ask(place);
    expect(answer.errors).toMatchObject([{ extensions: { code: "internal" } }]);
    expect(JSON.stringify(answer)).not.toMatch(/secret|stack|\.ts/);
    expect(log).toHaveBeenCalledTimes(2);
  });

  test("of GraphQL itself is the client's", async () => {
    const { ask } = setup();
    for (const query of [
      "{",
      "{ nothing }",
      '{ orders(first: "x") { cursor } }',
      "{ order { id } }",
    ])
      expect(codesOf(await ask(query))).toEqual(["invalid"]);
    expect(codesOf(await ask(placing, { key: 1, input: { items: "x" } })).length).toBeGreaterThan(
      0,
    );
  });

  test("without a token is a refusal", async () => {
    const { app } = setup();
    const answer = await app.fetch(
      jsonRequest("/graphql", { query: "{ products { sku } }" }),
      contextOf(),
    );
    expect((await jsonOf(answer)).errors).toMatchObject([{ extensions: { code: "denied" } }]);
  });
});

describe("what is not offered", () => {
  test("is a mutation by GET; a query is", async () => {
    const { get, placed } = setup();
    expect((await get("{ products { sku } }")).data.products).toHaveLength(5);
    const refused = await get(
      'mutation { placeOrder(key: "k", input: { items: [{ sku: "print-a4", quantity: 1 }], email: "a@shop.example" }) { id } }',
    );
    expect(refused.status).toBe(405);
    expect(placed.sent).toEqual([]);
  });

  test.each([
    ["introspection", "{ __schema { types { name } } }"],
    ["introspection of a type", '{ __type(name: "Order") { name } }'],
    ["subscriptions", "subscription { orders { cursor } }"],
  ])("is %s", async (_, query) => {
    const answer = await setup().ask(query);
    expect(answer.data ?? {}).toEqual({});
    expect(codesOf(answer)).toContain("invalid");
  });

  test("are several queries in one request, and other media types", async () => {
    const { app } = setup();
    const one = { query: "{ products { sku } }" };
    const several = await app.fetch(jsonRequest("/graphql", [one, one]), contextOf("ann"));
    expect(several.status).toBe(400);
    const form = new FormData();
    form.set("operations", JSON.stringify(one));
    const multipart = new Request("https://shop.example/graphql", { method: "POST", body: form });
    expect((await app.fetch(multipart, contextOf("ann"))).status).toBe(415);
  });

  test("is a page to try it on", async () => {
    const { app } = setup();
    const page = new Request("https://shop.example/graphql", { headers: { accept: "text/html" } });
    const answer = await app.fetch(page, contextOf("ann"));
    expect(answer.headers.get("content-type") ?? "").not.toContain("html");
    expect(answer.status).toBeGreaterThanOrEqual(400);
  });
});

describe("a query that asks for too much", () => {
  const nested = (depth: number) => `{ ${"a { ".repeat(depth)}a${" }".repeat(depth)} }`;
  const doubling = Array.from(
    { length: 40 },
    (_, n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`,
  ).join(" ");
  const page = (first: string) =>
    `query ($n: Int! = 1) { orders(first: ${first}) { nodes { items { sku product { sku available price { amount currency } } } } } }`;
  const cancels = (count: number) =>
    `mutation { ${Array.from({ length: count }, (_, n) => `a${n}: cancelOrder(id: 1) { id }`).join(" ")} }`;
  const bombs: readonly [string, string, string][] = [
    ["a depth bomb", nested(200), "depth"],
    ["a deeper one", nested(30_000), "longer"],
    [
      "a flood of aliases",
      `{ ${Array.from({ length: 200 }, (_, n) => `a${n}: __typename`).join(" ")} }`,
      "aliases",
    ],
    [
      "aliases in fragments",
      `{ ...A } fragment A on Query { ${"...B ".repeat(20)} } fragment B on Query { x: __typename }`,
      "aliases",
    ],
    ["a flood of directives", `{ __typename ${"@skip(if: false) ".repeat(100)} }`, "directives"],
    [
      "fragments that double",
      `{ ...F0 } ${doubling} fragment F40 on Query { x: __typename }`,
      "aliases",
    ],
    [
      "fragments in a circle",
      "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
      "contains itself",
    ],
    ["a fragment in itself", "fragment A on Query { ...A } { ...A }", "contains itself"],
    ["lists in lists", page("100"), "cost"],
    ["a page by a variable", page("$n"), "cost"],
    ["ten orders at once", cancels(10), "cost"],
    ["many tokens", `{ ${"a ".repeat(2_000)} }`, "token"],
    ["brackets", "[".repeat(9_000), "Syntax Error"],
    ["a value that is nested", `{ order(id: ${"[".repeat(900)}`, "Syntax Error"],
    ["a long name", `{ ${"a".repeat(20_000)} }`, "longer"],
  ];

  test.each(bombs)("is refused before it costs anything: %s", async (_, query, why) => {
    const { ask, statements } = setup();
    const answer = await ask(query);
    expect(codesOf(answer)).toEqual(["invalid"]);
    expect(answer.errors[0]?.message).toContain(why);
    expect(answer.text.length).toBeLessThan(1_000);
    expect(statements).toEqual([]);
  });

  test("is a page of 50 with their products at the most", async () => {
    const { ask } = setup();
    expect(codesOf(await ask(page("50").replace(/^.*?{/, "{")))).toEqual([]);
  });

  test("is nine orders at once at the most", async () => {
    const { ask } = setup();
    expect(codesOf(await ask(cancels(9)))).not.toContain("invalid");
  });

  test("leaves nothing behind, however often another comes", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const { ask } = setup();
    const heap = () => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const another = (n: number) => `{ __typename } # ${n} ${"x".repeat(9_900)}`;
    await ask(another(0));
    const before = heap();
    // 10 MB of documents.
    for (let n = 1; n <= 1_000; n++) expect(codesOf(await ask(another(n)))).toEqual([]);
    expect(heap() - before).toBeLessThan(5_000_000);
  });

  test("by its variables is refused field by field, up to a bound", async () => {
    const { ask } = setup();
    const many = { ...input, items: Array(2_000).fill({ sku: "print-a4", quantity: "x" }) };
    const answer = await ask(placing, { key: "k", input: many });
    expect(codesOf(answer).every((code) => code === "invalid")).toBe(true);
    expect(answer.errors.length).toBeLessThanOrEqual(51);
    let deep: object = {};
    for (let n = 0; n < 2_000; n++) deep = { items: [deep] };
    const nestedInput = await ask(placing, { key: "k", input: deep });
    expect(codesOf(nestedInput)).toContain("invalid");
    expect(nestedInput.text.length).toBeLessThan(10_000);
  });

  test("by its size is refused by the edge", async () => {
    const { app } = setup();
    const verify = async () => ({ sub: "ann" });
    const guarded = hosted(app, { ...system.workloads.graphql, verify });
    const request = jsonRequest(
      "/graphql",
      { query: "x".repeat(70_000) },
      { authorization: "Bearer t" },
    );
    expect((await guarded.fetch(request, contextOf())).status).toBe(413);
  });
});
