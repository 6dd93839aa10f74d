import { describe, expect, test } from "vitest";
import { create as activity } from "../../functions/activity/index.ts";
import { create as alerts } from "../../functions/alerts/index.ts";
import { create as audit } from "../../functions/audit/index.ts";
import { create as catalogFeed } from "../../functions/catalog-feed/index.ts";
import { create as fulfil } from "../../functions/fulfil/index.ts";
import { create as notify } from "../../functions/notify/index.ts";
import type { Json, JsonObject, TableChange } from "../../runtime/ports/index.ts";
import {
  chatFake,
  envelopeOf,
  mailerFake,
  memoryTable,
  messageOf,
  schedulerFake,
  topicFake,
} from "./fakes.ts";

const unusable: Json[] = [null, "x", 7, [], {}, { orderId: "o-1" }];

describe("fulfil", () => {
  const order = {
    orderId: "o-1",
    email: "ann@shop.example",
    items: [{ sku: "print-a4", quantity: 2 }],
    total: 2_400,
    currency: "EUR",
  };
  const row = "ORDER#o-1 / FULFILMENT";

  test("packs an order and tells the others", async () => {
    const [catalog, events] = [memoryTable(), topicFake()];
    await fulfil({ catalog, events })(messageOf(order));
    expect(catalog.at(row)).toMatchObject({ orderId: "o-1", items: order.items, status: "packed" });
    expect(events.published).toEqual([
      { type: "order.fulfilled", id: "order.fulfilled:o-1", data: { orderId: "o-1" } },
    ]);
  });

  test("packs it once, whoever else delivers it, and tells with one id", async () => {
    const [catalog, events] = [memoryTable(), topicFake()];
    const handle = fulfil({ catalog, events });
    await handle(messageOf(order));
    const first = catalog.at(row);
    await handle(messageOf({ ...order, items: [{ sku: "print-a2", quantity: 1 }] }));
    expect(catalog.at(row)).toEqual(first);
    expect(new Set(events.published.map(({ id }) => id)).size).toBe(1);
  });

  test("tells on the next delivery, where it ended between packing and telling", async () => {
    const [catalog, events] = [memoryTable(), topicFake("unavailable")];
    const handle = fulfil({ catalog, events });
    await expect(handle(messageOf(order))).rejects.toMatchObject({ code: "unavailable" });
    await handle(messageOf(order));
    expect(events.published).toHaveLength(1);
  });

  test.each<Json>([
    ...unusable,
    { ...order, orderId: "../o" },
    { ...order, items: [] },
    { ...order, items: [{ sku: "print-a4", quantity: 0 }] },
    { ...order, total: 1.5 },
    { ...order, version: 2 },
  ])("%j is no order: nothing is packed, nobody told", async (body) => {
    const [catalog, events] = [memoryTable(), topicFake()];
    await expect(fulfil({ catalog, events })(messageOf(body))).rejects.toMatchObject({
      code: "invalid",
    });
    expect([catalog.names(), events.published]).toEqual([[], []]);
  });
});

describe("activity", () => {
  const setup = () => {
    const ports = { catalog: memoryTable(), later: schedulerFake() };
    return { ...ports, handle: (body: Json) => activity(ports)(messageOf(body)) };
  };
  const paid = envelopeOf({
    id: "evt_1",
    at: "2026-11-20T23:59:59Z",
    data: { orderId: "o-1", amount: 100, currency: "EUR", email: "ann@shop.example" },
  });

  test("keeps an event in the partition of its day, once however often it comes", async () => {
    const { catalog, handle } = setup();
    await handle(paid);
    await handle({ ...paid, at: "2026-11-21T00:00:04Z" });
    expect(catalog.names()).toEqual(["ACTIVITY#2026-11-20 / 2026-11-20T23:59:59.000Z#evt_1"]);
    expect(catalog.at(catalog.names()[0] ?? "")).toEqual({
      id: "evt_1",
      type: "order.paid",
      at: "2026-11-20T23:59:59.000Z",
      data: paid.data,
    });
  });

  test("asks for a review a week after a payment, with a mail that can be sent", async () => {
    const { later, handle } = setup();
    await handle(paid);
    await handle(paid);
    expect([...later.scheduled.keys()]).toEqual(["review-o-1"]);
    const { at, body } = later.scheduled.get("review-o-1") ?? {};
    expect(at).toEqual(new Date("2026-11-27T23:59:59Z"));
    const mailer = mailerFake();
    await notify({ mailer, chat: chatFake() })(messageOf(body ?? null));
    expect(mailer.mails).toMatchObject([{ to: "ann@shop.example", id: "review-o-1" }]);
  });

  test("asks on the next delivery, where it ended between keeping and asking", async () => {
    const ports = { catalog: memoryTable(), later: schedulerFake("unavailable") };
    const handle = activity(ports);
    await expect(handle(messageOf(paid))).rejects.toMatchObject({ code: "unavailable" });
    await handle(messageOf(paid));
    expect([...ports.later.scheduled.keys()]).toEqual(["review-o-1"]);
  });

  test.each<[string, Json]>([
    ["another event", envelopeOf({ type: "order.placed", data: paid.data })],
    ["a payment without an address", envelopeOf({ data: { orderId: "o-1" } })],
  ])("asks nobody after %s", async (_, body) => {
    const { catalog, later, handle } = setup();
    await handle(body);
    expect([catalog.names().length, later.scheduled.size]).toEqual([1, 0]);
  });

  test.each(["o".repeat(80), "o/1 ü"])(
    "finds an id that schedulers take for %s",
    async (orderId) => {
      const { later, handle } = setup();
      await handle(envelopeOf({ data: { orderId, email: "ann@shop.example" } }));
      expect([...later.scheduled.keys()]).toEqual([expect.stringMatching(/^review-[\da-f]{40}$/)]);
    },
  );

  test.each<Json>([
    ...unusable,
    envelopeOf({ at: "yesterday" }),
    envelopeOf({ data: [] }),
    envelopeOf({ data: { orderId: "o-1", email: "ann" } }),
  ])("%j is no event that is known", async (body) => {
    const { catalog, handle } = setup();
    await expect(handle(body)).rejects.toMatchObject({ code: "invalid" });
    expect(catalog.names()).toEqual([]);
  });
});

