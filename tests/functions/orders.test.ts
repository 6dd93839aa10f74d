import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { create as fulfil } from "../../functions/fulfil/index.ts";
import { create as relay } from "../../functions/order-relay/index.ts";
import { create as updates } from "../../functions/order-updates/index.ts";
import { create } from "../../functions/orders/index.ts";
import { create as presence } from "../../functions/presence/index.ts";
import { prepareSql, sql } from "../../runtime/adapters/local/sql.ts";
import { backoffSeconds } from "../../runtime/entries/outcome.ts";
import {
  type ErrorCode,
  type EventEnvelope,
  type Json,
  type JsonObject,
  type Peer,
  PortError,
  type Queue,
  type Sql,
} from "../../runtime/ports/index.ts";
import { sourceOf } from "../../spec/index.ts";
import { system } from "../../system.ts";
import { type SqlServer, startSqlServer } from "../contract/sql-server.ts";
import { memoryCache } from "./cache-fake.ts";
import {
  contextOf,
  envelopeOf,
  jsonRequest,
  memoryTable,
  messageOf,
  queueFake,
  topicFake,
} from "./fakes.ts";

let server: SqlServer;
let ledger: Sql;
beforeAll(async () => {
  server = await startSqlServer();
  const { url } = server;
  await prepareSql({ name: "ledger", url, migrations: "functions/orders/migrations" });
  const opened = sql({ name: "ledger", url, connections: 5 });
  ledger = opened;
  close = () => opened.close();
});
let close = async () => {};
afterAll(async () => {
  await close();
  await server?.close();
});

const order = { items: [{ sku: "print-a4", quantity: 2 }], email: "ann@shop.example" };
const path = "/api/v1/orders";
let users = 0;

/** A user of their own, so that tests share the database without meeting. */
function setup<Placed extends Pick<Queue, "send"> = ReturnType<typeof queueFake>>({
  queue,
  placed = queueFake(queue) as unknown as Placed,
}: {
  readonly queue?: ErrorCode;
  readonly placed?: Placed;
} = {}) {
  users += 1;
  const user = `u-${users}`;
  const catalog = memoryTable();
  const app = create({ ledger, catalog, placed });
  const answerOf = async (given: Response | Promise<Response>) => {
    const answer = await given;
    const text = await answer.text();
    const json = (text === "" ? {} : JSON.parse(text)) as JsonObject;
    return { status: answer.status, headers: answer.headers, json };
  };
  const ask = (method: string, at: string, sub = user) =>
    answerOf(app.fetch(new Request(`https://shop.example${at}`, { method }), contextOf(sub)));
  return {
    placed,
    catalog,
    user,
    post: (body: unknown = order, key = "k-1", sub = user) =>
      answerOf(
        app.fetch(
          jsonRequest(path, body, key === "" ? {} : { "idempotency-key": key }),
          contextOf(sub),
        ),
      ),
    get: (at: string, sub?: string) => ask("GET", `${path}${at}`, sub),
    cancel: (id: Json | undefined) => ask("DELETE", `${path}/${id}`),
  };
}
/** Orders of a user whose message nobody has sent yet. */
const waiting = async (user: string) =>
  (
    await ledger.query(
      "select 1 from outbox join orders on orders.id = order_id where owner = $1",
      [user],
    )
  ).length;

