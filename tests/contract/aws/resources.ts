import {
  type CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { CreateTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, type S3Client } from "@aws-sdk/client-s3";
import { CreateSecretCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { CreateQueueCommand, GetQueueAttributesCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { uniqueName } from "./emulator.ts";

/** A table as the adapter expects it. @returns its name */
export async function createTable(client: DynamoDBClient): Promise<string> {
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
