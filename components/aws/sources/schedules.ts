import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { OnSchedule } from "../../../spec/index.ts";
import { physicalName } from "../../shared/naming.ts";
import type { Account } from "../account.ts";
import { schedulerCron } from "../cron.ts";
import { type RoleTransforms, serviceRole } from "../role.ts";

/** Scheduler's longest and most: a day, 185 tries. */
const patience = { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 };

/** Scheduler puts the time that the schedule meant in the place of the placeholder. */
const input = JSON.stringify({ scheduledAt: "<aws.scheduler.scheduled-time>" });

/** The role of a group's schedules: to send to the given queues, and nothing else. */
export const schedulerRole = (
  group: aws.scheduler.ScheduleGroup,
  account: pulumi.Output<Account>,
  queueArns: readonly pulumi.Input<string>[],
) => ({
  service: "scheduler.amazonaws.com",
  condition: {
    StringEquals: { "aws:SourceAccount": account.apply(({ id }) => id) },
    ArnEquals: { "aws:SourceArn": group.arn },
  },
  statements: pulumi
    .all([...queueArns])
    .apply((Resource) => [
      { Sid: "Send", Effect: "Allow" as const, Action: ["sqs:SendMessage"], Resource },
    ]),
});

/** Puts a message into a queue at set times. */
export function schedule(
  logical: string,
  { cron, timeZone = "UTC" }: OnSchedule,
  {
    queue,
    dead,
    group,
    account,
    transform,
  }: {
    readonly queue: aws.sqs.Queue;
    readonly dead: aws.sqs.Queue;
    readonly group: aws.scheduler.ScheduleGroup;
    readonly account: pulumi.Output<Account>;
    readonly transform?: RoleTransforms;
  },
  parent: pulumi.Resource,
): aws.scheduler.Schedule {
  const translated = schedulerCron(cron);
  const { role, policy } = serviceRole(
    `${logical}-schedule`,
    { ...schedulerRole(group, account, [queue.arn, dead.arn]), transform },
    parent,
  );
  return new aws.scheduler.Schedule(
    logical,
    {
      name: physicalName(logical, "schedule"),
      groupName: group.name,
      scheduleExpression: "expression" in translated ? translated.expression : "",
      scheduleExpressionTimezone: timeZone,
      flexibleTimeWindow: { mode: "OFF" },
      target: {
        arn: queue.arn,
        roleArn: role.arn,
        input,
        retryPolicy: patience,
        deadLetterConfig: { arn: dead.arn },
      },
    },
    { parent, dependsOn: policy },
  );
}
