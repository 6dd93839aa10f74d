import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListShardsCommand,
} from "@aws-sdk/client-kinesis";
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
} from "@aws-sdk/client-sqs";
import { emulator } from "../contract/aws/emulator.ts";
import type { Cloud } from "./cloud.ts";
import { region } from "./program.ts";

/** What a function answers to a batch. */
export interface BatchAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/** A batch as its function was given it, and what came back. */
export interface Batch {
  readonly event: { readonly Records: readonly Readonly<Record<string, unknown>>[] };
  readonly answer: BatchAnswer;
}

/** What stands between an event's source and a function: its event source mapping in the graph. */
export const mappingOf = (cloud: Cloud, workload: string) => {
  const { name } = cloud.resource(workload).inputs;
  const found = cloud.graph
    .all("aws:lambda/eventSourceMapping:EventSourceMapping")
    .find(({ inputs }) => inputs.functionName.endsWith(`:function:${name}`));
  if (!found) throw new Error(`cloud: nothing hands events to "${workload}"`);
  return found.inputs;
};

/**
 * Hands a queue's next messages to the workload behind it, as Lambda's poller does: what is done is
 * deleted, what failed is hidden no longer, as after its time.
 * @returns `undefined` where the queue is empty
 */
export async function poll(cloud: Cloud, workload: string): Promise<Batch | undefined> {
  const { eventSourceArn, batchSize, functionResponseTypes = [] } = mappingOf(cloud, workload);
  const QueueUrl = cloud.queueAt(eventSourceArn);
  const { sqs } = cloud.clients;
  const messages: Message[] = [];
  while (messages.length < batchSize) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: Math.min(batchSize - messages.length, 10),
        MessageSystemAttributeNames: ["All"],
        MessageAttributeNames: ["All"],
      }),
    );
    if (Messages.length === 0) break;
    messages.push(...Messages);
  }
  if (messages.length === 0) return undefined;
  const event = { Records: messages.map((message) => sqsRecord(message, eventSourceArn)) };
  const answer = await cloud
    .invoke(workload, event)
    // A function that fails as a whole has done nothing.
    .catch((): BatchAnswer => failureOf(messages.map(({ MessageId = "" }) => MessageId)));
  const { batchItemFailures } = answer as BatchAnswer;
  const isPartial = functionResponseTypes.includes("ReportBatchItemFailures");
  const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  for (const { MessageId = "", ReceiptHandle } of messages)
    if (isPartial && failed.has(MessageId))
      await sqs.send(
        new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }),
      );
    else await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  return { event, answer: answer as BatchAnswer };
}

const failureOf = (ids: readonly string[]): BatchAnswer => ({
  batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })),
});

/** More batches of one queue are an endless retry. */
const mostBatches = 50;

/** Works a queue off. @returns its batches */
export async function settle(cloud: Cloud, workload: string): Promise<readonly Batch[]> {
  const batches: Batch[] = [];
  for (;;) {
    const batch = await poll(cloud, workload);
    if (!batch) return batches;
    batches.push(batch);
    if (batches.length > mostBatches) throw new Error(`cloud: "${workload}" never comes to an end`);
  }
}

/** AWS Lambda Developer Guide, "Using Lambda with Amazon SQS", example event; read 2026-11. */
const sqsRecord = (message: Message, eventSourceARN: string) => ({
  messageId: message.MessageId,
  receiptHandle: message.ReceiptHandle,
  body: completed(message.Body ?? ""),
  attributes: message.Attributes,
  messageAttributes: Object.fromEntries(
    Object.entries(message.MessageAttributes ?? {}).map(([name, { StringValue, DataType }]) => [
      name,
      { stringValue: StringValue, dataType: DataType, stringListValues: [], binaryListValues: [] },
    ]),
  ),
  md5OfBody: message.MD5OfBody,
  eventSource: "aws:sqs",
  eventSourceARN,
  awsRegion: region,
});

let sequence = 0x61_7f_08_29_93_29_d1_89n;

/**
 * The emulator leaves out of S3's notifications what tells two writes of a key apart (Amazon S3
 * User Guide, "Event message structure", read 2026-11).
 */
