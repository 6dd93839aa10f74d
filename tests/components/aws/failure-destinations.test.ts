import * as aws from "@pulumi/aws";
import { expect, test } from "vitest";
import { runUnderMocks } from "../harness.ts";
import { withoutFailureDestination } from "./failure-destinations.ts";

const topic = "arn:aws:sns:eu-central-1:123456789012:news";
const role = "arn:aws:iam::123456789012:role/r";
const invoked = "arn:aws:lambda:eu-central-1:123456789012:function:f";
/** A queue whose dead letters somebody watches: nothing is wrong with it. */
const sound = () => {
  const dead = new aws.sqs.Queue("dead", { name: "dead" });
  const redrivePolicy = dead.arn.apply((arn) => JSON.stringify({ deadLetterTargetArn: arn }));
  const queue = new aws.sqs.Queue("queue", { name: "queue", redrivePolicy });
  new aws.sqs.RedriveAllowPolicy("r", { queueUrl: dead.url, redriveAllowPolicy: "{}" });
  new aws.cloudwatch.MetricAlarm("a", {
    metricName: "ApproximateNumberOfMessagesVisible",
    threshold: 0,
    dimensions: { QueueName: "dead" },
    comparisonOperator: "GreaterThanThreshold",
    evaluationPeriods: 1,
  });
  return { queue, dead, redrivePolicy };
};
type Sound = ReturnType<typeof sound>;

/** What the rules say of something added to what is sound. */
const faults = async (add: (given: Sound) => void) =>
  withoutFailureDestination(await runUnderMocks(() => void add(sound())));

// What finds nothing must be shown to find something.
test.each<[string, (given: Sound) => void, string]>([
  ["a queue", () => new aws.sqs.Queue("alone", { name: "alone" }), "alone: has no dead letters"],
  [
    "a subscription",
    ({ queue }) =>
      new aws.sns.TopicSubscription("s", { topic, protocol: "sqs", endpoint: queue.arn }),
    "undefined is no dead-letter queue",
  ],
  [
    "a subscription whose dead letters have dead letters",
    ({ queue, redrivePolicy: _ }) =>
      new aws.sns.TopicSubscription("s", {
        topic,
        protocol: "sqs",
        endpoint: queue.arn,
        redrivePolicy: queue.arn.apply((arn) => JSON.stringify({ deadLetterTargetArn: arn })),
      }),
    ":queue is no dead-letter queue",
  ],
  [
    "a rule without a target",
    () => new aws.cloudwatch.EventRule("rule", { name: "rule", eventPattern: "{}" }),
    "rule: has no target",
  ],
  [
    "a target",
    ({ queue }) => new aws.cloudwatch.EventTarget("t", { rule: "rule", arn: queue.arn }),
    "undefined is no dead-letter queue",
  ],
  [
    "a schedule",
    ({ queue }) =>
      new aws.scheduler.Schedule("s", {
        scheduleExpression: "rate(1 hour)",
        flexibleTimeWindow: { mode: "OFF" },
        target: { arn: queue.arn, roleArn: role },
      }),
    "undefined is no dead-letter queue",
  ],
  [
    "a reader of a stream",
    () =>
      new aws.lambda.EventSourceMapping("m", {
        functionName: invoked,
        eventSourceArn: "arn:aws:kinesis:eu-central-1:123456789012:stream/clicks",
        functionResponseTypes: ["ReportBatchItemFailures"],
      }),
    "undefined is no dead-letter queue",
  ],
  [
    "a batch that fails as a whole",
    ({ queue }) =>
      new aws.lambda.EventSourceMapping("m", {
        functionName: invoked,
        eventSourceArn: queue.arn,
      }),
    "m: a failure fails its whole batch",
  ],
  [
    "a function that nobody waits for",
    () => new aws.lambda.Function("f", { name: "f", role }),
    "f: nobody sees a call of it fail",
  ],
  [
    "a function that a service calls without waiting",
    () => {
      new aws.lambda.Function("f", { name: "f", role });
      new aws.lambda.Permission("p", {
        action: "lambda:InvokeFunction",
        function: "f",
        principal: "s3.amazonaws.com",
      });
    },
    "f: nobody sees a call of it fail",
  ],
  [
    "a bucket that calls a function",
    () =>
      new aws.s3.BucketNotification("n", {
        bucket: "b",
        lambdaFunctions: [{ lambdaFunctionArn: invoked, events: ["s3:ObjectCreated:*"] }],
      }),
    "n: tells others than queues",
  ],
  [
    "a state that catches nothing",
    () =>
      new aws.sfn.StateMachine("m", {
        roleArn: role,
        definition: JSON.stringify({ States: { step: { Type: "Task" } } }),
      }),
    'm: state "step" catches nothing',
  ],
  [
    "dead letters that nobody watches",
    () => {
      const dead = new aws.sqs.Queue("d2", { name: "d2" });
      const redrivePolicy = dead.arn.apply((arn) => JSON.stringify({ deadLetterTargetArn: arn }));
      new aws.sqs.Queue("q2", { name: "q2", redrivePolicy });
    },
    ":d2: no alarm tells of a dead letter",
  ],
])("%s is found to be without a failure destination", async (_, add, fault) => {
  expect((await faults(add)).join("\n")).toContain(fault);
});

test("what is sound is found to be so", async () => {
  expect(await faults(() => {})).toEqual([]);
});
