import {
  type CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { CreateTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  CreateEventBusCommand,
  type EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import { CreateStreamCommand, type KinesisClient } from "@aws-sdk/client-kinesis";
import { CreateBucketCommand, type S3Client } from "@aws-sdk/client-s3";
import { CreateScheduleGroupCommand, type SchedulerClient } from "@aws-sdk/client-scheduler";
import { CreateSecretCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { CreateTopicCommand, type SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { CreateQueueCommand, GetQueueAttributesCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { type Pattern, toEventPattern } from "../../../spec/index.ts";
import { uniqueName } from "./emulator.ts";

/**
 * A table as the adapter expects it.
 * @param changes whether it has a change feed. Default: false
 * @returns its name
 */
export async function createTable(client: DynamoDBClient, changes = false): Promise<string> {
  const TableName = uniqueName("table");
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [
        { AttributeName: "pk", AttributeType: "S" },
        { AttributeName: "sk", AttributeType: "S" },
      ],
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      ...(changes
        ? { StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" } }
        : {}),
    }),
  );
  return TableName;
}

/** @returns the bucket's name */
export async function createBucket(client: S3Client): Promise<string> {
  const Bucket = uniqueName("bucket");
  await client.send(new CreateBucketCommand({ Bucket }));
  return Bucket;
}

/**
 * A queue with a dead-letter queue that is called like it, with `-dead` behind.
 * @returns both URLs
 */
export async function createQueue(
  client: SQSClient,
  { maxReceives = 3, visibilitySeconds = 30 } = {},
): Promise<{ location: string; dead: string }> {
  const name = uniqueName("queue");
  const create = async (QueueName: string, Attributes: Record<string, string> = {}) => {
    const { QueueUrl = "" } = await client.send(new CreateQueueCommand({ QueueName, Attributes }));
    return QueueUrl;
  };
  const dead = await create(`${name}-dead`);
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: dead, AttributeNames: ["QueueArn"] }),
  );
  const location = await create(name, {
    VisibilityTimeout: String(visibilitySeconds),
    RedrivePolicy: JSON.stringify({
      deadLetterTargetArn: Attributes?.QueueArn,
      maxReceiveCount: maxReceives,
    }),
  });
  return { location, dead };
}

/** @returns the schedule group's name */
export async function createScheduleGroup(client: SchedulerClient): Promise<string> {
  const Name = uniqueName("later");
  await client.send(new CreateScheduleGroupCommand({ Name }));
  return Name;
}

/** @returns the secret's ARN */
export async function createSecret(client: SecretsManagerClient, value?: string): Promise<string> {
  const { ARN = "" } = await client.send(
    new CreateSecretCommand({ Name: uniqueName("secret"), SecretString: value }),
  );
  return ARN;
}

/** A pool of users by e-mail, with passwords of 12 characters, and a public app client. */
export async function createPool(
  client: CognitoIdentityProviderClient,
): Promise<{ pool: string; location: string }> {
  const { UserPool } = await client.send(
    new CreateUserPoolCommand({
      PoolName: uniqueName("pool"),
      UsernameAttributes: ["email"],
      AutoVerifiedAttributes: ["email"],
      Policies: {
        PasswordPolicy: {
          MinimumLength: 12,
          RequireLowercase: false,
          RequireUppercase: false,
          RequireNumbers: false,
          RequireSymbols: false,
        },
      },
    }),
  );
  const { UserPoolClient } = await client.send(
    new CreateUserPoolClientCommand({
      UserPoolId: UserPool?.Id,
      ClientName: "web",
      GenerateSecret: false,
      ExplicitAuthFlows: [
        "ALLOW_USER_PASSWORD_AUTH",
        "ALLOW_CUSTOM_AUTH",
        "ALLOW_REFRESH_TOKEN_AUTH",
      ],
      PreventUserExistenceErrors: "ENABLED",
    }),
  );
  return { pool: UserPool?.Id ?? "", location: UserPoolClient?.ClientId ?? "" };
}

const queueArn = async (client: SQSClient, QueueUrl: string): Promise<string> => {
  const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] });
  return (await client.send(command)).Attributes?.QueueArn ?? "";
};

/**
 * A topic with a queue for each filter.
 * @returns the topic's ARN and the queues' URLs
 */
export async function createTopic(
  { sns, sqs }: { readonly sns: SNSClient; readonly sqs: SQSClient },
  filters: readonly (Readonly<Record<string, readonly string[]>> | undefined)[] = [],
): Promise<{ location: string; queues: string[] }> {
  const { TopicArn = "" } = await sns.send(new CreateTopicCommand({ Name: uniqueName("topic") }));
  const queues: string[] = [];
  for (const filter of filters) {
    const { location } = await createQueue(sqs);
    await sns.send(
      new SubscribeCommand({
        TopicArn,
        Protocol: "sqs",
        Endpoint: await queueArn(sqs, location),
        Attributes: {
          RawMessageDelivery: "true",
          ...(filter ? { FilterPolicy: JSON.stringify(filter) } : {}),
        },
      }),
    );
    queues.push(location);
  }
  return { location: TopicArn, queues };
}

/**
 * A bus with a rule and a queue for each pattern.
 * @returns the bus' name and the queues' URLs
 */
export async function createBus(
  { events, sqs }: { readonly events: EventBridgeClient; readonly sqs: SQSClient },
  patterns: readonly (Pattern | undefined)[] = [],
): Promise<{ location: string; queues: string[] }> {
  const EventBusName = uniqueName("bus");
  await events.send(new CreateEventBusCommand({ Name: EventBusName }));
  const queues: string[] = [];
  for (const pattern of patterns) {
    const { location } = await createQueue(sqs);
    const Rule = uniqueName("rule");
    const EventPattern = JSON.stringify(toEventPattern(pattern));
    await events.send(new PutRuleCommand({ Name: Rule, EventBusName, EventPattern }));
    const Targets = [{ Id: "queue", Arn: await queueArn(sqs, location) }];
    await events.send(new PutTargetsCommand({ Rule, EventBusName, Targets }));
    queues.push(location);
  }
  return { location: EventBusName, queues };
}

/** @returns the stream's name */
export async function createStream(client: KinesisClient, ShardCount = 2): Promise<string> {
  const StreamName = uniqueName("stream");
  await client.send(new CreateStreamCommand({ StreamName, ShardCount }));
  return StreamName;
}
