import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { Queue } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { checkWhole, messageText } from "../limits.ts";
import { clientSettings, lazy } from "./client.ts";
import { answerOf } from "./errors.ts";

/** The process's own client, for all that speak to SQS. */
export const sharedSqs = lazy(() => new SQSClient(clientSettings()));

/** What all that speak to one queue are made from. */
export interface QueueOptions {
  /** The queue's, for messages. */
  readonly name: string;
  /** The queue's URL. */
  readonly location: string;
  /** Default: one of this process, made at its first use. */
  readonly client?: SQSClient;
}

/**
 * Sends to an SQS queue. Needs sqs:SendMessage.
 * @param options.maxBytes largest message, in bytes of JSON. Default: 262,144 (256 KiB)
 */
export function queue(options: QueueOptions & { readonly maxBytes?: number }): Queue {
  const { name, location: QueueUrl, maxBytes = 262_144 } = options;
  const client = () => options.client ?? sharedSqs();
  const fault = faultsOf("queue", name);
  return {
    async send(body, { delaySeconds = 0 } = {}) {
      checkWhole(fault, "delaySeconds", delaySeconds, 0, 900);
      const command = new SendMessageCommand({
        QueueUrl,
        MessageBody: messageText(fault, body, maxBytes),
        DelaySeconds: delaySeconds,
      });
      const { MessageId } = await answerOf(fault, client().send(command));
      if (MessageId === undefined)
        throw fault("unavailable", "the service gave no message id; send it again");
      return { id: MessageId };
    },
  };
}
