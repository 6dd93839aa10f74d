import { GetQueueAttributesCommand, SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { Json } from "../../ports/index.ts";
import type { Fault } from "../faults.ts";
import { answerOf } from "./errors.ts";

/** The message attribute with the reason for which a message was set aside. */
export const reasonAttribute = "spillway-reason";

// Of SQS's 1 MiB a message, body and attributes together; the rest is the body's.
const maxReasonBytes = 1024;

export interface Redrive {
  /** URL of the dead-letter queue. */
  readonly url: string;
  readonly maxReceives: number;
}

/**
 * Where a queue's dead letters go, from its redrive policy. Needs sqs:GetQueueAttributes.
 * @throws `unavailable` where the queue has none
 */
export async function redriveOf(
  fault: Fault,
  client: SQSClient,
  queueUrl: string,
): Promise<Redrive> {
  const command = new GetQueueAttributesCommand({
    QueueUrl: queueUrl,
    AttributeNames: ["RedrivePolicy"],
  });
  const { Attributes } = await answerOf(fault, client.send(command));
  const policy = asJson(Attributes?.RedrivePolicy ?? "") as
    | { readonly deadLetterTargetArn?: string; readonly maxReceiveCount?: number | string }
    | undefined;
  const dead = policy?.deadLetterTargetArn?.split(":").at(-1);
  if (!dead) throw fault("unavailable", "it has no dead-letter queue; deploy it with one");
  // SQS takes only a dead-letter queue of the same account and region, so the name alone differs.
  return {
    url: queueUrl.slice(0, queueUrl.lastIndexOf("/") + 1) + dead,
    maxReceives: Number(policy?.maxReceiveCount),
  };
}

/** Puts a message's text into the dead-letter queue, with the reason. Needs sqs:SendMessage on it. */
export async function setAside(
  fault: Fault,
  client: SQSClient,
  url: string,
  body: string,
  reason: string,
): Promise<void> {
  const command = new SendMessageCommand({
    QueueUrl: url,
    MessageBody: body,
    MessageAttributes: {
      [reasonAttribute]: { DataType: "String", StringValue: reasonText(reason) },
    },
  });
  await answerOf(fault, client.send(command));
}

/** A reason as an attribute may hold it: not empty, characters of XML, at most 1,024 bytes. */
function reasonText(reason: string): string {
  const allowed = reason
    .toWellFormed()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: SQS refuses these
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, " ");
  // The cut may end within a character, which streaming decoders leave out.
  const start = Buffer.from(allowed).subarray(0, maxReasonBytes);
  return new TextDecoder().decode(start, { stream: true }) || "no reason given";
}

/** JSON's value, or `undefined` for text that is none. */
export function asJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
