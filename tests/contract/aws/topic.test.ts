import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { afterEach, describe, expect, it } from "vitest";
import { clientSettings } from "../../../runtime/adapters/aws/client.ts";
import { queueConsumer } from "../../../runtime/adapters/aws/queue-consumer.ts";
import { topic } from "../../../runtime/adapters/aws/topic.ts";
import { recorder } from "../recording.ts";
import { source } from "../suites/events.ts";
import { refusal } from "../suites/refusal.ts";
import { topicContract } from "../suites/topic.ts";
import { emulator } from "./emulator.ts";
import { createTopic } from "./resources.ts";
import { type Answer, scripted } from "./scripted.ts";

topicContract("aws topic", {
  async start() {
    const clients = { sns: new SNSClient(emulator), sqs: new SQSClient(emulator) };
    return {
      async make(filters) {
        const { location, queues } = await createTopic(clients, filters);
        const { publish } = topic({ name: "events", location, source, client: clients.sns });
        const consumers = queues.map((queue) =>
          queueConsumer({ name: "subscriber", location: queue, client: clients.sqs }),
        );
        return { publish, consumers };
      },
      async close() {
        for (const client of Object.values(clients)) client.destroy();
      },
    };
  },
});

describe("aws topic by itself, and when the service fails", () => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });
  const answer = (code: string, status: number): Answer => ({
    status,
    body: `<ErrorResponse><Error><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`,
    headers: { "content-type": "text/xml" },
  });

  it.each([
    ["Throttled", 429, "throttled"],
    ["InternalError", 500, "unavailable"],
    ["NotFound", 404, "unavailable"],
    ["AuthorizationError", 403, "denied"],
    ["InvalidParameter", 400, "invalid"],
    ["KMSThrottling", 400, "throttled"],
    ["KMSAccessDenied", 400, "denied"],
    ["KMSDisabled", 400, "unavailable"],
  ])("answers %s (%s) with the code %s", async (code, status, expected) => {
    const service = await scripted(answer(code, status));
    closing.push(service.close);
    const config = { ...emulator, ...clientSettings(), endpoint: service.endpoint };
    const location = "arn:aws:sns:us-east-1:123456789012:events";
    const port = topic({ name: "events", location, source, client: new SNSClient(config) });
    expect(await refusal(port.publish({ type: "order.paid", data: {} }))).toBe(expected);
  });

  it("needs to publish to its topic, and nothing else", async () => {
    const sns = new SNSClient(emulator);
    const sqs = new SQSClient(emulator);
    closing.push(() => sns.destroy());
    closing.push(() => sqs.destroy());
    const { location } = await createTopic({ sns, sqs });
    const seen = recorder();
    const client = seen.plugin(new SNSClient(emulator));
    closing.push(() => client.destroy());
    await topic({ name: "events", location, source, client }).publish({ type: "a", data: 1 });
    expect(seen.calls()).toEqual([{ action: "sns:Publish", resource: location }]);
  });
});
