import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { Alerts, type AlertsArgs } from "../../../components/aws/Alerts.ts";
import { awsInvoke, type MockOptions, runUnderMocks } from "../harness.ts";
import { withoutFailureDestination } from "./failure-destinations.ts";

const type = {
  alarm: "aws:cloudwatch/metricAlarm:MetricAlarm",
  anomalies: "aws:costexplorer/anomalySubscription:AnomalySubscription",
  budget: "aws:budgets/budget:Budget",
  key: "aws:kms/key:Key",
  monitor: "aws:costexplorer/anomalyMonitor:AnomalyMonitor",
  policy: "aws:sns/topicPolicy:TopicPolicy",
  subscription: "aws:sns/topicSubscription:TopicSubscription",
  topic: "aws:sns/topic:Topic",
} as const;

const topic = "arn:aws:sns:eu-central-1:123456789012:shop-dev-alerts";
const monitor = "arn:aws:ce::123456789012:anomalymonitor/9b2f5b1e-0d2c-4f0e-8d5a-2f5f0c6f1f10";

const alerts = (args: AlertsArgs = {}, outputs?: MockOptions["outputs"]) =>
  runUnderMocks(() => new Alerts("alerts", args), {
    project: "shop",
    stack: "dev",
    invoke: awsInvoke,
    outputs,
  });
const sendersIn = (statements: readonly { readonly Principal?: unknown }[]) =>
  statements.flatMap(
    ({ Principal }) => (Principal as { Service?: string | string[] }).Service ?? [],
  );

describe("the topic", () => {
  test("is encrypted with a key of its own, which alarms may use: AWS's own they may not", async () => {
    const graph = await alerts();
    const key = graph.find(type.key);
    expect(key.inputs.enableKeyRotation).toBe(true);
    expect(graph.find(type.topic).inputs).toMatchObject({
      name: "shop-dev-alerts",
      kmsMasterKeyId: "arn:aws:kms:eu-central-1:123456789012:key/alerts-key",
    });
    const [, senders] = graph.policy(key.name).Statement;
    expect(senders).toMatchObject({
      Principal: { Service: ["cloudwatch.amazonaws.com"] },
      Action: ["kms:Decrypt", "kms:GenerateDataKey"],
    });
  });

  test("refuses everybody without TLS", async () => {
    const [first] = (await alerts()).policy("alerts-tls").Statement;
    expect(first).toMatchObject({
      Effect: "Deny",
      Principal: "*",
      Resource: [topic],
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    });
  });

  test("takes alarms of this stack and of no other", async () => {
    const graph = await alerts();
    const [, ...allowed] = graph.policy("alerts-tls").Statement;
    expect(allowed).toEqual([
      {
        Sid: "Sender1",
        Effect: "Allow",
        Principal: { Service: "cloudwatch.amazonaws.com" },
        Action: ["sns:Publish"],
        Resource: [topic],
        Condition: {
          StringEquals: { "aws:SourceAccount": "123456789012" },
          ArnLike: {
            "aws:SourceArn": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:shop-dev-*",
          },
        },
      },
    ]);
  });

  test("takes news of costs only where costs are watched, each of this account", async () => {
    const graph = await alerts({ monthlyBudget: 400 });
    const [, ...allowed] = graph.policy("alerts-tls").Statement;
    const expected = [
      "cloudwatch.amazonaws.com",
      "budgets.amazonaws.com",
      "costalerts.amazonaws.com",
    ];
    expect(sendersIn(allowed)).toEqual(expected);
    for (const { Condition } of allowed)
      expect(Condition?.StringEquals).toEqual({ "aws:SourceAccount": "123456789012" });
    expect(sendersIn(graph.policy("alerts-key").Statement)).toEqual(expected);
  });
});

describe("mail", () => {
  test("goes to the address that is given; what cannot be delivered is kept, and seen", async () => {
    const graph = await alerts({ email: "ops@shop.example" });
    expect(graph.find(type.subscription).inputs).toMatchObject({
      topic,
      protocol: "email",
      endpoint: "ops@shop.example",
    });
    expect(withoutFailureDestination(graph)).toEqual([]);
    // To tell of it by mail would not be delivered either.
    expect(graph.find(type.alarm).inputs.alarmActions).toBeUndefined();
    const { Statement } = graph.policy("alerts-dead-tls");
    expect(sendersIn(Statement)).toEqual(["sns.amazonaws.com"]);
  });

  test("goes to nobody where no address is given, which is said", async () => {
    const graph = await alerts();
    expect(graph.all(type.subscription)).toEqual([]);
    expect(graph.logs.map(({ message }) => message)).toContain(
      "Alerts: alarms are mailed to nobody; set alarmEmail, or subscribe to their topic",
    );
  });
});

