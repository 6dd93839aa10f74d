import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { physicalName } from "../shared/naming.ts";
import type { Tasks } from "./Balancer.ts";
import type { Scaling } from "./scaling-plan.ts";

/** A service, and how far it may grow. */
export interface Scaled extends Scaling {
  readonly cluster: pulumi.Output<string>;
  readonly service: pulumi.Output<string>;
}

/** Added soon, removed slowly, in seconds: a task too many costs little, one too few costs answers. */
const cooldown = { out: 60, in: 300 } as const;

function scalable(name: string, { cluster, service, min, max }: Scaled, parent: pulumi.Resource) {
  const target = new aws.appautoscaling.Target(
    `${name}-scaling`,
    {
      serviceNamespace: "ecs",
      scalableDimension: "ecs:service:DesiredCount",
      resourceId: pulumi.interpolate`service/${cluster}/${service}`,
      minCapacity: min,
      maxCapacity: max,
    },
    { parent },
  );
  const { serviceNamespace, scalableDimension, resourceId } = target;
  return { serviceNamespace, scalableDimension, resourceId };
}

/** As many tasks as keep requests per task and minute at the aim. */
export function scaleOnRequests(
  name: string,
  scaled: Scaled,
  { targetGroup, listener }: Tasks,
  parent: pulumi.Resource,
): void {
  // The suffix of a load balancer's ARN stands in its listeners': app/<name>/<id>.
  const balancer = listener.arn.apply((arn) => arn.split(":listener/")[1]?.split("/", 3).join("/"));
  new aws.appautoscaling.Policy(
    `${name}-requests`,
    {
      ...scalable(name, scaled, parent),
      name: physicalName(`${name}-requests`, "alarm"),
      policyType: "TargetTrackingScaling",
      targetTrackingScalingPolicyConfiguration: {
        predefinedMetricSpecification: {
          predefinedMetricType: "ALBRequestCountPerTarget",
          resourceLabel: pulumi.interpolate`${balancer}/${targetGroup.arnSuffix}`,
        },
        targetValue: scaled.target,
        scaleOutCooldown: cooldown.out,
        scaleInCooldown: cooldown.in,
      },
    },
    { parent },
  );
}

/**
 * As many tasks as keep connections per task at the aim. The load balancer counts connections for all
 * of its listeners together, so tasks tell themselves: each logs its number as `Connections`, once a
 * minute, in a JSON line, and a filter of the workload's own logs makes the metric of it. So one
 * stack's metric is not mixed with another's of the same workload.
 */
export function scaleOnConnections(
  name: string,
  scaled: Scaled,
  logGroup: aws.cloudwatch.LogGroup,
  parent: pulumi.Resource,
): void {
  const metric = {
    namespace: `Spillway/${physicalName(name, "metricSpace")}`,
    name: "Connections",
  };
  const filter = new aws.cloudwatch.LogMetricFilter(
    `${name}-connections`,
    {
      name: physicalName(`${name}-connections`, "logGroup"),
      logGroupName: logGroup.name,
      pattern: "{ $.Connections = * }",
      metricTransformation: { ...metric, value: "$.Connections", unit: "Count" },
    },
    { parent },
  );
  new aws.appautoscaling.Policy(
    `${name}-connections`,
    {
      ...scalable(name, scaled, parent),
      name: physicalName(`${name}-connections`, "alarm"),
      policyType: "TargetTrackingScaling",
      targetTrackingScalingPolicyConfiguration: {
        customizedMetricSpecification: {
          namespace: metric.namespace,
          metricName: metric.name,
          // Of what each task says by itself: connections per task.
          statistic: "Average",
        },
        targetValue: scaled.target,
        scaleOutCooldown: cooldown.out,
        scaleInCooldown: cooldown.in,
      },
    },
    { parent, dependsOn: filter },
  );
}

/** The metrics that tell how far a queue is behind the tasks that read it. */
const backlogMetrics = ({ cluster, service }: Scaled, queue: pulumi.Input<string>) => ({
  waiting: {
    namespace: "AWS/SQS",
    metricName: "ApproximateNumberOfMessagesVisible",
    dimensions: { QueueName: queue },
  },
  inWork: {
    namespace: "AWS/SQS",
    metricName: "ApproximateNumberOfMessagesNotVisible",
    dimensions: { QueueName: queue },
  },
  running: {
    namespace: "ECS/ContainerInsights",
    metricName: "RunningTaskCount",
    dimensions: { ClusterName: cluster, ServiceName: service },
  },
});

/**
 * As many tasks as the backlog needs, none where there is none: messages that wait and that are in
 * work, per running task. Following a target cannot start from nothing, since nothing times anything
 * is nothing: a step to one task does that, while messages wait and no task runs.
 */
export function scaleOnBacklog(
  name: string,
  scaled: Scaled,
  queueArn: pulumi.Output<string>,
  parent: pulumi.Resource,
): void {
  const service = scalable(name, scaled, parent);
  const queue = queueArn.apply((arn) => arn.split(":").at(-1) ?? "");
  const metrics = Object.entries(backlogMetrics(scaled, queue));
  new aws.appautoscaling.Policy(
    `${name}-backlog`,
    {
      ...service,
      name: physicalName(`${name}-backlog`, "alarm"),
      policyType: "TargetTrackingScaling",
      targetTrackingScalingPolicyConfiguration: {
        customizedMetricSpecification: {
          metrics: [
            ...metrics.map(([id, { namespace, metricName, dimensions }]) => ({
              id: id.toLowerCase(),
              returnData: false,
              metricStat: {
                stat: "Maximum",
                metric: {
                  namespace,
                  metricName,
                  dimensions: Object.entries(dimensions).map(([key, value]) => ({
                    name: key,
                    value,
                  })),
                },
              },
            })),
            {
              id: "backlog",
              label: "Messages per running task",
              expression: "(waiting + inwork) / IF(FILL(running, 0) > 0, running, 1)",
              returnData: true,
            },
          ],
        },
        targetValue: scaled.target,
        scaleOutCooldown: cooldown.out,
        scaleInCooldown: cooldown.in,
      },
    },
    { parent },
  );
  if (scaled.min > 0) return;
  const wake = new aws.appautoscaling.Policy(
    `${name}-wake`,
    {
      ...service,
      name: physicalName(`${name}-wake`, "alarm"),
      policyType: "StepScaling",
      stepScalingPolicyConfiguration: {
        adjustmentType: "ExactCapacity",
        cooldown: cooldown.out,
        metricAggregationType: "Maximum",
        stepAdjustments: [{ metricIntervalLowerBound: "0", scalingAdjustment: 1 }],
      },
    },
    { parent },
  );
  new aws.cloudwatch.MetricAlarm(
    `${name}-wake`,
    {
      name: physicalName(`${name}-wake`, "alarm"),
      alarmDescription: "Messages wait and no task runs: the first is started, nobody need act",
      comparisonOperator: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      evaluationPeriods: 1,
      treatMissingData: "notBreaching",
      metricQueries: [
        ...metrics.map(([id, metric]) => ({
          id: id.toLowerCase(),
          metric: { ...metric, period: 60, stat: "Maximum" },
        })),
        {
          id: "asleep",
          label: "Messages wait and no task runs",
          expression: "IF(FILL(running, 0) < 1 AND waiting > 0, 1, 0)",
          returnData: true,
        },
      ],
      alarmActions: [wake.arn],
    },
    { parent },
  );
}
