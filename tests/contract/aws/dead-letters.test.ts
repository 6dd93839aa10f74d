import { SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, describe, expect, it } from "vitest";
import { deadLetters } from "../../../runtime/adapters/aws/dead-letters.ts";
import { queueAdmin } from "../../../runtime/adapters/aws/queue-admin.ts";
import { refusal } from "../suites/refusal.ts";
import { emulator } from "./emulator.ts";
import { createQueue } from "./resources.ts";

describe("what a function sets aside", () => {
  const client = new SQSClient(emulator);
  afterAll(() => client.destroy());

  const open = async () => {
    const { location, dead } = await createQueue(client);
    const admin = queueAdmin({ name: "orders", location, client });
    return { admin, ...deadLetters({ name: "fulfil", location: dead, client }) };
  };

  it("is among the queue's dead letters, as it was, with the reason", async () => {
    const { admin, setAside } = await open();
    await setAside('{"order":7}', "no such order – né 😀");
    expect(await admin.deadLetters(10)).toMatchObject([
      { body: { order: 7 }, reason: "no such order – né 😀" },
    ]);
  });

  it("is kept also where it is no JSON", async () => {
    const { admin, setAside } = await open();
    await setAside("{half", "its body is no JSON");
    expect(await admin.deadLetters(10)).toMatchObject([{ body: "{half" }]);
  });

  it.each([
    ["all of the reason where there is room", 1_000_000, 1024],
    ["as much of the reason as there is room for", 1_048_576 - 521, 500],
    ["no reason, rather than not the message", 1_048_576, 0],
  ])("is kept with %s", async (_, bytes, kept) => {
    const sent: {
      MessageBody: string;
      MessageAttributes?: Record<string, { StringValue: string }>;
    }[] = [];
    // The emulator takes less than SQS does, so this looks at what is sent.
    const recording = { send: async ({ input }: { input: never }) => void sent.push(input) };
    const { setAside } = deadLetters({
      name: "fulfil",
      location: "https://sqs.example/dead",
      client: recording as unknown as SQSClient,
    });
    await setAside("x".repeat(bytes), "y".repeat(4000));
    const attributes = Object.entries(sent[0]?.MessageAttributes ?? {});
    expect(sent[0]?.MessageBody).toHaveLength(bytes);
    expect(attributes.map(([, { StringValue }]) => StringValue.length)).toEqual(kept ? [kept] : []);
    const overhead = attributes.reduce((sum, [name]) => sum + name.length + "String".length, 0);
    expect(bytes + kept + overhead).toBeLessThanOrEqual(1_048_576);
  });

  it("is refused where the queue is not there, so that the message is delivered again", async () => {
    const { setAside } = deadLetters({
      name: "fulfil",
      location: `${emulator.endpoint}/123456789012/none`,
      client,
    });
    expect(await refusal(setAside("1", "any"))).toBe("unavailable");
  });
});