describe("an order", () => {
  test("is stored at today's prices, and handed on", async () => {
    const { post, get, placed, user } = setup();
    const { status, headers, json } = await post();
    expect(status).toBe(201);
    expect(headers.get("location")).toBe(`${path}/${json.id}`);
    expect(json).toMatchObject({
      status: "placed",
      items: order.items,
      total: 2400,
      currency: "EUR",
    });
    expect(placed.sent).toEqual([{ orderId: json.id, ...order, total: 2400, currency: "EUR" }]);
    expect(await waiting(user)).toBe(0);
    expect((await get(`/${json.id}`)).json).toEqual(json);
  });

  test("is one for a key, however often and however fast it is sent", async () => {
    const { post, placed } = setup();
    const answers = [...(await Promise.all([post(), post(), post()])), await post()];
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    expect(placed.sent).toHaveLength(1);
  });

  test("is another for another key, and for another user's same key", async () => {
    const { post } = setup();
    const answers = [await post(), await post(order, "k-2"), await post(order, "k-1", "somebody")];
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(3);
  });

  test("of other things with a key that was used is a 409", async () => {
    const { post, placed } = setup();
    await post();
    const other = { ...order, items: [{ sku: "print-a2", quantity: 1 }] };
    expect(await post(other)).toMatchObject({ status: 409, json: { code: "conflict" } });
    expect(placed.sent).toHaveLength(1);
  });

  test.each([
    ["no key", order, "", "Idempotency-Key"],
    ["nothing in it", { ...order, items: [] }, "k", "items"],
    ["what is not sold", { ...order, items: [{ sku: "moon", quantity: 1 }] }, "k", "items.0.sku"],
    [
      "half of one",
      { ...order, items: [{ sku: "print-a4", quantity: 0.5 }] },
      "k",
      "items.0.quantity",
    ],
    ["one thing twice", { ...order, items: [...order.items, ...order.items] }, "k", "items.1.sku"],
    ["no address", { items: order.items }, "k", "email"],
    ["a price of its own", { ...order, total: 1 }, "k", "total"],
  ])("with %s is a 400 that names the field", async (_, body, key, field) => {
    const { post, placed } = setup();
    const { status, json } = await post(body, key);
    expect([status, json.errors]).toMatchObject([400, [{ field }]]);
    expect(placed.sent).toEqual([]);
  });

  test("is its owner's alone", async () => {
    const { post, get } = setup();
    const { json } = await post();
    expect((await get(`/${json.id}`, "somebody else")).status).toBe(404);
    expect((await get("/or_nothing")).status).toBe(404);
  });
});

describe("the list", () => {
  test("has each order once, the newest first, whatever the size of its pages", async () => {
    const { post, get, user } = setup();
    for (let n = 0; n < 7; n++) await post(order, `k-${n}`);
    // Placed in one moment: the id decides.
    await ledger.query(
      "update orders set placed_at = '2026-11-21T10:00:00.123456Z' where owner = $1",
      [user],
    );
    const last = (await post(order, "newest")).json.id;
    const all = (await get("?limit=100")).json.orders as { id: string }[];
    expect(all).toHaveLength(8);
    expect(all[0]?.id).toBe(last);
    for (const limit of [1, 3, 7, 8]) {
      const ids: string[] = [];
      let cursor: Json | undefined;
      do {
        const page = await get(`?limit=${limit}${cursor ? `&cursor=${cursor}` : ""}`);
        ids.push(...(page.json.orders as { id: string }[]).map(({ id }) => id));
        cursor = page.json.cursor;
      } while (cursor);
      expect(ids).toEqual(all.map(({ id }) => id));
    }
  });

  test.each(["limit=0", "limit=101", "limit=ten", "cursor=x", "cursor=MjAyNi05OS05OQ"])(
    "with %s is a 400 that names the parameter",
    async (query) => {
      const { status, json } = await setup().get(`?${query}`);
      expect([status, json.errors]).toMatchObject([400, [{ field: query.split("=")[0] }]]);
    },
  );
});

describe("a message of an order", () => {
  test("waits with it where the queue is away, and is sent later, once", async () => {
    const { post, user, placed } = setup({ queue: "unavailable" });
    const { status, json } = await post();
    expect([status, placed.sent, await waiting(user)]).toEqual([201, [], 1]);
    const back = queueFake();
    const run = () =>
      relay({ ledger, placed: back })({ scheduledAt: new Date() }, { id: "r", receives: 1 });
    await Promise.all([run(), run(), run()]);
    expect(back.sent).toMatchObject([{ orderId: json.id }]);
    expect(await waiting(user)).toBe(0);
  });

  test("stays where the relay dies before its removal is stored", async () => {
    const { post, user } = setup({ queue: "unavailable" });
    await post();
    const sent: Json[] = [];
    const dying: Sql = {
      ...ledger,
      transaction: (work) =>
        ledger.transaction(async (tx) => {
          await work(tx);
          throw new PortError("unavailable", "ledger: killed");
        }),
    };
    const placed = { send: async (body: Json) => ({ id: String(sent.push(body)) }) };
    const dead = relay({ ledger: dying, placed })(
      { scheduledAt: new Date() },
      { id: "r", receives: 1 },
    );
    await expect(dead).rejects.toMatchObject({ code: "unavailable" });
    expect(sent).toHaveLength(1);
    expect(await waiting(user)).toBe(1);
  });
});

