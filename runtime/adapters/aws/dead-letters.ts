import { GetQueueAttributesCommand, SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { Json } from "../../ports/index.ts";
import { type Fault, faultsOf } from "../faults.ts";
import { answerOf } from "./errors.ts";
import { type QueueOptions, sharedSqs } from "./queue.ts";

/** The message attribute with the reason for which a message was set aside. */
export const reasonAttribute = "spillway-reason";

/** SQS's largest message, in bytes: body and attributes, with their names and types, together. */
const maxMessageBytes = 1_048_576;
const maxReasonBytes = 1024;
const reasonType = "String";

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

/**
 * Puts a message's text into the dead-letter queue, with as much of the reason as there is room
 * for. Needs sqs:SendMessage on it.
 */
export async function setAside(
  fault: Fault,
  client: SQSClient,
  url: string,
  body: string,
  reason: string,
): Promise<void> {
  const used = Buffer.byteLength(body) + reasonAttribute.length + reasonType.length;
  const room = Math.min(maxMessageBytes - used, maxReasonBytes);
  const command = new SendMessageCommand({
    QueueUrl: url,
    MessageBody: body,
    ...(room >= noReason.length && {
      MessageAttributes: {
        [reasonAttribute]: { DataType: reasonType, StringValue: reasonText(reason, room) },
      },
    }),
  });
  await answerOf(fault, client.send(command));
}

/**
 * The dead-letter queue of a workload on a function. Needs sqs:SendMessage on it.
 * @param options.name the workload's, for messages
 * @param options.location URL of the dead-letter queue
 */
export function deadLetters(options: QueueOptions) {
  const fault = faultsOf("dead letters", options.name);
  return {
    /** Stores a message's text with the reason. */
    setAside: (body: string, reason: string): Promise<void> =>
      setAside(fault, options.client ?? sharedSqs(), options.location, body, reason),
  };
}

const noReason = "no reason given";

/** A reason as an attribute may hold it: not empty, characters of XML, so many bytes at most. */
function reasonText(reason: string, maxBytes: number): string {
  const allowed = reason
    .toWellFormed()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: SQS refuses these
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, " ");
  // The cut may end within a character, which streaming decoders leave out.
  const start = Buffer.from(allowed).subarray(0, maxBytes);
  return new TextDecoder().decode(start, { stream: true }) || noReason;
}

/** JSON's value, or `undefined` for text that is none. */
export function asJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
