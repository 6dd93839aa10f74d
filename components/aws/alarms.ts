import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { physicalName } from "../shared/naming.ts";

/** What calls for somebody: a metric of AWS, and from where on. */
export interface Alarm {
  readonly says: string;
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, pulumi.Input<string>>>;
  readonly statistic: "Maximum" | "Sum";
  /** Above this it calls. */
  readonly above: number;
  /** In seconds. Default: 300 */
  readonly period?: number;
  /** For how many periods in a row. Default: 1 */
  readonly periods?: number;
}

/** A message waits too long after so many seconds (15 min), or after three tries of a slow one. */
const oldSeconds = 900;
/** One bad period may be a deployment; three in a row are not. */
const inARow = 3;

/** Somebody has to look at each dead letter: nobody else will. */
export const deadLetterAlarm = (QueueName: pulumi.Input<string>): Alarm => ({
  says: "Messages that no try could handle: read their reasons, then redrive or discard them",
  namespace: "AWS/SQS",
  metric: "ApproximateNumberOfMessagesVisible",
  dimensions: { QueueName },
  statistic: "Maximum",
  above: 0,
  period: 60,
});

export const ageAlarm = (QueueName: pulumi.Input<string>, visibilitySeconds: number): Alarm => ({
  says: "Messages wait: the consumer is down, or slower than they come",
  namespace: "AWS/SQS",
  metric: "ApproximateAgeOfOldestMessage",
  dimensions: { QueueName },
  statistic: "Maximum",
  above: Math.max(oldSeconds, 3 * visibilitySeconds),
});

export const functionAlarms = (
  FunctionName: pulumi.Input<string>,
): Readonly<Record<"errors" | "throttles", Alarm>> => {
  const common = {
    namespace: "AWS/Lambda",
    dimensions: { FunctionName },
    statistic: "Sum",
    above: 0,
    periods: inARow,
  } as const;
  return {
    errors: { ...common, says: "The function fails again and again", metric: "Errors" },
    throttles: {
      ...common,
      says: "The function is turned away: raise its concurrency, or the account's",
      metric: "Throttles",
    },
  };
};

/** A reader that is behind delays everything after it, and loses what its source forgets. */
export const behindAlarm = (FunctionName: pulumi.Input<string>): Alarm => ({
  says: "The reader is behind: a record stops it, or it is slower than they come",
  namespace: "AWS/Lambda",
  metric: "IteratorAge",
  dimensions: { FunctionName },
  statistic: "Maximum",
  above: oldSeconds * 1000,
});

export const executionAlarm = (StateMachineArn: pulumi.Input<string>): Alarm => ({
  says: "Executions that could not be undone: somebody has to put them right",
  namespace: "AWS/States",
  metric: "ExecutionsFailed",
  dimensions: { StateMachineArn },
  statistic: "Sum",
  above: 0,
});

/** Where the tasks of a workload report to (runtime/metrics.ts). */
export const reportedNamespace = "Spillway";

/** Nobody has begun what is refused: clients are told to try again, and some will not. */
export const refusedAlarm = (workload: pulumi.Input<string>): Alarm => ({
  says: "Requests are refused: more tasks are needed, or more overflow",
  namespace: reportedNamespace,
  metric: "refused",
  dimensions: { workload },
  statistic: "Sum",
  above: 0,
});

/** A call that would pass the budget is not made, so that a task's share of it comes close to 1 at most. */
const nearlySpent = 0.9;

export const overflowAlarms = (
  workload: pulumi.Input<string>,
): Readonly<Record<"budget" | "breaker", Alarm>> => {
  const common = {
    namespace: reportedNamespace,
    dimensions: { workload },
    statistic: "Maximum",
  } as const;
  return {
    budget: {
      ...common,
      says: "The hour's budget of overflow is nearly spent, and then requests are refused: add tasks, or raise overflow.perHourUsd",
      metric: "budgetShare",
      above: nearlySpent,
    },
    breaker: {
      ...common,
      says: "The function twin fails, so that nothing is handed to it: see its logs",
      metric: "breakerOpen",
      above: 0,
    },
  };
};

/**
 * Makes an alarm. No data is no alarm: most of these metrics are silent while all is well.
 * @param topicArn who is told. Default: nobody; it can still be seen
 */
export const alarm = (
  logical: string,
  { says, namespace, metric, dimensions, statistic, above, period = 300, periods = 1 }: Alarm,
  topicArn: pulumi.Input<string> | undefined,
  parent: pulumi.Resource,
): aws.cloudwatch.MetricAlarm =>
  new aws.cloudwatch.MetricAlarm(
    logical,
    {
      name: physicalName(logical, "alarm"),
      alarmDescription: says,
      namespace,
      metricName: metric,
      dimensions,
      statistic,
      comparisonOperator: "GreaterThanThreshold",
      threshold: above,
      period,
      evaluationPeriods: periods,
      treatMissingData: "notBreaching",
      ...(topicArn !== undefined && { alarmActions: [topicArn], okActions: [topicArn] }),
    },
    { parent },
  );
