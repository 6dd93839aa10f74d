import * as pulumi from "@pulumi/pulumi";
import { type Fault, plainFaults } from "../../shared/validation.ts";
import type { Account } from "../account.ts";
import { tlsOnlyStatement } from "../bucket.ts";

/** What decides about alerts; all plain but what is marked as Input. */
export interface AlertPlan {
  /** Who gets them by e-mail, once the link in the first mail was followed. Default: nobody */
  readonly email?: pulumi.Input<string>;
  /** What the account may cost in a month, in USD. Default: costs are not watched */
  readonly monthlyBudget?: number;
  /**
   * ARN of the account's monitor of cost anomalies, of which AWS allows one over all services
   * (getting started with Cost Anomaly Detection, read 2026-11). Default: with a budget, it is made
   */
  readonly anomalyMonitor?: pulumi.Input<string>;
}

/** Everything that keeps alerts from being deployed. */
export const alertFaults = ({ email, monthlyBudget, anomalyMonitor }: AlertPlan): Fault[] => [
  ...plainFaults(email, (given) =>
    /^[^\s@]+@[^\s@]+$/.test(given) ? undefined : `email "${given}"; give one address`,
  ),
  ...(monthlyBudget === undefined || (monthlyBudget > 0 && Number.isFinite(monthlyBudget))
    ? []
    : [`monthlyBudget ${monthlyBudget}; give dollars above 0, or leave it out`]),
  ...plainFaults(anomalyMonitor, (given) =>
    /^arn:[\w-]+:ce::\d{12}:anomalymonitor\/[\w-]+$/.test(given)
      ? undefined
      : `anomalyMonitor "${given}"; give the ARN of a monitor of AWS Cost Anomaly Detection`,
  ),
  ...(anomalyMonitor !== undefined && monthlyBudget === undefined
    ? ["anomalyMonitor without monthlyBudget, by which anomalies are weighed; give both"]
    : []),
];

/** Shares of a budget that are told of, in percent: spent, spent whole, and about to be. */
export const budgetMarks = [
  { notificationType: "ACTUAL", threshold: 80 },
  { notificationType: "ACTUAL", threshold: 100 },
  { notificationType: "FORECASTED", threshold: 100 },
] as const;

/** An anomaly is told of from a tenth of the month's budget on, in whole USD. */
export const anomalyThreshold = (monthlyBudget: number): string =>
  String(Math.max(1, Math.round(monthlyBudget / 10)));

const alarmSender = "cloudwatch.amazonaws.com";
const budgetSender = "budgets.amazonaws.com";
const anomalySender = "costalerts.amazonaws.com";

const sendersOf = ({ monthlyBudget }: AlertPlan) =>
  monthlyBudget === undefined ? [alarmSender] : [alarmSender, budgetSender, anomalySender];

/**
 * Alarms cannot use the key that AWS manages for SNS, and each sender calls KMS by itself
 * (re:Post, "Configure a CloudWatch alarm for an encrypted SNS topic", read 2026-11). Not each says
 * there for which account it calls: who may send, the topic's policy decides.
 */
export const keyPolicy = (plan: AlertPlan, { partition, id }: Account): string =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        // In a key's policy "*" is the key. Without its account, nobody could ever change it.
        Sid: "Account",
        Effect: "Allow",
        Principal: { AWS: `arn:${partition}:iam::${id}:root` },
        Action: "kms:*",
        Resource: "*",
      },
      {
        Sid: "Senders",
        Effect: "Allow",
        Principal: { Service: sendersOf(plan) },
        Action: ["kms:Decrypt", "kms:GenerateDataKey"],
        Resource: "*",
      },
    ],
  });

/**
 * Refuses everybody without TLS, and lets this stack's alarms and the account's costs send.
 * @param alarmPrefix how the names of the stack's alarms begin
 */
export function topicPolicy(
  plan: AlertPlan,
  arn: pulumi.Input<string>,
  { partition, region, id }: Account,
  alarmPrefix: string,
): pulumi.Output<string> {
  const onBehalfOf: Readonly<Record<string, string>> = {
    [alarmSender]: `arn:${partition}:cloudwatch:${region}:${id}:alarm:${alarmPrefix}*`,
    [budgetSender]: `arn:${partition}:budgets::${id}:*`,
  };
  return pulumi.jsonStringify({
    Version: "2012-10-17",
    Statement: [
      // SNS takes no wildcard here.
      tlsOnlyStatement(["sns:Publish", "sns:Subscribe"], arn),
      ...sendersOf(plan).map((service, index) => ({
        Sid: `Sender${index + 1}`,
        Effect: "Allow",
        Principal: { Service: service },
        Action: "sns:Publish",
        Resource: arn,
        Condition: {
          StringEquals: { "aws:SourceAccount": id },
          ...(onBehalfOf[service] && { ArnLike: { "aws:SourceArn": onBehalfOf[service] } }),
        },
      })),
    ],
  });
}