describe("alerts", () => {
  test("a payment that failed is posted, without giving its words a meaning", async () => {
    const chat = chatFake();
    const data = { orderId: "o-1", reason: "<!channel> & co" };
    await alerts({ chat })(messageOf(envelopeOf({ type: "payment.failed", data })));
    expect(chat.posts).toEqual([
      { text: "Payment of order o-1 failed: &lt;!channel&gt; &amp; co" },
    ]);
  });

  test("a chat that cannot be reached leaves it to the next delivery", async () => {
    const body = envelopeOf({ type: "payment.failed", data: { orderId: "o-1", reason: "x" } });
    const post = alerts({ chat: chatFake("unavailable") })(messageOf(body));
    await expect(post).rejects.toMatchObject({ code: "unavailable" });
  });

  test.each<Json>([...unusable, envelopeOf({ data: {} })])(
    "%j is no failed payment",
    async (body) => {
      const chat = chatFake();
      await expect(alerts({ chat })(messageOf(body))).rejects.toMatchObject({ code: "invalid" });
      expect(chat.posts).toEqual([]);
    },
  );
});

describe("audit", () => {
  const fact = envelopeOf({
    type: "webhook.received",
    at: "2026-11-20T10:00:00Z",
    data: { source: "github", eventId: "d-1" },
  });

  test("keeps a fact as it came, once", async () => {
    const catalog = memoryTable();
    await audit({ catalog })(messageOf(fact));
    await audit({ catalog })(messageOf(fact));
    expect(catalog.names()).toEqual(["AUDIT#2026-11-20 / 2026-11-20T10:00:00.000Z#e-1"]);
    expect(catalog.at(catalog.names()[0] ?? "")).toEqual(fact);
  });

  test.each<Json>([...unusable, { ...fact, id: "" }, { ...fact, more: 1 }])(
    "%j is no fact",
    async (body) => {
      const catalog = memoryTable();
      await expect(audit({ catalog })(messageOf(body))).rejects.toMatchObject({ code: "invalid" });
      expect(catalog.names()).toEqual([]);
    },
  );
});

describe("what changes in the catalog", () => {
  const change = (pk: string, sk: string, documents: Partial<TableChange>): TableChange => ({
    id: "00042",
    key: { pk, sk },
    at: new Date(),
    ...documents,
  });
  const document: JsonObject = { name: "Ann" };

  test.each<[string, TableChange, unknown]>([
    [
      "a new profile is a new user",
      change("USER#u-1", "PROFILE", { after: document }),
      { type: "user.created", data: { userId: "u-1" } },
    ],
    [
      "a picture's sizes are ready",
      change("IMAGE#uploads/a#b\nc.png", "META", { after: document }),
      { type: "image.ready", data: { key: "uploads/a#b\nc.png" } },
    ],
    [
      "a newer version of it is ready too",
      change("IMAGE#uploads/a.png", "META", { before: document, after: document }),
      { type: "image.ready", data: { key: "uploads/a.png" } },
    ],
  ])("%s", async (_, given, event) => {
    const events = topicFake();
    await catalogFeed({ events })(given);
    await catalogFeed({ events })(given);
    const published = { ...(event as object), id: "catalog:00042" };
    expect(events.published).toEqual([published, published]);
  });

  test.each<[string, TableChange]>([
    ["a changed profile", change("USER#u-1", "PROFILE", { before: document, after: document })],
    ["a removed profile", change("USER#u-1", "PROFILE", { before: document })],
    ["a removed picture", change("IMAGE#a", "META", { before: document })],
    ["a scan", change("IMAGE#a", "SCAN", { after: document })],
    ["somebody nameless", change("USER#", "PROFILE", { after: document })],
    ["anything else", change("ORDER#o-1", "PAYMENT", { after: document })],
  ])("%s is told to nobody", async (_, given) => {
    const events = topicFake();
    await catalogFeed({ events })(given);
    expect(events.published).toEqual([]);
  });
});
