import { describe, expect, test, vi } from "vitest";
import { fromAttribute, toAttribute } from "../../../runtime/adapters/aws/attributes.ts";
import { type ChangeRecord, lambdaChanges } from "../../../runtime/entries/lambda/changes.ts";
import {
  type ChangeHandler,
  type Json,
  type JsonObject,
  PortError,
} from "../../../runtime/ports/index.ts";
import { heard, invocation, keptLetters } from "./batches.ts";

const sequenceOf = (n: number) => `44213600000000069408680${n}`;
const keysOf = (pk: string) => ({ pk: { S: pk }, sk: { S: "META" } });
const imageOf = (pk: string, document: JsonObject) => ({
  ...keysOf(pk),
  document: toAttribute(document) as unknown as Json,
});

interface Given {
  readonly pk?: string;
  readonly before?: JsonObject;
  readonly after?: JsonObject;
}

/** A record as DynamoDB Streams send it to a function (AWS Lambda Developer Guide). */
const record = (n: number, { pk = `ITEM#${n}`, before, after }: Given): ChangeRecord => {
  const sent = {
    eventID: `c4ca4238a0b923820dcc509a6f75849${n}`,
    eventName: before === undefined ? "INSERT" : after === undefined ? "REMOVE" : "MODIFY",
    eventVersion: "1.1",
    eventSource: "aws:dynamodb",
    awsRegion: "eu-central-1",
    dynamodb: {
      ApproximateCreationDateTime: 1_763_704_800,
      Keys: keysOf(pk),
      ...(before && { OldImage: imageOf(pk, before) }),
      ...(after && { NewImage: imageOf(pk, after) }),
      SequenceNumber: sequenceOf(n),
      SizeBytes: 26,
      StreamViewType: "NEW_AND_OLD_IMAGES",
    },
    eventSourceARN: "arn:aws:dynamodb:eu-central-1:111122223333:table/catalog/stream/2026",
  };
  return sent;
};
const added = (n: number, given: Given = {}) => record(n, { after: { n }, ...given });

function entry(handler: ChangeHandler) {
  const { letters, deadLetters, state } = keptLetters();
  const { troubles, onTrouble } = heard();
  const run = lambdaChanges(handler, { decode: fromAttribute, deadLetters, onTrouble });
  return {
    state,
    troubles,
    letters: () => letters.map(({ body, reason }) => ({ ...JSON.parse(body), reason })),
    answer: (records: readonly ChangeRecord[], remaining?: number) =>
      run({ Records: records }, invocation(remaining)),
  };
}
const done = { batchItemFailures: [] };
const stoppedAt = (n: number) => ({ batchItemFailures: [{ itemIdentifier: sequenceOf(n) }] });

describe("a change", () => {
  const key = { pk: "ITEM#1", sk: "META" };
  const at = new Date(1_763_704_800_000);

  test.each<[string, Given]>([
    ["an insertion has no before", { after: { n: 1, tags: ["é", null, true, 1.5] } }],
    ["a modification has both", { before: { n: 1 }, after: { n: 2 } }],
    ["a removal has no after", { before: { n: 2 } }],
  ])("%s", async (_, given) => {
    const handler = vi.fn<ChangeHandler>(async () => {});
    expect(await entry(handler).answer([record(1, given)])).toEqual(done);
    expect(handler.mock.calls).toEqual([
      [{ id: "c4ca4238a0b923820dcc509a6f758491", key, ...given, at }],
    ]);
  });

  test("waits for the one before it", async () => {
    const seen: string[] = [];
    const { answer } = entry(async ({ after }) => {
      seen.push(`begins ${after?.n}`);
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(`ends ${after?.n}`);
    });
    await answer([added(1), added(2)]);
    expect(seen).toEqual(["begins 1", "ends 1", "begins 2", "ends 2"]);
  });

  test("that is what once noted for itself is none", async () => {
    const handler = vi.fn<ChangeHandler>(async () => {});
    const { answer, letters } = entry(handler);
    const note = record(1, { pk: "\0once#mail-1" });
    expect(await answer([note, added(2)])).toEqual(done);
    expect(handler).toHaveBeenCalledTimes(1);
    expect(letters()).toEqual([]);
  });
});

describe("a change that fails", () => {
  const busy = new Error("the topic is busy");
  const failingAt = (n: number, error: unknown): ChangeHandler =>
    vi.fn<ChangeHandler>(async ({ after }) => {
      if (after?.n === n) throw error;
    });

  test("holds up those behind it; the feed goes on from it", async () => {
    const handler = failingAt(2, busy);
    const { answer, letters, troubles } = entry(handler);
    expect(await answer([added(1), added(2), added(3)])).toEqual(stoppedAt(2));
    expect(handler).toHaveBeenCalledTimes(2);
    expect(letters()).toEqual([]);
    expect(troubles).toEqual([{ outcome: "retry", error: busy, message: sequenceOf(2) }]);
  });

  test("as the first is thrown back, so that the event source halves the batch", async () => {
    await expect(entry(failingAt(1, busy)).answer([added(1), added(2)])).rejects.toBe(busy);
  });

  test("for good is set aside with what it was, and the feed goes on", async () => {
    const { answer, letters } = entry(failingAt(2, new PortError("invalid", "no such kind")));
    const changed = record(2, { before: { n: 1 }, after: { n: 2 } });
    expect(await answer([added(1), changed, added(3)])).toEqual(done);
    expect(letters()).toEqual([
      {
        id: "c4ca4238a0b923820dcc509a6f758492",
        sequence: sequenceOf(2),
        key: { pk: "ITEM#2", sk: "META" },
        at: "2025-11-21T06:00:00.000Z",
        before: { n: 1 },
        after: { n: 2 },
        reason: "no such kind",
      },
    ]);
  });

  test("for good but cannot be set aside is where the feed goes on", async () => {
    const { answer, state } = entry(failingAt(2, new PortError("invalid", "no such kind")));
    state.broken = true;
    expect(await answer([added(1), added(2), added(3)])).toEqual(stoppedAt(2));
  });

  test("for want of time is left to the next delivery", async () => {
    const handler = vi.fn<ChangeHandler>(async () => {});
    await expect(entry(handler).answer([added(1)], 500)).rejects.toThrow("about to end");
    expect(handler).not.toHaveBeenCalled();
  });
});

describe("what another program wrote", () => {
  const foreign: [string, Json][] = [
    ["an item without a document", { pk: { S: "X" }, sk: { S: "Y" } }],
    ["a document that is none", { pk: { S: "X" }, sk: { S: "Y" }, document: { S: "text" } }],
    ["a kind that JSON has not", { document: { M: { a: { SS: ["b"] } } } }],
  ];
  test.each(foreign)("%s is set aside as it came, and the feed goes on", async (_, image) => {
    const handler = vi.fn<ChangeHandler>(async () => {});
    const { answer, letters } = entry(handler);
    const odd = added(1);
    const given = { ...odd, dynamodb: { ...odd.dynamodb, NewImage: image as never } };
    expect(await answer([given, added(2)])).toEqual(done);
    expect(letters()).toMatchObject([{ sequence: sequenceOf(1), NewImage: image }]);
    expect(handler).toHaveBeenCalledTimes(1);
  });
});
