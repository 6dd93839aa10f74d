import { createHmac, randomUUID } from "node:crypto";
import { PutRecordCommand } from "@aws-sdk/client-kinesis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sendDue } from "../contract/aws/scheduler-service.ts";
import { type Receiver, startReceiver } from "../contract/suites/receiver.ts";
import { Cloud } from "./cloud.ts";
import { mailsTo } from "./mailbox.ts";
import { readChanges, readStream, settle } from "./sources.ts";

const dayMs = 86_400_000;
const today = () => new Date().toISOString().slice(0, 10);

describe("what happens in one place reaches the others", () => {
  let cloud: Cloud;
  let slack: Receiver;
  beforeAll(async () => {
    slack = await startReceiver();
    cloud = await Cloud.start({ secrets: { "slack-url": `${slack.url}/services/T0/B0/hush` } });
  });
  afterAll(async () => {
    await cloud?.stop();
    await slack?.close();
  });

  /** As an HTTP API hands a request over: payload format 2.0 (API Gateway Developer Guide). */
  const post = async (workload: string, path: string, body: string, headers: object = {}) =>
    (await cloud.invoke(workload, {
      version: "2.0",
      routeKey: "$default",
      rawPath: path,
      rawQueryString: "",
      headers: { "content-type": "application/json", host: "edge-id.example", ...headers },
      requestContext: {
        accountId: "123456789012",
        apiId: "edge-id",
        domainName: "edge-id.execute-api.eu-central-1.amazonaws.com",
        http: { method: "POST", path, protocol: "HTTP/1.1", sourceIp: "203.0.113.7" },
        requestId: randomUUID(),
        stage: "$default",
        timeEpoch: Date.now(),
      },
      body,
      isBase64Encoded: false,
    })) as { readonly statusCode: number; readonly body: string };

  const fromStripe = (event: object) => {
    const body = JSON.stringify(event);
    const time = Math.floor(Date.now() / 1000);
    const key = "value-of-stripe-webhook";
    const sum = createHmac("sha256", key).update(`${time}.${body}`).digest("hex");
    return post("webhooks", "/webhooks/stripe", body, {
      "stripe-signature": `t=${time},v1=${sum}`,
    });
  };
  const intent = (type: string, id: string, object: object) => ({
    id,
    type,
    created: Math.floor(Date.now() / 1000),
    data: { object: { amount: 2_400, currency: "eur", ...object } },
  });
  const noFailures = (batches: readonly { readonly answer: unknown }[]) => {
    expect(batches.length).toBeGreaterThan(0);
    for (const { answer } of batches) expect(answer).toEqual({ batchItemFailures: [] });
  };

  test("a webhook that is not signed so is refused, and stored nowhere", async () => {
    const headers = { "x-hub-signature-256": `sha256=${"0".repeat(64)}` };
    const refused = await post("webhooks", "/webhooks/github", "{}", headers);
    expect(refused.statusCode).toBe(401);
    expect(await settle(cloud, "webhookEvents")).toEqual([]);
  });

  test("a webhook becomes a fact on the bus, and by its rule a row of the audit", async () => {
    const body = JSON.stringify({ action: "opened", zen: "Grüße" });
    const sum = createHmac("sha256", "value-of-github-webhook").update(body).digest("hex");
    const headers = { "x-hub-signature-256": `sha256=${sum}`, "x-github-delivery": "d-1" };
    const answer = await post("webhooks", "/webhooks/github", body, headers);
    expect(answer.statusCode).toBe(200);
    const { eventId } = JSON.parse(answer.body);
    noFailures(await settle(cloud, "webhookEvents"));
    noFailures(await settle(cloud, "audit"));

    const recorded = await cloud.documents(`WEBHOOK#github#${eventId}`);
    expect(recorded.EVENT).toMatchObject({ source: "github", body });
    const facts = Object.values(await cloud.documents(`AUDIT#${today()}`));
    expect(facts).toEqual([
      expect.objectContaining({
        type: "webhook.received",
        source: "storefront",
        data: { source: "github", eventId },
      }),
    ]);
  });

  test("a payment reaches the activity, which has a review asked for a week later", async () => {
    const orderId = `paid-${randomUUID().slice(0, 8)}`;
    const to = `${orderId}@example.com`;
    const metadata = { order_id: orderId };
    const paid = intent("payment_intent.succeeded", "evt_1", { metadata, receipt_email: to });
    for (const _ of ["once", "and again"]) expect((await fromStripe(paid)).statusCode).toBe(200);
    noFailures(await settle(cloud, "webhookEvents"));
    noFailures(await settle(cloud, "activity"));
    expect(await settle(cloud, "alerts")).toEqual([]);

    expect((await cloud.documents(`ORDER#${orderId}`)).PAYMENT).toMatchObject({ status: "paid" });
    const rows = Object.values(await cloud.documents(`ACTIVITY#${today()}`));
    expect(rows.filter(({ type }) => type === "order.paid")).toEqual([
      expect.objectContaining({ data: { orderId, amount: 2_400, currency: "EUR", email: to } }),
    ]);

    const { name } = cloud.graph.find(
      "aws:scheduler/scheduleGroup:ScheduleGroup",
      "channels-later",
    ).inputs;
    const pass = (days: number) =>
      sendDue(cloud.clients, name, Date.now() + days * dayMs, cloud.queueAt);
    await pass(6);
    expect(await settle(cloud, "notify")).toEqual([]);
    await pass(8);
    noFailures(await settle(cloud, "notify"));
    expect(mailsTo(cloud, to)).toEqual([expect.stringMatching(/\S/)]);
  });

  test("a payment that failed reaches the team, and by its filter nobody else", async () => {
    const failed = intent("payment_intent.payment_failed", "evt_2", {
      metadata: { order_id: "unpaid" },
      last_payment_error: { code: "card_declined", decline_code: "insufficient_funds" },
    });
    await fromStripe(failed);
    noFailures(await settle(cloud, "webhookEvents"));
    expect(await settle(cloud, "activity")).toEqual([]);
    noFailures(await settle(cloud, "alerts"));
    expect(slack.requests.map(({ path, body }) => [path, JSON.parse(body)])).toEqual([
      ["/services/T0/B0/hush", { text: "Payment of order unpaid failed: insufficient_funds" }],
    ]);
  });

  test("a message that is no event is set aside with the reason", async () => {
    await cloud.send("events-audit", '{"detail-type": "webhook.received", "detail": 7}');
    await cloud.send("events-activity", '{"Type": "Notification", "Message": "{}"}');
    for (const workload of ["audit", "activity"]) noFailures(await settle(cloud, workload));
    const [fact] = await cloud.deadLetters("audit");
    expect(fact?.reason).toContain("its event has no detail with id and data");
    const [event] = await cloud.deadLetters("activity");
    expect(event?.reason).toContain("subscribe the queue with raw message delivery");
  });

  test("clicks are counted once, and what is none is set aside between them", async () => {
    const clicks = ["/a", "/b", "/a"].map((page) => ({ page, session: "s-1" }));
    const answer = await post("track", "/clicks", JSON.stringify({ clicks }));
    expect(answer.statusCode).toBe(202);
    const { name } = cloud.graph.find("aws:kinesis/stream:Stream").inputs;
    const put = (text: string) =>
      cloud.clients.kinesis.send(
        new PutRecordCommand({ StreamName: name, PartitionKey: "s-1", Data: Buffer.from(text) }),
      );
    await put('{"page": "no path"}');
    await put("no JSON");
    await post("track", "/clicks", JSON.stringify({ clicks: clicks.slice(0, 1) }));

    const batches = await readStream(cloud, "clickstream");
    noFailures(batches);
    // Delivered again, as after an answer that was lost.
    for (const { event } of batches) await cloud.invoke("clickstream", event);
    const countOf = async (page: string) =>
      Object.values(await cloud.documents(`CLICKS#${page}`)).map(({ count }) => count);
    expect([await countOf("/a"), await countOf("/b")]).toEqual([[3], [1]]);
    const reasons = (await cloud.deadLetters("clickstream")).map(({ reason }) => reason);
    expect(new Set(reasons)).toEqual(
      new Set([expect.stringContaining("no click"), "its data is no JSON"]),
    );
  });

  test("changes of the catalog are told as events, in their order", async () => {
    const { table } = cloud;
    await table.put({ pk: "USER#u-1", sk: "PROFILE" }, { name: "Ada" });
    await table.put({ pk: "USER#u-1", sk: "PROFILE" }, { name: "Ada L." });
    await table.put({ pk: "CART#u-1", sk: "META" }, { items: [] });
    noFailures([await readChanges(cloud, "catalogFeed")]);
    noFailures(await settle(cloud, "activity"));
    const rows = Object.values(await cloud.documents(`ACTIVITY#${today()}`));
    expect(rows.filter(({ type }) => type === "user.created")).toEqual([
      expect.objectContaining({ data: { userId: "u-1" } }),
    ]);
    expect(await cloud.deadLetters("catalogFeed")).toEqual([]);
  });
});
