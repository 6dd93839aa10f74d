import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SQSClient } from "@aws-sdk/client-sqs";
import { describe, expect, it } from "vitest";
import { clientSettings } from "../../../runtime/adapters/aws/client.ts";
import { queueConsumer } from "../../../runtime/adapters/aws/queue-consumer.ts";
import { scheduler } from "../../../runtime/adapters/aws/scheduler.ts";
import { refusal } from "../suites/refusal.ts";
import { drain, schedulerContract } from "../suites/scheduler.ts";
import { emulator } from "./emulator.ts";
import { createQueue, createScheduleGroup } from "./resources.ts";
import { sendDue } from "./scheduler-service.ts";
import { type Answer, scripted, success } from "./scripted.ts";

const arnOf = (url: string) => `arn:aws:sqs:us-east-1:123456789012:${url.split("/").at(-1)}`;
const role = "arn:aws:iam::123456789012:role/later";

// Its time is the test's: moto sends nothing by itself.
schedulerContract("aws scheduler", {
  async start() {
    const clients = { scheduler: new SchedulerClient(emulator), sqs: new SQSClient(emulator) };
    let time = Date.now();
    const urls = new Map<string, string>();
    const groups: string[] = [];
    return {
      async make() {
        const { location: url, dead } = await createQueue(clients.sqs);
        const group = await createScheduleGroup(clients.scheduler);
        groups.push(group);
        urls.set(arnOf(url), url);
        const location = { group, queue: arnOf(url), deadLetters: arnOf(dead), role };
        const consumer = queueConsumer({ name: "queue", location: url, client: clients.sqs });
        return {
          scheduler: scheduler({
            name: "later",
            location: JSON.stringify(location),
            client: clients.scheduler,
            now: () => time,
          }),
          received: () => drain(consumer),
        };
      },
      now: () => time,
      async pass(ms) {
        // It is exact to the minute, and schedules nothing before 15 s from now.
        time += ms + 15_000;
        for (const group of groups)
          await sendDue(clients, group, time, (arn) => urls.get(arn) ?? "");
      },
      async close() {
        clients.scheduler.destroy();
        clients.sqs.destroy();
      },
    };
  },
});

describe("aws scheduler, to the service", () => {
  const now = Date.parse("2026-11-21T10:00:00.400Z");
  const location = JSON.stringify({ group: "g", queue: "q", deadLetters: "d", role });
  const refused = (type: string, status = 400): Answer => ({
    status,
    body: { Message: "in the service's own words" },
    headers: { "x-amzn-errortype": type },
  });
  const created = success({ ScheduleArn: "arn" });
  async function open(...answers: readonly [Answer, ...Answer[]]) {
    const service = await scripted(...answers);
    const config = { ...emulator, ...clientSettings(), endpoint: service.endpoint };
    const client = new SchedulerClient(config);
    const close = async () => {
      client.destroy();
      await service.close();
    };
    const port = scheduler({ name: "later", location, client, now: () => now });
    return { port, asked: service.asked, close };
  }
  const at = (iso: string) => new Date(iso);

  it("creates a schedule that sends once and is gone, with retries and dead letters", async () => {
    const { port, asked, close } = await open(created);
    await port.at("review-1", at("2026-11-28T10:00:00.001Z"), { n: 1 });
    await close();
    expect(asked[0]?.target).toBe("/schedules/at-review-1");
    const { ClientToken, ...body } = JSON.parse(asked[0]?.body ?? "");
    expect(ClientToken).toEqual(expect.any(String));
    expect(body).toEqual({
      GroupName: "g",
      ScheduleExpression: "at(2026-11-28T10:00:01)",
      ScheduleExpressionTimezone: "UTC",
      FlexibleTimeWindow: { Mode: "OFF" },
      ActionAfterCompletion: "DELETE",
      Target: {
        Arn: "q",
        RoleArn: role,
        Input: '{"n":1}',
        DeadLetterConfig: { Arn: "d" },
        RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
      },
    });
  });

  it.each(["2020-01-01T00:00:00Z", "2026-11-21T10:00:00.500Z", "2026-11-21T10:00:15Z"])(
    "never asks for what is past, or nearly so: %s",
    async (time) => {
      const { port, asked, close } = await open(created);
      await port.at("soon", at(time), 1);
      await close();
      expect(JSON.parse(asked[0]?.body ?? "").ScheduleExpression).toBe("at(2026-11-21T10:00:16)");
    },
  );

  it("creates it anew where it was sent between being found and being moved", async () => {
    const gone = refused("ResourceNotFoundException", 404);
    const { port, asked, close } = await open(refused("ConflictException", 409), gone, created);
    await port.at("moved", at("2026-11-28T10:00:00Z"), 1);
    await close();
    expect(asked).toHaveLength(3);
  });

  it.each([
    ["ResourceNotFoundException", 404, "unavailable"],
    ["ThrottlingException", 429, "throttled"],
    ["ServiceQuotaExceededException", 402, "throttled"],
    ["AccessDeniedException", 403, "denied"],
    ["ValidationException", 400, "invalid"],
    ["InternalServerException", 500, "unavailable"],
  ])("answers %s with the code of its cause", async (type, status, code) => {
    const { port, close } = await open(refused(type, status));
    expect(await refusal(port.at("x", at("2026-11-28T10:00:00Z"), 1))).toBe(code);
    await close();
  });

  it("takes a refusal of what is near for one of clocks that differ: tried again", async () => {
    const { port, close } = await open(refused("ValidationException"));
    expect(await refusal(port.at("x", at("2026-11-21T10:05:00Z"), 1))).toBe("unavailable");
    await close();
  });

  it("refuses a location without its parts at the start", () => {
    const open = () => scheduler({ name: "later", location: '{"group":"g","queue":"q"}' });
    expect(open).toThrow('scheduler "later": its location has no deadLetters, role; deploy it');
  });
});