describe("costs", () => {
  test("are not watched without a budget, which is said", async () => {
    const graph = await alerts();
    for (const token of [type.budget, type.monitor, type.anomalies])
      expect(graph.all(token)).toEqual([]);
    expect(graph.logs.map(({ message }) => message)).toContain(
      "Alerts: no budget is watched; set monthlyBudget, in USD",
    );
  });

  test("are told of by the month: what was spent, and what it will come to", async () => {
    const graph = await alerts({ monthlyBudget: 400 });
    const { notifications, ...budget } = graph.find(type.budget).inputs;
    expect(budget).toMatchObject({
      name: "shop-dev-alerts",
      budgetType: "COST",
      timeUnit: "MONTHLY",
      limitAmount: "400",
      limitUnit: "USD",
    });
    expect(notifications).toEqual(
      [
        ["ACTUAL", 80],
        ["ACTUAL", 100],
        ["FORECASTED", 100],
      ].map(([notificationType, threshold]) => ({
        notificationType,
        threshold,
        thresholdType: "PERCENTAGE",
        comparisonOperator: "GREATER_THAN",
        subscriberSnsTopicArns: [topic],
      })),
    );
  });

  test("are told of where they are unusual by a tenth of the budget, at once", async () => {
    const graph = await alerts({ monthlyBudget: 400 });
    expect(graph.find(type.monitor).inputs).toMatchObject({
      monitorType: "DIMENSIONAL",
      monitorDimension: "SERVICE",
    });
    expect(graph.find(type.anomalies).inputs).toMatchObject({
      frequency: "IMMEDIATE",
      monitorArnLists: [expect.stringMatching(/anomalymonitor\/shop-dev-alerts$/)],
      subscribers: [{ type: "SNS", address: topic }],
      thresholdExpression: {
        dimension: {
          key: "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
          matchOptions: ["GREATER_THAN_OR_EQUAL"],
          values: ["40"],
        },
      },
    });
  });

  test("use the account's own monitor where there is one: an account has no second", async () => {
    const graph = await alerts({ monthlyBudget: 5, anomalyMonitor: monitor });
    expect(graph.all(type.monitor)).toEqual([]);
    const { monitorArnLists, thresholdExpression } = graph.find(type.anomalies).inputs;
    expect(monitorArnLists).toEqual([monitor]);
    expect(thresholdExpression.dimension.values).toEqual(["1"]);
  });

  test("wait for the topic to take them", async () => {
    const graph = await alerts({ monthlyBudget: 400 });
    for (const token of [type.budget, type.anomalies])
      expect(graph.dependencies(graph.find(token)).map(({ name }) => name)).toContain("alerts-tls");
  });
});

test("every child can be changed by its transform", async () => {
  const changed = <T extends object>(args: T) => ({ ...args, tags: { seen: "yes" } });
  const graph = await alerts({
    email: "ops@shop.example",
    monthlyBudget: 400,
    transform: {
      key: changed,
      topic: changed,
      budget: changed,
      monitor: changed,
      anomalies: changed,
      subscription: (args) => ({ ...args, protocol: "email-json" }),
    },
  });
  for (const token of [type.key, type.topic, type.budget, type.monitor, type.anomalies])
    expect(graph.find(token).inputs.tags, token).toEqual({ seen: "yes" });
  expect(graph.find(type.subscription).inputs.protocol).toBe("email-json");
});

describe("what cannot be", () => {
  test("is refused before any resource is made, all of it in one message", async () => {
    const made: string[] = [];
    const faulty = alerts(
      { email: "ops", monthlyBudget: 0, anomalyMonitor: "arn:aws:sns:x" },
      (resource) => void made.push(resource.type),
    );
    await expect(faulty).rejects.toThrow(
      [
        'Alerts "alerts": 3 faults',
        '  - email "ops"; give one address',
        "  - monthlyBudget 0; give dollars above 0, or leave it out",
        '  - anomalyMonitor "arn:aws:sns:x"; give the ARN of a monitor of AWS Cost Anomaly Detection',
      ].join("\n"),
    );
    expect(made.filter((token) => token.startsWith("aws:"))).toEqual([]);
  });

  test("a monitor without a budget is refused, an address that is known later is not", async () => {
    await expect(alerts({ anomalyMonitor: monitor })).rejects.toThrow(
      'Alerts "alerts": anomalyMonitor without monthlyBudget, by which anomalies are weighed; give both',
    );
    const graph = await alerts({ email: pulumi.output("ops@shop.example") });
    expect(graph.find(type.subscription).inputs.endpoint).toBe("ops@shop.example");
  });
});
