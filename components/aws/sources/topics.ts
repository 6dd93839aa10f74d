import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Sender } from "../queues.ts";

/** SNS, on behalf of one topic. */
export const topicSender = (topicArn: pulumi.Input<string>) =>
  ({ service: "sns.amazonaws.com", of: topicArn }) satisfies Sender;

/**
 * A queue's subscription to a topic: it gets the published text as it is; what SNS cannot deliver
 * goes to the queue's dead letters.
 * @param filter by message attribute, the values that are wanted
 */
export const subscription = (
  logical: string,
  topicArn: pulumi.Input<string>,
  {
    queue,
    dead,
    policies,
    filter,
  }: {
    readonly queue: aws.sqs.Queue;
    readonly dead: aws.sqs.Queue;
    readonly policies: readonly aws.sqs.QueuePolicy[];
    readonly filter?: Readonly<Record<string, readonly string[]>>;
  },
  parent: pulumi.Resource,
): aws.sns.TopicSubscription =>
  new aws.sns.TopicSubscription(
    logical,
    {
      topic: topicArn,
      protocol: "sqs",
      endpoint: queue.arn,
      rawMessageDelivery: true,
      redrivePolicy: pulumi.jsonStringify({ deadLetterTargetArn: dead.arn }),
      ...(filter && {
        filterPolicyScope: "MessageAttributes",
        filterPolicy: JSON.stringify(filter),
      }),
    },
    { parent, dependsOn: [...policies] },
  );