describe("where the queue hangs", () => {
  /** A queue that says nothing until the test does. */
  function hanging() {
    const asked: PromiseWithResolvers<{ id: string }>[] = [];
    return {
      asked,
      send: () => {
        const answer = Promise.withResolvers<{ id: string }>();
        asked.push(answer);
        return answer.promise;
      },
    };
  }
  const runRelay = async () => {
    const placed = queueFake();
    await relay({ ledger, placed })({ scheduledAt: new Date() }, { id: "r", receives: 1 });
    return placed.sent.map((message) => (message as JsonObject).orderId);
  };
  // What the tests before left.
  beforeEach(async () => void (await runRelay()));
  /** All at once; the ledger has five connections. */
  const many = async (post: ReturnType<typeof setup>["post"], count: number) => {
    const since = performance.now();
    const answers = await Promise.all(
      Array.from({ length: count }, (_, n) => post(order, `k-${n}`)),
    );
    return { ids: answers.map(({ json }) => json.id), answers, ms: performance.now() - since };
  };

  test("orders are answered soon, the list too, and the relay sends each", async () => {
    const placed = hanging();
    const { post, get, user } = setup({ placed });
    const pending = many(post, 12);
    await expect.poll(() => placed.asked.length).toBe(12);
    const since = performance.now();
    expect((await get("")).status).toBe(200);
    expect(performance.now() - since).toBeLessThan(1_000);
    const { answers, ids, ms } = await pending;
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(ms).toBeLessThan(3_000);
    expect(await waiting(user)).toBe(12);
    expect((await runRelay()).sort()).toEqual(ids.sort());
    // What was sent by the relay meanwhile is there no more, which harms nobody.
    for (const { resolve } of placed.asked) resolve({ id: "late" });
    expect(await waiting(user)).toBe(0);
    expect(await runRelay()).toEqual([]);
  });

  test("what it takes after the answer is removed; what it refuses then is sent later", async () => {
    const placed = hanging();
    const { post, user } = setup({ placed });
    const { ids } = await many(post, 2);
    placed.asked[0]?.resolve({ id: "late" });
    placed.asked[1]?.reject(new PortError("unavailable", "queue: no answer"));
    await expect.poll(() => waiting(user)).toBe(1);
    const [left] = await runRelay();
    expect(ids).toContain(left);
    expect(await waiting(user)).toBe(0);
  });

  test("nobody waits for a relay that holds what is to be removed", async () => {
    const [placed, slow] = [hanging(), hanging()];
    const { post, get, user } = setup({ placed });
    await many(post, 6);
    const run = relay({ ledger, placed: slow })(
      { scheduledAt: new Date() },
      { id: "r", receives: 1 },
    );
    await expect.poll(() => slow.asked.length).toBe(6);
    for (const { resolve } of placed.asked) resolve({ id: "late" });
    // Their removals come first.
    await sleep(50);
    expect((await get("")).status).toBe(200);
    for (const { resolve } of slow.asked) resolve({ id: "relayed" });
    await run;
    expect(await waiting(user)).toBe(0);
  });

  test("no more than 50 wait for it at a time; the others are left to the relay", async () => {
    const placed = hanging();
    const { post, user } = setup({ placed });
    const { answers } = await many(post, 60);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(placed.asked).toHaveLength(50);
    expect(await waiting(user)).toBe(60);
    expect(await runRelay()).toHaveLength(60);
    for (const { resolve } of placed.asked) resolve({ id: "late" });
  });
});

