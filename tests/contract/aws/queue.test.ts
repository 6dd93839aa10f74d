import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, describe, expect, it } from "vitest";
import { queue } from "../../../runtime/adapters/aws/queue.ts";
import { queueAdmin } from "../../../runtime/adapters/aws/queue-admin.ts";
import { queueConsumer } from "../../../runtime/adapters/aws/queue-consumer.ts";
import { queueContract } from "../suites/queue.ts";
import { emulator } from "./emulator.ts";
import { createQueue } from "./resources.ts";

queueContract("aws queue", {
  async start() {
    const client = new SQSClient(emulator);
    return {
      async make({ maxReceives, visibilitySeconds, maxBytes }) {
        const { location } = await createQueue(client, { maxReceives, visibilitySeconds });
        return {
          queue: queue({ name: "inbox", location, maxBytes, client }),
          consumer: queueConsumer({ name: "inbox", location, client }),
          admin: queueAdmin({ name: "inbox", location, client }),
        };
      },
      close: async () => client.destroy(),
    };
  },
});

describe("aws queue, as other programs fill it", () => {
  const client = new SQSClient(emulator);
  afterAll(() => client.destroy());

  it("sets a body that is no JSON aside at once, as it is, and delivers the rest", async () => {
    const { location } = await createQueue(client);
    for (const body of ["not { JSON", '"fine"'])
      await client.send(new SendMessageCommand({ QueueUrl: location, MessageBody: body }));
    const deliveries = await queueConsumer({ name: "inbox", location, client }).receive(10, 0);
    expect(deliveries.map((delivery) => delivery.message.body)).toEqual(["fine"]);
    const dead = await queueAdmin({ name: "inbox", location, client }).deadLetters(10);
    expect(dead).toMatchObject([{ body: "not { JSON", reason: "its body is no JSON" }]);
  });

  it("redrives a dead letter in the words in which it came", async () => {
    const { location, dead } = await createQueue(client);
    await client.send(new SendMessageCommand({ QueueUrl: dead, MessageBody: '{ "spaced" : 1 }' }));
    const admin = queueAdmin({ name: "inbox", location, client });
    const [letter] = await admin.deadLetters(1);
    await admin.redrive(letter?.id ?? "");
    const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl: location }));
    expect(Messages?.map((message) => message.Body)).toEqual(['{ "spaced" : 1 }']);
  });
});
