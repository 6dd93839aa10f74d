import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  CreateEventBusCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import { CreateStreamCommand, KinesisClient } from "@aws-sdk/client-kinesis";
import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { CreateScheduleGroupCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { CreateEmailIdentityCommand, SESv2Client } from "@aws-sdk/client-sesv2";
import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { Graph, Resource } from "../components/harness.ts";
import { emulator } from "../contract/aws/emulator.ts";
import { region } from "./program.ts";

/** Clients of the emulated account, in the region of the graph. */
export const clientsOf = () => {
  const there = { ...emulator, region };
  return {
    dynamodb: new DynamoDBClient(there),
    events: new EventBridgeClient(there),
    // This client alone speaks HTTP/2 unless told otherwise.
    kinesis: new KinesisClient({ ...there, requestHandler: new NodeHttpHandler() }),
    s3: new S3Client({ ...there, forcePathStyle: true }),
    scheduler: new SchedulerClient(there),
    secrets: new SecretsManagerClient(there),
    ses: new SESv2Client(there),
    sns: new SNSClient(there),
    sqs: new SQSClient(there),
  };
};
export type Clients = ReturnType<typeof clientsOf>;

type Make = (clients: Clients, resource: Resource, graph: Graph) => Promise<unknown>;

const texts = (attributes: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]],
    ),
  );

const queue: Make = ({ sqs }, { inputs }) =>
  sqs.send(
    new CreateQueueCommand({
      QueueName: inputs.name,
      Attributes: texts({
        VisibilityTimeout: inputs.visibilityTimeoutSeconds,
        MaximumMessageSize: inputs.maxMessageSize,
        MessageRetentionPeriod: inputs.messageRetentionSeconds,
        RedrivePolicy: inputs.redrivePolicy,
      }),
    }),
  );

/** The bucket's name, as the graph's mocks made it up from its prefix. */
export const bucketName = ({ inputs }: Resource): string => `${inputs.bucketPrefix}1a2b3c`;

/**
 * How what events and data go through is made from a graph's inputs, in this order. Types that are
 * not here (policies, alarms, logs) are not needed for that: the emulator asks for no permission.
 */
