import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { CognitoIdentityProviderClient } from "@aws-sdk/client-cognito-identity-provider";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { KinesisClient } from "@aws-sdk/client-kinesis";
import { S3Client } from "@aws-sdk/client-s3";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { CreateEmailIdentityCommand, SESv2Client } from "@aws-sdk/client-sesv2";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { type Channel, type Service, type Store, sourceOf } from "../../../../spec/index.ts";
import { system } from "../../../../system.ts";
import { emulator } from "../emulator.ts";
import {
  createBucket,
  createBus,
  createPool,
  createQueue,
  createScheduleGroup,
  createSecret,
  createStream,
  createTable,
  createTopic,
} from "../resources.ts";

/** A client of each service that adapters speak to. */
export const clientsOf = () => ({
  cloudwatch: new CloudWatchClient(emulator),
  cognito: new CognitoIdentityProviderClient(emulator),
  dynamodb: new DynamoDBClient(emulator),
  events: new EventBridgeClient(emulator),
  kinesis: new KinesisClient({ ...emulator, requestHandler: new NodeHttpHandler() }),
  mails: new SESv2Client(emulator),
  objects: new S3Client(emulator),
  scheduler: new SchedulerClient(emulator),
  secrets: new SecretsManagerClient(emulator),
  sfn: new SFNClient(emulator),
  sns: new SNSClient(emulator),
  sqs: new SQSClient(emulator),
});
export type Clients = ReturnType<typeof clientsOf>;

/** What the graph's mocked resources answer, by `<type> <logical name>`. */
export type Answers = ReadonlyMap<string, Readonly<Record<string, string>>>;

const account = "123456789012";
const arn = (service: string, name: string) =>
  `arn:aws:${service}:${emulator.region}:${account}:${name}`;

/**
 * Makes in the emulator what storefront declares, under the names that the graph gives it.
 * @param secrets their values
 */
export async function emulate(
  clients: Clients,
  secrets: Readonly<Record<string, string>>,
): Promise<Answers> {
  const made = new Map<string, Readonly<Record<string, string>>>();
  const twoQueues = async (logical: string) => {
    const { location, dead } = await createQueue(clients.sqs);
    for (const [name, url] of [
      [logical, location],
      [`${logical}-dead`, dead],
    ] as const)
      made.set(`aws:sqs/queue:Queue ${name}`, {
        id: url,
        url,
        arn: arn("sqs", url.split("/").at(-1) ?? ""),
      });
  };
  const store = async (name: string, { kind }: Store) => {
    if (kind === "table") {
      const table = await createTable(clients.dynamodb);
      const own = arn("dynamodb", `table/${table}`);
      const streamArn = `${own}/stream/2026-01-01T00:00:00.000`;
      made.set(`aws:dynamodb/table:Table stores-${name}`, { name: table, arn: own, streamArn });
    } else if (kind === "objectStore") {
      const bucket = await createBucket(clients.objects);
      const own = `arn:aws:s3:::${bucket}`;
      made.set(`aws:s3/bucket:Bucket stores-${name}`, { id: bucket, bucket, arn: own });
    }
  };
  const channel = async (name: string, { kind }: Channel) => {
    if (kind === "queue") return twoQueues(`stores-${name}`);
    if (kind === "topic") {
      const { location } = await createTopic(clients);
      made.set(`aws:sns/topic:Topic channels-${name}`, { arn: location });
    } else if (kind === "bus") {
      const { location } = await createBus(clients);
      const own = arn("events", `event-bus/${location}`);
      made.set(`aws:cloudwatch/eventBus:EventBus channels-${name}`, { name: location, arn: own });
    } else {
      const location = await createStream(clients.kinesis);
      const own = arn("kinesis", `stream/${location}`);
      made.set(`aws:kinesis/stream:Stream channels-${name}`, { name: location, arn: own });
    }
  };
  const service = async (name: string, declared: Service) => {
    if (declared.kind === "identity") {
      const { location } = await createPool(clients.cognito);
      made.set("aws:cognito/userPoolClient:UserPoolClient users-client", { id: location });
    } else if (declared.kind === "mailer") {
      const { from } = declared;
      await clients.mails.send(new CreateEmailIdentityCommand({ EmailIdentity: from }));
      const own = arn("ses", `identity/${from}`);
      made.set(`aws:sesv2/emailIdentity:EmailIdentity channels-${name}`, { arn: own });
    } else if (declared.kind === "scheduler") {
      const group = await createScheduleGroup(clients.scheduler);
      const own = arn("scheduler", `schedule-group/${group}`);
      made.set(`aws:scheduler/scheduleGroup:ScheduleGroup channels-${name}`, {
        name: group,
        arn: own,
      });
    }
  };
  const secret = async (name: string) => {
    const own = await createSecret(clients.secrets, secrets[name]);
    made.set(`aws:secretsmanager/secret:Secret stores-${name}`, { arn: own });
  };
  const workload = async (name: string) => {
    const source = sourceOf(system, name);
    // A reader has dead letters alone; the queue beside them is nobody's.
    if (source && !(source.via === "queue" && !source.own)) await twoQueues(`events-${name}`);
  };
  await Promise.all([
    ...Object.entries(system.stores).map(([name, spec]) => store(name, spec)),
    ...Object.entries(system.channels).map(([name, spec]) => channel(name, spec)),
    ...Object.entries(system.services).map(([name, spec]) => service(name, spec)),
    ...system.secrets.map(secret),
    ...Object.keys(system.workloads).map(workload),
  ]);
  return made;
}
