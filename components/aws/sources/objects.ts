import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { Sender } from "../queues.ts";

/** A queue that is told of what is stored under a prefix. */
export interface Told {
  readonly prefix: string;
  readonly queueArn: pulumi.Input<string>;
  /** S3 tries the queue out before it accepts it. */
  readonly policy: aws.sqs.QueuePolicy;
}

/** S3, on behalf of one bucket of this account: a bucket's ARN does not say whose it is. */
export const bucketSender = (bucketArn: pulumi.Input<string>, account: pulumi.Input<string>) =>
  ({ service: "s3.amazonaws.com", of: bucketArn, account }) satisfies Sender;

/** Tells queues of new objects. A bucket has one list of all whom it tells. */
export const objectEvents = (
  logical: string,
  bucket: pulumi.Input<string>,
  told: readonly Told[],
  parent: pulumi.Resource,
): aws.s3.BucketNotification =>
  new aws.s3.BucketNotification(
    logical,
    {
      bucket,
      queues: told.map(({ prefix, queueArn }) => ({
        queueArn,
        filterPrefix: prefix,
        events: ["s3:ObjectCreated:*"],
      })),
    },
    { parent, dependsOn: told.map(({ policy }) => policy) },
  );
