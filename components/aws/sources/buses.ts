import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { type Pattern, toEventPattern } from "../../../spec/index.ts";
import { physicalName } from "../../shared/naming.ts";
import type { Sender } from "../queues.ts";

/** EventBridge, on behalf of one rule. */
export const ruleSender = (rule: aws.cloudwatch.EventRule) =>
  ({ service: "events.amazonaws.com", of: rule.arn }) satisfies Sender;

/** EventBridge's longest and most: a day, 185 tries. */
const patience = { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 };

/** Chooses events of a bus. */
export const busRule = (
  logical: string,
  bus: pulumi.Input<string>,
  pattern: Pattern | undefined,
  parent: pulumi.Resource,
): aws.cloudwatch.EventRule =>
  new aws.cloudwatch.EventRule(
    logical,
    {
      name: physicalName(logical, "rule"),
      eventBusName: bus,
      eventPattern: JSON.stringify(toEventPattern(pattern)),
    },
    { parent },
  );

/** Sends what a rule chose to a queue; what cannot be delivered in a day, to its dead letters. */
export const busTarget = (
  logical: string,
  rule: aws.cloudwatch.EventRule,
  {
    queue,
    dead,
    policies,
  }: {
    readonly queue: aws.sqs.Queue;
    readonly dead: aws.sqs.Queue;
    readonly policies: readonly aws.sqs.QueuePolicy[];
  },
  parent: pulumi.Resource,
): aws.cloudwatch.EventTarget =>
  new aws.cloudwatch.EventTarget(
    logical,
    {
      rule: rule.name,
      eventBusName: rule.eventBusName.apply((name) => name ?? "default"),
      targetId: "queue",
      arn: queue.arn,
      retryPolicy: patience,
      deadLetterConfig: { arn: dead.arn },
    },
    { parent, dependsOn: [...policies] },
  );
