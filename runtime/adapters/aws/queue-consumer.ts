import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  type Message as SqsMessage,
} from "@aws-sdk/client-sqs";
import type { Delivery, Message, QueueConsumer } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { checkWhole } from "../limits.ts";
import { asJson, type Redrive, redriveOf, setAside } from "./dead-letters.ts";
import { answerOf } from "./errors.ts";
import { type QueueOptions, sharedSqs } from "./queue.ts";

/**
 * Receives from an SQS queue that has a dead-letter queue.
 * Needs sqs:ReceiveMessage, DeleteMessage, ChangeMessageVisibility and GetQueueAttributes on the
 * queue, and sqs:SendMessage on its dead-letter queue.
 */
export function queueConsumer(options: QueueOptions): QueueConsumer {
  const { name, location: QueueUrl } = options;
  const client = () => options.client ?? sharedSqs();
  const fault = faultsOf("queue", name);
  let known: Redrive | undefined;
  const redrive = async () => {
    known ??= await redriveOf(fault, client(), QueueUrl);
    return known;
  };

  function deliveryOf(sqs: SqsMessage, message: Message): Delivery {
    const ReceiptHandle = sqs.ReceiptHandle ?? "";
    const done = async () => {
      const command = new DeleteMessageCommand({ QueueUrl, ReceiptHandle });
      await answerOf(fault, client().send(command));
    };
    const hide = async (seconds: number) => {
      const VisibilityTimeout = seconds;
      const command = new ChangeMessageVisibilityCommand({
        QueueUrl,
        ReceiptHandle,
        VisibilityTimeout,
      });
      await answerOf(fault, client().send(command));
    };
    // Set aside before it is gone: a crash between the two means twice, not never.
    const reject = async (reason: string) => {
      await setAside(fault, client(), (await redrive()).url, sqs.Body ?? "", reason);
      await done();
    };
    return {
      message,
      done,
      reject,
      async retry(reason, delaySeconds = 0) {
        checkWhole(fault, "delaySeconds", delaySeconds, 0, 43_200);
        // SQS would set it aside at the next receive, but without the reason.
        if (message.receives >= (await redrive()).maxReceives) return reject(reason);
        await hide(delaySeconds);
      },
      async extend(seconds) {
        checkWhole(fault, "seconds", seconds, 1, 43_200);
        await hide(seconds);
      },
    };
  }

  return {
    async receive(max, waitSeconds) {
      checkWhole(fault, "max", max, 1, 10);
      checkWhole(fault, "waitSeconds", waitSeconds, 0, 20);
      const command = new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: max,
        WaitTimeSeconds: waitSeconds,
        MessageSystemAttributeNames: ["ApproximateReceiveCount", "SentTimestamp"],
      });
      const { Messages = [] } = await answerOf(
        fault,
        client().send(command, { requestTimeout: (waitSeconds + 3) * 1000 }),
      );
      const deliveries: Delivery[] = [];
      for (const sqs of Messages) {
        const body = asJson(sqs.Body ?? "");
        const delivery = deliveryOf(sqs, {
          id: sqs.MessageId ?? "",
          body: body ?? null,
          receives: Number(sqs.Attributes?.ApproximateReceiveCount ?? 1),
          sentAt: new Date(Number(sqs.Attributes?.SentTimestamp ?? 0)),
        });
        if (body === undefined) await delivery.reject("its body is no JSON");
        else deliveries.push(delivery);
      }
      return deliveries;
    },
  };
}
