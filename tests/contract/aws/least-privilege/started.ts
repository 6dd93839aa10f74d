import sharp from "sharp";
import { create as createActivity } from "../../../../functions/activity/index.ts";
import { create as createAlerts } from "../../../../functions/alerts/index.ts";
import { create as createAudit } from "../../../../functions/audit/index.ts";
import { create as createCatalogFeed } from "../../../../functions/catalog-feed/index.ts";
import { create as createCheckout } from "../../../../functions/checkout/index.ts";
import { create as createClassify } from "../../../../functions/classify/index.ts";
import { create as createClickstream } from "../../../../functions/clickstream/index.ts";
import { create as createDailyReport } from "../../../../functions/daily-report/index.ts";
import { create as createFulfil } from "../../../../functions/fulfil/index.ts";
import { create as createNightlyCleanup } from "../../../../functions/nightly-cleanup/index.ts";
import { create as createNotify } from "../../../../functions/notify/index.ts";
import { create as createReportJob } from "../../../../functions/report-job/index.ts";
import { create as createThumbnails } from "../../../../functions/thumbnails/index.ts";
import { create as createWebhookEvents } from "../../../../functions/webhook-events/index.ts";
import type { JsonObject, StepHandler } from "../../../../runtime/ports/index.ts";
import { message, type Scenarios, user } from "./scenario.ts";

const at = "2026-11-20T09:00:00.000Z";
const delivery = { id: "delivery-1", receives: 1 };
const ordered = { items: [{ sku: "camera-strap", quantity: 1 }], source: "tok_ok" };

/** Workloads that events start, and executions. */
export const started = {
  async notify(ports) {
    const handle = createNotify(ports);
    await handle(message({ template: "code", to: user.email, data: { code: "123456" } }));
    await handle(message({ chat: { text: "hello" } }));
  },

  async thumbnails(ports, world) {
    const key = "uploads/ada/1/a.png";
    const create = { width: 8, height: 8, channels: 3, background: "red" } as const;
    await world.media.put(key, await sharp({ create }).png().toBuffer());
    const { bytes = 0, etag = "" } = (await world.media.get(key)) ?? {};
    await createThumbnails(ports)({ key, bytes, etag, version: "1" }, delivery);
  },

  async classify(ports, world) {
    const small = "processed/thumb/ada/1/a.png.webp";
    const create = { width: 8, height: 8, channels: 3, background: "red" } as const;
    await world.media.put(small, await sharp({ create }).webp().toBuffer());
    const handle = await createClassify(ports);
    await handle(message({ key: "uploads/ada/1/a.png", etag: "e", version: "1", small }));
  },

  async webhookEvents(ports) {
    const handle = createWebhookEvents(ports);
    const webhook = { receivedAt: at, contentType: "application/json", encoding: "utf-8" };
    const intent = {
      amount: 1200,
      currency: "eur",
      metadata: { order_id: "order-1" },
      receipt_email: user.email,
    };
    const paid = { id: "evt_1", type: "payment_intent.succeeded", created: 1_800_000_000 };
    const body = JSON.stringify({ ...paid, data: { object: intent } });
    await handle(message({ ...webhook, source: "stripe", eventId: "evt_1", body }));
    await handle(message({ ...webhook, source: "github", eventId: "g-1", body: "{}" }));
  },

  async fulfil(ports) {
    const { items } = ordered;
    const order = { orderId: "order-2", email: user.email, items, total: 1, currency: "EUR" };
    await createFulfil(ports)(message(order));
    // Delivered again, it looks whether the order was cancelled meanwhile.
    await createFulfil(ports)(message(order));
  },

  async activity(ports) {
    const data = { orderId: "order-3", amount: 1, currency: "EUR", email: user.email };
    const now = new Date().toISOString();
    const paid = message({ id: "event-1", type: "order.paid", source: "shop", at: now, data });
    await createActivity(ports)(paid);
    // Delivered again, it moves its schedule.
    await createActivity(ports)(paid);
  },

  async alerts(ports) {
    const data = { orderId: "order-4", reason: "card_declined" };
    const failed = { id: "event-2", type: "payment.failed", source: "shop", at, data };
    await createAlerts(ports)(message(failed));
  },

  async audit(ports) {
    const fact = { id: "fact-1", type: "webhook.received", source: "shop", at, data: {} };
    await createAudit(ports)(message(fact));
  },

  async catalogFeed(ports) {
    const key = { pk: "USER#ada", sk: "PROFILE" };
    await createCatalogFeed(ports)({ id: "1", key, after: { name: "Ada" }, at: new Date(at) });
  },

  async clickstream(ports) {
    const body = { page: "/", session: "s1", at };
    const record = { sequence: "1", key: "s1", body, at: new Date(at) };
    await createClickstream(ports)({ shard: "shard-1", records: [record] });
  },

  async dailyReport(ports) {
    await createDailyReport(ports)({ scheduledAt: new Date("2026-11-21T05:00:00Z") }, delivery);
  },

  async nightlyCleanup(ports, world) {
    const key = "uploads/ada/2/a.png";
    await world.media.put(key, "never an image");
    const expired = "2020-01-01T00:00:00.000Z";
    await world.catalog.put({ pk: "UPLOADS", sk: `${expired}#2` }, { id: "2", key });
    await createNightlyCleanup(ports)({ scheduledAt: new Date() }, delivery);
    if (await world.media.get(key)) throw new Error(`${key} is still there`);
  },

  async checkout(ports) {
    const steps = createCheckout(ports);
    const input = { ...ordered, email: user.email };
    /** What the state machine would do with these steps, each in its turn. */
    const run = async (id: string, names: readonly (keyof typeof steps)[], failed?: JsonObject) => {
      const results: Record<string, JsonObject> = {};
      for (const name of names) {
        const step: StepHandler = steps[name];
        const context = { id, input, results, ...(failed && { failed: failed as never }) };
        results[name] = ((await step(context)) ?? null) as JsonObject;
      }
    };
    await run("checkout-1", ["validate", "reserve", "pay", "confirm"]);
    const compensated = ["validate", "reserve", "refund", "release", "apologise"] as const;
    await run("checkout-2", compensated, { step: "pay", reason: "declined" });
  },

  async reportJob(ports, world) {
    const span = { from: "2026-11-20", to: "2026-11-20" };
    const row = { id: "report-2", owner: "ada", email: user.email, ...span, at };
    await world.catalog.put(
      { pk: "REPORT#report-2", sk: "META" },
      { ...row, status: "queued", progress: 0, stage: "0" },
    );
    const { signal } = new AbortController();
    await createReportJob(ports)(message({ reportId: "report-2" }), { signal });
    const mails = (await world.received("mails")) as readonly {
      readonly template: string;
      readonly data: { readonly url: string };
    }[];
    const mail = mails.find(({ template }) => template === "report");
    await world.follow(mail?.data.url ?? "no mail has a link");
  },
} satisfies Scenarios;
