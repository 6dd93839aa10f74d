import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Queue } from "../../spec/index.ts";
import { physicalName } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import { tlsOnlyStatement } from "./bucket.ts";

export interface QueueTransforms {
  readonly queue?: Transform<aws.sqs.QueueArgs>;
}

/** The longest that SQS keeps a message (14 days): dead letters outlive the queue's own 4 days. */
export const longestSeconds = 1_209_600;
/** SQS's most (1 MiB): a dead letter is its message, and the reason beside it. */
const mostBytes = 1_048_576;

/** A workload's own queue, and what nobody could handle of it. */
export interface OwnQueue {
  readonly queue: aws.sqs.Queue;
  readonly dead: aws.sqs.Queue;
}

/** A service of AWS that may send to a queue, for one resource only. */
export interface Sender {
  /** Such as "sns.amazonaws.com". */
  readonly service: string;
  /** ARN of the topic, the rule or the bucket on whose behalf it sends. */
  readonly of: pulumi.Input<string>;
  /** Where that ARN does not name the account. */
  readonly account?: pulumi.Input<string>;
}

/** An encrypted queue. It is open to nobody but the account, and needs a {@link queuePolicy}. */
function encryptedQueue(
  logical: string,
  own: aws.sqs.QueueArgs,
  { queue }: QueueTransforms = {},
  parent: pulumi.Resource,
): aws.sqs.Queue {
  return new aws.sqs.Queue(
    logical,
    transformed(queue, logical, {
      name: physicalName(logical, "queue"),
      sqsManagedSseEnabled: true,
      ...own,
    }),
    { parent },
  );
}

/** Keeps what no try could handle, for 14 days. Needs a {@link queuePolicy}. */
export const deadLetterQueue = (
  logical: string,
  transform: QueueTransforms | undefined,
  parent: pulumi.Resource,
): aws.sqs.Queue =>
  encryptedQueue(
    `${logical}-dead`,
    { messageRetentionSeconds: longestSeconds, maxMessageSize: mostBytes },
    transform,
    parent,
  );

/**
 * A queue that sets a message aside into `dead` after so many receives; what is set aside there
 * comes from this queue alone. Needs a {@link queuePolicy}.
 * @param own arguments beside those of the declaration
 */
export function redrivenQueue(
  logical: string,
  spec: Queue,
  dead: aws.sqs.Queue,
  own: aws.sqs.QueueArgs,
  transform: QueueTransforms | undefined,
  parent: pulumi.Resource,
): aws.sqs.Queue {
  const queue = encryptedQueue(
    logical,
    {
      visibilityTimeoutSeconds: spec.visibilitySeconds,
      maxMessageSize: spec.maxBytes,
      redrivePolicy: pulumi.jsonStringify({
        deadLetterTargetArn: dead.arn,
        maxReceiveCount: spec.maxReceives,
      }),
      ...own,
    },
    transform,
    parent,
  );
  redriveFrom(logical, dead, [queue.arn], parent);
  return queue;
}

/** From which queues dead letters may be redriven: from none, where no queue feeds them. */
export const redriveFrom = (
  logical: string,
  dead: aws.sqs.Queue,
  sourceQueueArns: readonly pulumi.Input<string>[],
  parent: pulumi.Resource,
) =>
  new aws.sqs.RedriveAllowPolicy(
    `${logical}-redrive`,
    {
      queueUrl: dead.url,
      redriveAllowPolicy: pulumi.jsonStringify(
        sourceQueueArns.length > 0
          ? { redrivePermission: "byQueue", sourceQueueArns }
          : { redrivePermission: "denyAll" },
      ),
    },
    { parent },
  );

/** Refuses everybody without TLS, and lets the given services send, each for its one resource. */
export const queuePolicy = (
  logical: string,
  queue: aws.sqs.Queue,
  senders: readonly Sender[],
  parent: pulumi.Resource,
): aws.sqs.QueuePolicy =>
  new aws.sqs.QueuePolicy(
    `${logical}-tls`,
    {
      queueUrl: queue.url,
      policy: pulumi.jsonStringify({
        Version: "2012-10-17",
        Statement: [
          tlsOnlyStatement("sqs:*", queue.arn),
          ...senders.map(({ service, of, account }, index) => ({
            Sid: `Sender${index + 1}`,
            Effect: "Allow",
            Principal: { Service: service },
            Action: "sqs:SendMessage",
            Resource: queue.arn,
            Condition: {
              ArnEquals: { "aws:SourceArn": of },
              ...(account && { StringEquals: { "aws:SourceAccount": account } }),
            },
          })),
        ],
      }),
    },
    { parent },
  );
