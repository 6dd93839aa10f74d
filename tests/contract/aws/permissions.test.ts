import { CognitoIdentityProviderClient } from "@aws-sdk/client-cognito-identity-provider";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { ListQueuesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, describe, expect, it } from "vitest";
import { identity } from "../../../runtime/adapters/aws/identity.ts";
import { objectStore } from "../../../runtime/adapters/aws/object-store.ts";
import { queue } from "../../../runtime/adapters/aws/queue.ts";
import { queueConsumer } from "../../../runtime/adapters/aws/queue-consumer.ts";
import { secrets } from "../../../runtime/adapters/aws/secrets.ts";
import { table } from "../../../runtime/adapters/aws/table.ts";
import { recorder } from "../recording.ts";
import { emulator } from "./emulator.ts";
import { createBucket, createQueue, createSecret, createTable } from "./resources.ts";

/** What each verb of each port asks of IAM, seen in its calls: what a role's policy must grant. */
describe("aws permissions of", () => {
  const clients = {
    dynamodb: new DynamoDBClient(emulator),
    s3: new S3Client(emulator),
    sqs: new SQSClient(emulator),
    secrets: new SecretsManagerClient(emulator),
    cognito: new CognitoIdentityProviderClient(emulator),
  };
  const seen = recorder();
  const { plugin } = seen;
  const recorded = {
    dynamodb: plugin(new DynamoDBClient(emulator)),
    s3: plugin(new S3Client(emulator)),
    sqs: plugin(new SQSClient(emulator)),
    secrets: plugin(new SecretsManagerClient(emulator)),
    cognito: plugin(new CognitoIdentityProviderClient(emulator)),
  };
  afterAll(() => {
    for (const client of [...Object.values(clients), ...Object.values(recorded)]) client.destroy();
  });
  const needsOf = async (work: () => Promise<unknown>) => {
    seen.clear();
    await work();
    return seen.calls().map(({ action, resource }) => `${action} ${resource}`);
  };

  it("each verb of a table", async () => {
    const location = await createTable(clients.dynamodb);
    const port = table({ name: "catalog", location, client: recorded.dynamodb });
    const key = { pk: "p", sk: "s" };
    const arn = `arn:aws:dynamodb:us-east-1:123456789012:table/${location}`;
    expect(await needsOf(() => port.get(key))).toEqual([`dynamodb:GetItem ${arn}`]);
    expect(await needsOf(() => port.query("p"))).toEqual([`dynamodb:Query ${arn}`]);
    expect(await needsOf(() => port.put(key, {}))).toEqual([`dynamodb:PutItem ${arn}`]);
    expect(await needsOf(() => port.delete(key))).toEqual([`dynamodb:DeleteItem ${arn}`]);
    const puts = () => port.once("first", (writes) => writes.put(key, {}));
    expect(await needsOf(puts)).toEqual([`dynamodb:PutItem ${arn}`]);
    const deletes = () => port.once("second", (writes) => writes.delete(key));
    expect(await needsOf(deletes)).toEqual([
      `dynamodb:DeleteItem ${arn}`,
      `dynamodb:PutItem ${arn}`,
    ]);
  });

  it("each verb of an object store", async () => {
    const location = await createBucket(clients.s3);
    const port = objectStore({ name: "media", location, client: recorded.s3 });
    const arn = `arn:aws:s3:::${location}`;
    expect(await needsOf(() => port.put("a/b", ""))).toEqual([`s3:PutObject ${arn}/a/b`]);
    expect(await needsOf(() => port.get("none"))).toEqual([
      `s3:GetObject ${arn}/none`,
      `s3:ListBucket ${arn}`,
    ]);
    expect(await needsOf(() => port.list("a/"))).toEqual([`s3:ListBucket ${arn}`]);
    expect(await needsOf(() => port.delete("a/b"))).toEqual([`s3:DeleteObject ${arn}/a/b`]);
  });

  it("a queue's sender and consumer", async () => {
    const { location } = await createQueue(clients.sqs);
    const arn = `arn:aws:sqs:us-east-1:123456789012:${location.split("/").at(-1)}`;
    const sender = queue({ name: "inbox", location, client: recorded.sqs });
    expect(await needsOf(() => sender.send(1))).toEqual([`sqs:SendMessage ${arn}`]);
    await sender.send(2);
    const consumer = queueConsumer({ name: "inbox", location, client: recorded.sqs });
    const consume = async () => {
      const [one, two] = await consumer.receive(2, 0);
      await one?.retry("again");
      await two?.reject("bad");
    };
    expect(await needsOf(consume)).toEqual([
      `sqs:ChangeMessageVisibility ${arn}`,
      `sqs:DeleteMessage ${arn}`,
      `sqs:GetQueueAttributes ${arn}`,
      `sqs:ReceiveMessage ${arn}`,
      `sqs:SendMessage ${arn}-dead`,
    ]);
  });

  it("a secret", async () => {
    const hook = await createSecret(clients.secrets, "value");
    const port = secrets({ locations: { hook }, client: recorded.secrets });
    expect(await needsOf(() => port.get("hook"))).toEqual([
      `secretsmanager:GetSecretValue ${hook}`,
    ]);
  });

  it("an identity: none", async () => {
    const port = identity({ name: "users", location: "none", client: recorded.cognito });
    const everything = () =>
      Promise.allSettled([
        port.signUp({ email: "a@example.com", password: "x" }),
        port.confirm({ email: "a@example.com", code: "x" }),
        port.resend({ email: "a@example.com" }),
        port.signIn({ email: "a@example.com", password: "x" }),
        port.refresh({ refreshToken: "x" }),
        port.signOut({ accessToken: "x" }),
      ]);
    expect(await needsOf(everything)).toEqual([]);
    expect(seen.commands()).toEqual([
      "ConfirmSignUpCommand",
      "GlobalSignOutCommand",
      "InitiateAuthCommand",
      "ResendConfirmationCodeCommand",
      "SignUpCommand",
    ]);
  });

  it("a call that the recorder does not know: refused", async () => {
    await expect(recorded.sqs.send(new ListQueuesCommand({}))).rejects.toThrow(
      'recorder "ListQueuesCommand": an unknown call; add what it needs',
    );
  });
});
