import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { physicalName } from "../../shared/naming.ts";
import { type Transform, transformed } from "../../shared/transform.ts";

/** What calls for somebody where it is more than a share of all. */
export interface ShareAlarm {
  readonly says: string;
  readonly namespace: string;
  readonly dimensions: Readonly<Record<string, pulumi.Input<string>>>;
  /** The metric that is counted, and the one of all. */
  readonly part: string;
  readonly whole: string;
  /** Above this share it calls, in percent. */
  readonly above: number;
}

/** The server's own errors, once one request in a hundred ends in one: rarer, clients try again. */
export const apiErrors = (ApiId: pulumi.Input<string>): ShareAlarm => ({
  says: "The API answers 5xx: see which workload's row has errors, and its logs",
  namespace: "AWS/ApiGateway",
  dimensions: { ApiId },
  part: "5xx",
  whole: "Count",
  above: 1,
});

/** A hook refuses by an error, which is no fault of its own; refusing most is. */
export const hookErrors = (FunctionName: pulumi.Input<string>): ShareAlarm => ({
  says: "The hook refuses most of what it is asked: it is broken, or somebody tries what they may not",
  namespace: "AWS/Lambda",
  dimensions: { FunctionName },
  part: "Errors",
  whole: "Invocations",
  above: 50,
});

const period = 300;
/** One bad period may be a deployment; three in a row are not. */
const inARow = 3;

/** Makes an alarm on a share. Without traffic there is no alarm. */
export const shareAlarm = (
  logical: string,
  { says, namespace, dimensions, part, whole, above }: ShareAlarm,
  options: {
    readonly topicArn?: pulumi.Input<string>;
    readonly transform?: Transform<aws.cloudwatch.MetricAlarmArgs>;
  },
  parent: pulumi.Resource,
): aws.cloudwatch.MetricAlarm => {
  const { topicArn, transform } = options;
  const sumOf = (id: string, metricName: string) => ({
    id,
    metric: { namespace, metricName, dimensions, period, stat: "Sum" },
  });
  return new aws.cloudwatch.MetricAlarm(
    logical,
    transformed(transform, logical, {
      name: physicalName(logical, "alarm"),
      alarmDescription: says,
      comparisonOperator: "GreaterThanThreshold",
      threshold: above,
      evaluationPeriods: inARow,
      treatMissingData: "notBreaching",
      metricQueries: [
        {
          id: "share",
          expression: "100 * part / whole",
          label: `${part} (%)`,
          returnData: true,
        },
        sumOf("part", part),
        sumOf("whole", whole),
      ],
      ...(topicArn !== undefined && { alarmActions: [topicArn], okActions: [topicArn] }),
    }),
    { parent },
  );
};
