import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
} from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import * as fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { roundsOf, stream } from "../../../runtime/adapters/aws/stream.ts";
import type { Json } from "../../../runtime/ports/index.ts";
import { recorder } from "../recording.ts";
import { refusal } from "../suites/refusal.ts";
import { type ReadRecord, streamContract } from "../suites/stream.ts";
import { emulator } from "./emulator.ts";
import { createStream } from "./resources.ts";
import { type Answer, failure, scripted, success } from "./scripted.ts";

const clientOf = (endpoint = emulator.endpoint) =>
  new KinesisClient({ ...emulator, endpoint, requestHandler: new NodeHttpHandler() });

async function readAll(client: KinesisClient, StreamName: string): Promise<ReadRecord[]> {
  const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName }));
  const read: ReadRecord[] = [];
  for (const { ShardId = "" } of Shards) {
    const from = { StreamName, ShardId, ShardIteratorType: "TRIM_HORIZON" } as const;
    let { ShardIterator } = await client.send(new GetShardIteratorCommand(from));
    while (ShardIterator) {
      const answer = await client.send(new GetRecordsCommand({ ShardIterator }));
      for (const record of answer.Records ?? [])
        read.push({
          shard: ShardId,
          sequence: record.SequenceNumber ?? "",
          key: record.PartitionKey ?? "",
          body: JSON.parse(new TextDecoder().decode(record.Data)) as Json,
          at: record.ApproximateArrivalTimestamp ?? new Date(0),
        });
      ShardIterator = answer.Records?.length ? answer.NextShardIterator : undefined;
    }
  }
  return read;
}

streamContract("aws stream", {
  async start() {
    const client = clientOf();
    return {
      async make() {
        const location = await createStream(client);
        return {
          stream: stream({ name: "clicks", location, client }),
          read: () => readAll(client, location),
        };
      },
      close: async () => client.destroy(),
    };
  },
});

describe("the calls of aws stream", () => {
  it("hold one record of a key at most, and all records in the order of their keys", () => {
    const record = fc.record({ key: fc.constantFrom("a", "b", "c", "d"), n: fc.nat() });
    void fc.assert(
      fc.property(fc.array(record), (records) => {
        const rounds = roundsOf(records);
        for (const round of rounds)
          expect(new Set(round.map(({ key }) => key)).size).toBe(round.length);
        for (const key of ["a", "b", "c", "d"])
          expect(rounds.flat().filter((one) => one.key === key)).toEqual(
            records.filter((one) => one.key === key),
          );
      }),
    );
  });
});

describe("aws stream by itself, and when the service fails", () => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    vi.unstubAllEnvs();
    for (const close of closing.splice(0)) await close();
  });
  const answers = (...codes: (string | undefined)[]) =>
    success({
      FailedRecordCount: codes.filter(Boolean).length,
      Records: codes.map((ErrorCode) =>
        ErrorCode ? { ErrorCode, ErrorMessage: "no" } : { SequenceNumber: "1", ShardId: "s" },
      ),
    });
  async function streamOf(...given: readonly [Answer, ...Answer[]]) {
    const service = await scripted(...given);
    closing.push(service.close);
    const client = clientOf(service.endpoint);
    closing.push(() => client.destroy());
    const sent = () =>
      service.asked.map(({ body }) =>
        (JSON.parse(body).Records as { PartitionKey: string; Data: string }[]).map(
          ({ PartitionKey, Data }) => PartitionKey + Buffer.from(Data, "base64").toString(),
        ),
      );
    return { port: stream({ name: "clicks", location: "clicks", client }), sent };
  }
  const records = (...texts: string[]) =>
    texts.map((text) => ({ key: text.charAt(0), body: Number(text.slice(1)) }));
  const throttled = "ProvisionedThroughputExceededException";

  it("sends again what was not taken, before anything later of the same key", async () => {
    const { port, sent } = await streamOf(
      answers(throttled, undefined, "InternalFailure"),
      answers(undefined, throttled),
      answers(undefined),
      answers(undefined, undefined),
    );
    await port.put(records("a1", "b1", "a2", "c1", "b2"));
    expect(sent()).toEqual([["a1", "b1", "c1"], ["a1", "c1"], ["c1"], ["a2", "b2"]]);
  });

  it.each([
    [throttled, "throttled"],
    ["InternalFailure", "unavailable"],
  ])("gives up where records fail for %s for good, with the code %s", async (name, code) => {
    const { port, sent } = await streamOf(answers(name));
    expect(await refusal(port.put(records("a1", "a2")))).toBe(code);
    expect(sent()).toEqual(Array.from({ length: 6 }, () => ["a1"]));
  });

  it.each([
    ["AccessDeniedException", "denied"],
    ["ResourceNotFoundException", "unavailable"],
    ["KMSThrottlingException", "throttled"],
  ])("answers a call that was refused for %s with the code %s", async (name, code) => {
    const { port } = await streamOf(failure(name));
    expect(await refusal(port.put(records("a1")))).toBe(code);
  });

  it("has a client of its own for AWS_ENDPOINT_URL", async () => {
    vi.stubEnv("AWS_ENDPOINT_URL", emulator.endpoint);
    vi.stubEnv("AWS_REGION", emulator.region);
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
    const client = clientOf();
    closing.push(() => client.destroy());
    const location = await createStream(client);
    await stream({ name: "clicks", location }).put([{ key: "a", body: 1 }]);
    expect((await readAll(client, location)).map(({ body }) => body)).toEqual([1]);
  });

  it("needs to put records into its stream, and nothing else", async () => {
    const client = clientOf();
    closing.push(() => client.destroy());
    const location = await createStream(client);
    const seen = recorder();
    const recorded = seen.plugin(clientOf());
    closing.push(() => recorded.destroy());
    await stream({ name: "clicks", location, client: recorded }).put([{ key: "a", body: 1 }]);
    const resource = `arn:aws:kinesis:${emulator.region}:123456789012:stream/${location}`;
    expect(seen.calls()).toEqual([{ action: "kinesis:PutRecords", resource }]);
  });
});