describe("an order that is cancelled", () => {
  const pack = (catalog: ReturnType<typeof memoryTable>, message: Json) => {
    const events = topicFake();
    return fulfil({ catalog, events })(messageOf(message)).then(() => events.published);
  };

  test("is packed by nobody, and tells nobody that it was", async () => {
    const { post, get, cancel, placed, catalog } = setup();
    const { json } = await post();
    expect((await cancel(json.id)).status).toBe(204);
    expect((await get(`/${json.id}`)).json.status).toBe("cancelled");
    expect(await pack(catalog, placed.sent[0] as Json)).toEqual([]);
    expect(catalog.at(`ORDER#${json.id} / FULFILMENT`)).toMatchObject({ status: "cancelled" });
    expect((await cancel(json.id)).status).toBe(204);
  });

  test("too late is a 409: it is packed", async () => {
    const { post, get, cancel, placed, catalog } = setup();
    const { json } = await post();
    expect(await pack(catalog, placed.sent[0] as Json)).toHaveLength(1);
    expect((await cancel(json.id)).status).toBe(409);
    expect((await get(`/${json.id}`)).json.status).toBe("placed");
  });
});

describe("what happened to an order", () => {
  const fulfilled = (orderId: Json | undefined) =>
    messageOf({ type: "order.fulfilled", data: { orderId: orderId as string } });

  test("is in the ledger, and kept for who watches, under one id on each delivery", async () => {
    const { post, get, user } = setup();
    const { json } = await post();
    const live = memoryCache();
    const { position } = await live.since(`orders:${user}`, { ttlSeconds: 60 });
    for (const _ of [1, 2]) await updates({ ledger, live })(fulfilled(json.id));
    expect((await get(`/${json.id}`)).json.status).toBe("fulfilled");
    const { entries } = await live.since(`orders:${user}`, { after: position, ttlSeconds: 60 });
    const value = { id: `${json.id}:fulfilled`, type: "order.fulfilled", orderId: json.id };
    expect(entries).toMatchObject([{ value }, { value }]);
  });

  test("is told to its owner's sockets, once, and to those that come back", async () => {
    const { post, user, placed, catalog } = setup();
    const live = memoryCache();
    const sockets = presence({ live });
    const enter = async (after?: Json) => {
      const told: JsonObject[] = [];
      const peer: Peer = {
        id: `${Math.random()}`,
        claims: { sub: user },
        buffered: 0,
        send: (message) => told.push(message as JsonObject) > 0,
        drained: async () => true,
        close: () => {},
      };
      await sockets.message(peer, { type: "join", room: "orders", ...(after && { after }) });
      return told;
    };
    const told = await enter();
    const { json } = await post();
    const events = topicFake();
    await fulfil({ catalog, events })(messageOf(placed.sent[0] as Json));
    const [event] = events.published;
    for (const _ of [1, 2])
      await updates({ ledger, live })(messageOf(envelopeOf(event as Partial<EventEnvelope>)));
    const arrived = { type: "message", room: "orders", message: { orderId: json.id } };
    await expect.poll(() => told.slice(1)).toMatchObject([arrived]);
    const back = await enter(told[0]?.position);
    expect(back).toMatchObject([{ type: "joined", lost: false }, arrived]);
    await sockets.stop?.();
  });

  test("of another origin is nothing to it", async () => {
    const live = memoryCache();
    await updates({ ledger, live })(fulfilled("co_1"));
    expect(live.logs()).toEqual([]);
  });

  test("is noted though nobody can be told, and told after ten minutes without a cache", async () => {
    const { post, get, user } = setup();
    const { json } = await post();
    const live = memoryCache();
    live.state.fails = "unavailable";
    const update = (receives: number) =>
      updates({ ledger, live })({ ...fulfilled(json.id), receives });
    const source = sourceOf(system, "orderUpdates");
    const most = source?.via === "queue" ? source.options.maxReceives : 0;
    let [receives, seconds] = [1, 0];
    for (; seconds < 600 && receives < most; receives++) {
      await expect(update(receives)).rejects.toMatchObject({ code: "unavailable" });
      seconds += backoffSeconds(receives);
    }
    expect(seconds).toBeGreaterThanOrEqual(600);
    expect((await get(`/${json.id}`)).json.status).toBe("fulfilled");
    live.state.fails = undefined;
    await update(receives);
    expect(live.logs()).toEqual([`orders:${user}`]);
  });

  test("that is no event is set aside", async () => {
    const live = memoryCache();
    await expect(updates({ ledger, live })(messageOf({ type: "x" }))).rejects.toMatchObject({
      code: "invalid",
    });
  });
});