const makers: readonly (readonly [type: string, make: Make])[] = [
  // A queue is refused whose dead letters have nowhere to go.
  ["aws:sqs/queue:Queue", async (...given) => !given[1].inputs.redrivePolicy && queue(...given)],
  ["aws:sqs/queue:Queue", async (...given) => given[1].inputs.redrivePolicy && queue(...given)],
  [
    "aws:dynamodb/table:Table",
    ({ dynamodb }, { inputs }) =>
      dynamodb.send(
        new CreateTableCommand({
          TableName: inputs.name,
          BillingMode: inputs.billingMode,
          KeySchema: [
            { AttributeName: inputs.hashKey, KeyType: "HASH" },
            { AttributeName: inputs.rangeKey, KeyType: "RANGE" },
          ],
          AttributeDefinitions: inputs.attributes.map((one: { name: string; type: "S" }) => ({
            AttributeName: one.name,
            AttributeType: one.type,
          })),
          StreamSpecification: inputs.streamEnabled && {
            StreamEnabled: true,
            StreamViewType: inputs.streamViewType,
          },
        }),
      ),
  ],
  [
    "aws:s3/bucket:Bucket",
    ({ s3 }, bucket) =>
      s3.send(
        new CreateBucketCommand({
          Bucket: bucketName(bucket),
          CreateBucketConfiguration: { LocationConstraint: region },
        }),
      ),
  ],
  [
    "aws:s3/bucketVersioning:BucketVersioning",
    ({ s3 }, { inputs }) =>
      s3.send(
        new PutBucketVersioningCommand({
          Bucket: inputs.bucket,
          VersioningConfiguration: { Status: inputs.versioningConfiguration.status },
        }),
      ),
  ],
  [
    "aws:s3/bucketNotification:BucketNotification",
    ({ s3 }, { inputs }) =>
      s3.send(
        new PutBucketNotificationConfigurationCommand({
          Bucket: inputs.bucket,
          NotificationConfiguration: {
            QueueConfigurations: inputs.queues.map(
              (one: {
                queueArn: string;
                events: "s3:ObjectCreated:*"[];
                filterPrefix: string;
              }) => ({
                QueueArn: one.queueArn,
                Events: one.events,
                Filter: { Key: { FilterRules: [{ Name: "prefix", Value: one.filterPrefix }] } },
              }),
            ),
          },
        }),
      ),
  ],
  [
    "aws:sns/topic:Topic",
    ({ sns }, { inputs }) => sns.send(new CreateTopicCommand({ Name: inputs.name })),
  ],
  [
    "aws:sns/topicSubscription:TopicSubscription",
    ({ sns }, { inputs }) =>
      sns.send(
        new SubscribeCommand({
          TopicArn: inputs.topic,
          Protocol: inputs.protocol,
          Endpoint: inputs.endpoint,
          Attributes: texts({
            RawMessageDelivery: inputs.rawMessageDelivery,
            FilterPolicy: inputs.filterPolicy,
            FilterPolicyScope: inputs.filterPolicyScope,
          }),
        }),
      ),
  ],
  [
    "aws:cloudwatch/eventBus:EventBus",
    ({ events }, { inputs }) => events.send(new CreateEventBusCommand({ Name: inputs.name })),
  ],
  [
    "aws:cloudwatch/eventRule:EventRule",
    ({ events }, { inputs }) =>
      events.send(
        new PutRuleCommand({
          Name: inputs.name,
          EventBusName: inputs.eventBusName,
          EventPattern: inputs.eventPattern,
        }),
      ),
  ],
  [
    "aws:cloudwatch/eventTarget:EventTarget",
    ({ events }, { inputs }) =>
      events.send(
        new PutTargetsCommand({
          Rule: inputs.rule,
          EventBusName: inputs.eventBusName,
          Targets: [{ Id: inputs.targetId, Arn: inputs.arn }],
        }),
      ),
  ],
  [
    "aws:kinesis/stream:Stream",
    ({ kinesis }, { inputs }) =>
      kinesis.send(
        new CreateStreamCommand({
          StreamName: inputs.name,
          StreamModeDetails: { StreamMode: inputs.streamModeDetails.streamMode },
        }),
      ),
  ],
  [
    "aws:secretsmanager/secret:Secret",
    ({ secrets }, { name, inputs }, graph) =>
      secrets.send(
        new CreateSecretCommand({
          // With the graph's ending: as far as the emulator reads its ARN.
          Name: `${inputs.namePrefix}AbCdEf`,
          SecretString: graph.resources.find(
            ({ type, inputs }) =>
              type === "aws:secretsmanager/secretVersion:SecretVersion" &&
              inputs.secretId === `${name}-id`,
          )?.inputs.secretString,
        }),
      ),
  ],
  [
    "aws:sesv2/emailIdentity:EmailIdentity",
    // The sender is the same in all stacks of the account.
    ({ ses }, { inputs }) =>
      ses
        .send(new CreateEmailIdentityCommand({ EmailIdentity: inputs.emailIdentity }))
        .catch((error) => {
          if (error.name !== "AlreadyExistsException") throw error;
        }),
  ],
  [
    "aws:scheduler/scheduleGroup:ScheduleGroup",
    ({ scheduler }, { inputs }) =>
      scheduler.send(new CreateScheduleGroupCommand({ Name: inputs.name })),
  ],
];

/** Makes in the emulated account what a graph says, with the names and ARNs that it says. */
export async function makeAll(graph: Graph, clients: Clients): Promise<void> {
  for (const [type, make] of makers)
    await Promise.all(graph.all(type).map((resource) => make(clients, resource, graph)));
}
