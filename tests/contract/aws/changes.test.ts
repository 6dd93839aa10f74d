import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { expect } from "vitest";
import { fromAttribute } from "../../../runtime/adapters/aws/attributes.ts";
import { table } from "../../../runtime/adapters/aws/table.ts";
import { type ChangesEvent, lambdaChanges } from "../../../runtime/entries/lambda/changes.ts";
import type { TableChange } from "../../../runtime/ports/index.ts";
import { changesContract } from "../suites/changes.ts";
import { emulator } from "./emulator.ts";
import { createTable } from "./resources.ts";

/** A call of DynamoDB Streams, whose client nothing but this test would need. */
async function streams<T>(operation: string, input: object): Promise<T> {
  const scope = `test/20261121/${emulator.region}/dynamodb/aws4_request`;
  const response = await fetch(emulator.endpoint, {
    method: "POST",
    headers: {
      "x-amz-target": `DynamoDBStreams_20120810.${operation}`,
      "content-type": "application/x-amz-json-1.0",
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(input),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}

/** Everything that the feed of a table has told by now, as the function is given it. */
async function recordsOf(TableName: string): Promise<ChangesEvent["Records"]> {
  const { Streams } = await streams<{ Streams: { StreamArn: string }[] }>("ListStreams", {
    TableName,
  });
  const StreamArn = Streams[0]?.StreamArn;
  const { StreamDescription } = await streams<{
    StreamDescription: { Shards: { ShardId: string }[] };
  }>("DescribeStream", { StreamArn });
  const records: ChangesEvent["Records"][number][] = [];
  for (const { ShardId } of StreamDescription.Shards) {
    let { ShardIterator } = await streams<{ ShardIterator?: string }>("GetShardIterator", {
      StreamArn,
      ShardId,
      ShardIteratorType: "TRIM_HORIZON",
    });
    while (ShardIterator) {
      const page = await streams<{
        Records: ChangesEvent["Records"];
        NextShardIterator?: string;
      }>("GetRecords", { ShardIterator });
      records.push(...page.Records);
      ShardIterator = page.Records.length > 0 ? page.NextShardIterator : undefined;
    }
  }
  return records;
}

const context = { getRemainingTimeInMillis: () => 30_000 };

changesContract("aws change feed, as its function reads it", {
  // moto 5.2 tells a put that changes nothing, which DynamoDB does not.
  capabilities: { silentWithoutChange: false },
  async make() {
    const client = new DynamoDBClient(emulator);
    const location = await createTable(client, true);
    return {
      table: table({ name: "catalog", location, client }),
      async changesOf(pk) {
        const seen: TableChange[] = [];
        const handler = lambdaChanges(
          async (change) => {
            // What `once` notes for itself is no document.
            expect(change.key.pk).toMatch(/^P#/);
            if (change.key.pk === pk) seen.push(change);
          },
          {
            decode: fromAttribute,
            deadLetters: { setAside: async (body) => expect.unreachable(body) },
          },
        );
        const answer = await handler({ Records: await recordsOf(location) }, context);
        expect(answer).toEqual({ batchItemFailures: [] });
        return seen;
      },
      close: async () => client.destroy(),
    };
  },
});
