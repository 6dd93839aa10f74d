import { PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { answering, type Receiver, startReceiver } from "../contract/suites/receiver.ts";
import { Cloud } from "./cloud.ts";
import { settle } from "./sources.ts";

describe("a schedule's run", () => {
  let cloud: Cloud;
  let slack: Receiver;
  beforeAll(async () => {
    slack = await startReceiver();
    cloud = await Cloud.start({ secrets: { "slack-url": `${slack.url}/hush` } });
  });
  beforeEach(() => {
    slack.requests.length = 0;
    slack.answer = answering(200, "ok");
  });
  afterAll(async () => {
    await cloud?.stop();
    await slack?.close();
  });

  /** Sends what EventBridge Scheduler would, with the time that the schedule meant in its place. */
  const fire = async (workload: string, scheduledAt: string) => {
    const { target } = cloud.graph.find(
      "aws:scheduler/schedule:Schedule",
      `events-${workload}`,
    ).inputs;
    expect(target.arn).toMatch(new RegExp(`events-${workload}$`));
    const input = target.input.replace("<aws.scheduler.scheduled-time>", scheduledAt);
    await cloud.send(`events-${workload}`, input);
    return settle(cloud, workload);
  };
  const posts = () => slack.requests.map(({ body }) => JSON.parse(body).text as string);
  const activity = (id: string, type: string, at: string, data: object) =>
    cloud.table.put(
      { pk: `ACTIVITY#${at.slice(0, 10)}`, sk: `${at}#${id}` },
      { id, type, at, data: { ...data } },
    );

  test("at night removes what expired, and says so", async () => {
    const { table, bucket: Bucket } = cloud;
    const key = "uploads/never-finished.jpg";
    await cloud.clients.s3.send(new PutObjectCommand({ Bucket, Key: key, Body: "x" }));
    await table.put({ pk: "UPLOAD#u-1", sk: "META" }, { id: "u-1", key });
    await table.put({ pk: "UPLOADS", sk: "2026-11-18T09:00:00.000Z#u-1" }, { id: "u-1", key });
    await table.put({ pk: "UPLOADS", sk: "2026-11-20T20:00:00.000Z#u-2" }, { id: "u-2", key: "k" });

    const [batch, ...more] = await fire("nightlyCleanup", "2026-11-21T02:30:00Z");
    expect([batch?.answer, more]).toEqual([{ batchItemFailures: [] }, []]);
    expect(posts()).toEqual(["Cleaned up: 1 expired uploads, 0 expired sessions."]);
    expect(await table.get({ pk: "UPLOAD#u-1", sk: "META" })).toBeUndefined();
    expect(Object.keys(await cloud.documents("UPLOADS"))).toEqual(["2026-11-20T20:00:00.000Z#u-2"]);
  });

  test("in the morning reports the day before, once, and says what it could not learn", async () => {
    await activity("a", "user.created", "2026-11-19T22:59:59.999Z", {});
    await activity("b", "user.created", "2026-11-19T23:00:00.000Z", {});
    await activity("c", "order.paid", "2026-11-20T12:00:00.000Z", {
      orderId: "o-1",
      amount: 2_400,
      currency: "EUR",
    });
    cloud.wire.fault = ({ service }) =>
      service === "monitoring" ? { status: 400, type: "AccessDeniedException" } : undefined;
    for (const _ of ["once", "and again"]) {
      const batches = await fire("dailyReport", "2026-11-21T05:00:00Z");
      expect(batches.map(({ answer }) => answer)).toEqual([{ batchItemFailures: [] }]);
    }
    cloud.wire.fault = () => undefined;
    const [text = "", ...more] = posts();
    expect(more).toEqual([]);
    expect(text).toContain("Storefront on 2026-11-20");
    expect(text).toContain("New users: 1");
    expect(text).toContain("Revenue: €24.00");
    expect(text).toContain("Error rate: unknown: denied");
    const { REPORT: report } = await cloud.documents("DAILY#2026-11-20");
    expect(report).toMatchObject({ status: "posted" });
  });

  test("in the morning knows the day of its zone, of 25 hours where clocks are set back", async () => {
    const of = { before: "2026-10-24T21:59:59.999Z", first: "2026-10-24T22:00:00.000Z" };
    const to = { last: "2026-10-25T22:59:59.999Z", after: "2026-10-25T23:00:00.000Z" };
    for (const [id, at] of Object.entries({ ...of, ...to }))
      await activity(id, "user.created", at, {});
    await fire("dailyReport", "2026-10-26T05:00:00Z");
    const [text = ""] = posts();
    expect(text).toContain("Storefront on 2026-10-25");
    expect(text).toContain("New users: 2");
    // Of a system that is asked for nothing, CloudWatch knows just this.
    expect(text).toContain("Error rate: no requests");
  });

  test("that the chat refuses is set aside with the reason; one that it is too busy for comes back", async () => {
    slack.answer = answering(404, "no_service");
    const refused = await fire("nightlyCleanup", "2026-11-22T02:30:00Z");
    expect(refused.map(({ answer }) => answer)).toEqual([{ batchItemFailures: [] }]);
    const [letter] = await cloud.deadLetters("nightlyCleanup");
    expect(letter?.reason).toContain("the channel answered 404 no_service");
    expect(letter?.reason).not.toContain(slack.url);
    expect(JSON.parse(letter?.body ?? "")).toEqual({ scheduledAt: "2026-11-22T02:30:00Z" });

    let busy = true;
    slack.answer = (request, response) => {
      answering(busy ? 429 : 200, "")(request, response);
      busy = false;
    };
    const again = await fire("nightlyCleanup", "2026-11-23T02:30:00Z");
    expect(again.map(({ answer }) => answer.batchItemFailures.length)).toEqual([1, 0]);
  });

  test("without a time is set aside", async () => {
    await cloud.send("events-dailyReport", '{"scheduledAt": "<aws.scheduler.scheduled-time>"}');
    await settle(cloud, "dailyReport");
    const [letter] = await cloud.deadLetters("dailyReport");
    expect(letter?.reason).toContain("it has no time");
  });
});