function completed(body: string): string {
  if (!body.includes('"aws:s3"')) return body;
  const given = JSON.parse(body);
  for (const record of given.Records) {
    sequence += 1n;
    record.s3.object.sequencer = sequence.toString(16).toUpperCase().padStart(18, "0");
  }
  return JSON.stringify(given);
}

/**
 * Hands all records of a Kinesis stream to its reader, shard by shard, in one batch each.
 * AWS Lambda Developer Guide, "Using Lambda with Amazon Kinesis", example event; read 2026-11.
 */
export async function readStream(cloud: Cloud, workload: string): Promise<readonly Batch[]> {
  const { eventSourceArn } = mappingOf(cloud, workload);
  const { kinesis } = cloud.clients;
  const StreamName = eventSourceArn.split("/").at(-1);
  const { Shards = [] } = await kinesis.send(new ListShardsCommand({ StreamName }));
  const batches: Batch[] = [];
  for (const { ShardId = "" } of Shards) {
    const { ShardIterator } = await kinesis.send(
      new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: "TRIM_HORIZON" }),
    );
    const { Records = [] } = await kinesis.send(new GetRecordsCommand({ ShardIterator }));
    if (Records.length === 0) continue;
    const event = {
      Records: Records.map((record) => ({
        kinesis: {
          kinesisSchemaVersion: "1.0",
          partitionKey: record.PartitionKey,
          sequenceNumber: record.SequenceNumber,
          data: Buffer.from(record.Data ?? []).toString("base64"),
          approximateArrivalTimestamp: Number(record.ApproximateArrivalTimestamp) / 1000,
        },
        eventSource: "aws:kinesis",
        eventVersion: "1.0",
        eventID: `${ShardId}:${record.SequenceNumber}`,
        eventName: "aws:kinesis:record",
        awsRegion: region,
        eventSourceARN: eventSourceArn,
      })),
    };
    batches.push({ event, answer: (await cloud.invoke(workload, event)) as BatchAnswer });
  }
  return batches;
}

/** A call of DynamoDB Streams, whose client nothing else would need. */
async function streams<T>(operation: string, input: object): Promise<T> {
  const scope = `test/20261121/${region}/dynamodb/aws4_request`;
  const response = await fetch(emulator.endpoint, {
    method: "POST",
    headers: {
      "x-amz-target": `DynamoDBStreams_20120810.${operation}`,
      "content-type": "application/x-amz-json-1.0",
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(input),
  });
  if (!response.ok) throw new Error(`cloud: ${operation} answered ${response.status}`);
  return (await response.json()) as T;
}

/** Hands everything that a table's feed has told by now to its reader, in one batch. */
export async function readChanges(cloud: Cloud, workload: string): Promise<Batch> {
  const [, TableName] = /:table\/([^/]+)\//.exec(mappingOf(cloud, workload).eventSourceArn) ?? [];
  type Listed = { readonly Streams: readonly { readonly StreamArn: string }[] };
  const StreamArn = (await streams<Listed>("ListStreams", { TableName })).Streams[0]?.StreamArn;
  type Described = {
    readonly StreamDescription: { readonly Shards: readonly { readonly ShardId: string }[] };
  };
  const { StreamDescription } = await streams<Described>("DescribeStream", { StreamArn });
  type Page = {
    readonly Records: readonly Readonly<Record<string, unknown>>[];
    readonly NextShardIterator?: string;
  };
  const records: Readonly<Record<string, unknown>>[] = [];
  for (const { ShardId } of StreamDescription.Shards) {
    let { ShardIterator: next } = await streams<{ ShardIterator?: string }>("GetShardIterator", {
      StreamArn,
      ShardId,
      ShardIteratorType: "TRIM_HORIZON",
    });
    while (next) {
      const page: Page = await streams("GetRecords", { ShardIterator: next });
      records.push(...page.Records.map((one) => ({ ...one, eventSourceARN: StreamArn })));
      next = page.Records.length > 0 ? page.NextShardIterator : undefined;
    }
  }
  const event = { Records: records };
  return { event, answer: (await cloud.invoke(workload, event)) as BatchAnswer };
}
