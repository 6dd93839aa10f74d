import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { type KinesisRecord, lambdaRecords } from "../../../runtime/entries/lambda/records.ts";
import { type Json, PortError, type RecordHandler } from "../../../runtime/ports/index.ts";
import { heard, invocation, keptLetters } from "./batches.ts";

const shard = "shardId-000000000006";
const sequenceOf = (n: number) => `4959033827149025660855969${String(n).padStart(4, "0")}`;

/** A record as Kinesis sends it to a function (AWS Lambda Developer Guide). */
const record = (n: number, data: Json | Uint8Array, of = shard): KinesisRecord => {
  const bytes = data instanceof Uint8Array ? data : Buffer.from(JSON.stringify(data));
  const sent = {
    kinesis: {
      kinesisSchemaVersion: "1.0",
      partitionKey: `key-${n}`,
      sequenceNumber: sequenceOf(n),
      data: Buffer.from(bytes).toString("base64"),
      approximateArrivalTimestamp: 1_763_704_800.5,
    },
    eventSource: "aws:kinesis",
    eventVersion: "1.0",
    eventID: `${of}:${sequenceOf(n)}`,
    eventName: "aws:kinesis:record",
    invokeIdentityArn: "arn:aws:iam::111122223333:role/reader",
    awsRegion: "eu-central-1",
    eventSourceARN: "arn:aws:kinesis:eu-central-1:111122223333:stream/clicks",
  };
  return sent;
};
const notJson = new TextEncoder().encode("{half");

function entry(handler: RecordHandler) {
  const { letters, deadLetters, state } = keptLetters();
  const { troubles, onTrouble } = heard();
  const run = lambdaRecords(handler, { deadLetters, onTrouble });
  return {
    state,
    troubles,
    letters: () => letters.map(({ body, reason }) => ({ ...JSON.parse(body), reason })),
    /** Where the event source is to go on; "end" where all is done. */
    next: async (records: readonly KinesisRecord[], remaining?: number | (() => number)) => {
      const { batchItemFailures } = await run({ Records: records }, invocation(remaining));
      return batchItemFailures.length === 0
        ? "end"
        : batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).join();
    },
  };
}
/** A handler that notes the bodies of each batch that it has done, and refuses some. */
function picky(refuse: (body: Json) => unknown) {
  const done: Json[][] = [];
  const handler: RecordHandler = async ({ records }) => {
    const bodies = records.map(({ body }) => body);
    const refused = bodies.map(refuse).find((error) => error !== undefined);
    if (refused !== undefined) throw refused;
    done.push(bodies);
  };
  return { done, handler };
}
const invalid = new PortError("invalid", "no such page");
const passing = new Error("the table is busy");

describe("a batch of records", () => {
  test("is handed over whole, in order, with shard, sequence, key and time", async () => {
    const handler = vi.fn<RecordHandler>(async () => {});
    expect(await entry(handler).next([record(1, { page: "/é" }), record(2, null)])).toBe("end");
    const at = new Date(1_763_704_800_500);
    expect(handler.mock.calls).toEqual([
      [
        {
          shard,
          records: [
            { sequence: sequenceOf(1), key: "key-1", body: { page: "/é" }, at },
            { sequence: sequenceOf(2), key: "key-2", body: null, at },
          ],
        },
      ],
    ]);
  });

  test("that fails as a whole is thrown back, so that the event source halves it", async () => {
    const { next, letters, troubles } = entry(() => Promise.reject(passing));
    await expect(next([record(1, 1), record(2, 2)])).rejects.toBe(passing);
    expect(letters()).toEqual([]);
    expect(troubles).toEqual([{ outcome: "retry", error: passing, message: sequenceOf(1) }]);
  });

  test("of no record is done, without a call", async () => {
    const handler = vi.fn<RecordHandler>(async () => {});
    expect(await entry(handler).next([])).toBe("end");
    expect(handler).not.toHaveBeenCalled();
  });
});

describe("a record that is no JSON", () => {
  test("is set aside with its bytes and where it was, and the others are done", async () => {
    const { done, handler } = picky(() => undefined);
    const { next, letters } = entry(handler);
    expect(await next([record(1, 1), record(2, notJson), record(3, 3)])).toBe("end");
    expect(done).toEqual([[1, 3]]);
    expect(letters()).toEqual([
      {
        shard,
        sequence: sequenceOf(2),
        key: "key-2",
        at: "2025-11-21T06:00:00.500Z",
        data: Buffer.from(notJson).toString("base64"),
        reason: "its data is no JSON",
      },
    ]);
  });

  test("is none either where it is no UTF-8", async () => {
    const { next, letters } = entry(async () => {});
    expect(await next([record(1, new Uint8Array([0x22, 0xff, 0x22]))])).toBe("end");
    expect(letters()).toMatchObject([{ data: "Iv8i" }]);
  });

  test("waits while the records before it fail, lest it is set aside twice", async () => {
    const { next, letters } = entry(() => Promise.reject(passing));
    await expect(next([record(1, 1), record(2, notJson)])).rejects.toBe(passing);
    expect(letters()).toEqual([]);
  });

  test("that cannot be set aside is where the stream goes on", async () => {
    const { next, state } = entry(async () => {});
    state.broken = true;
    expect(await next([record(1, 1), record(2, notJson), record(3, 3)])).toBe(sequenceOf(2));
    await expect(next([record(2, notJson), record(3, 3)])).rejects.toThrow("cannot be reached");
  });

  test("and too large for a dead letter leaves its data in the stream", async () => {
    const { next, letters } = entry(async () => {});
    expect(await next([record(1, new Uint8Array(1_048_576).fill(0x7b))])).toBe("end");
    expect(letters()).toMatchObject([{ sequence: sequenceOf(1), leftOut: ["data"] }]);
  });
});

describe("a batch that is invalid", () => {
  test("is halved until the records that are stand alone and are set aside", async () => {
    const { done, handler } = picky((body) => (body === "bad" ? invalid : undefined));
    const { next, letters, troubles } = entry(handler);
    const bodies = [1, 2, "bad", 4, 5, 6, 7, "bad"];
    expect(await next(bodies.map((body, n) => record(n, body)))).toBe("end");
    expect(done.flat()).toEqual([1, 2, 4, 5, 6, 7]);
    expect(letters()).toMatchObject([
      { sequence: sequenceOf(2), body: "bad", reason: "no such page" },
      { sequence: sequenceOf(7), body: "bad", reason: "no such page" },
    ]);
    expect(troubles.map(({ outcome }) => outcome)).toEqual(["reject", "reject"]);
  });

  test("stops at another failure, and goes on from there", async () => {
    const { done, handler } = picky((body) =>
      body === "bad" ? invalid : body === "busy" ? passing : undefined,
    );
    const { next, letters } = entry(handler);
    const batch = [1, "bad", 3, "busy", 5].map((body, n) => record(n, body));
    const from = await next(batch);
    const at = batch.findIndex(({ kinesis }) => kinesis.sequenceNumber === from);
    expect(at).toBeGreaterThan(1);
    expect(at).toBeLessThanOrEqual(3);
    expect(done.flat()).toEqual([1, 3].slice(0, at - 1));
    expect(letters()).toMatchObject([{ sequence: sequenceOf(1) }]);
  });
});

describe("time", () => {
  test("that runs out after some progress leaves the rest to the next delivery", async () => {
    let calls = 0;
    const { handler } = picky((body) => (body === "bad" ? invalid : undefined));
    const { next } = entry((batch) => {
      calls++;
      return handler(batch);
    });
    // The first half is done, then the end is near.
    const from = await next([record(1, 1), record(2, "bad")], () => (calls < 2 ? 5_000 : 500));
    expect(from).toBe(sequenceOf(2));
  });

  test("that was too short from the beginning is an error", async () => {
    await expect(entry(async () => {}).next([record(1, 1)], 500)).rejects.toThrow("about to end");
  });
});

test("records of several shards, should they ever come together, are thrown back as they fail", async () => {
  const { handler } = picky((body) => (body === "busy" ? passing : undefined));
  const { next } = entry(handler);
  const two = [record(1, 1), record(2, "busy", "shardId-000000000007")];
  await expect(next(two)).rejects.toBe(passing);
});

test("nothing is lost, skipped or out of order, whatever fails and however often", async () => {
  const kind = fc.constantFrom("fine", "invalid", "busy", "not JSON");
  /** As an event source with bisection does it: halves on errors, goes on at the checkpoint. */
  const deliver = async (
    batch: readonly KinesisRecord[],
    next: (records: readonly KinesisRecord[]) => Promise<string>,
  ): Promise<void> => {
    if (batch.length === 0) return;
    const from = await next(batch).catch(() => "error");
    if (from === "end") return;
    if (from === "error") {
      if (batch.length === 1) return deliver(batch, next);
      const middle = Math.floor(batch.length / 2);
      await deliver(batch.slice(0, middle), next);
      return deliver(batch.slice(middle), next);
    }
    const at = batch.findIndex(({ kinesis }) => kinesis.sequenceNumber === from);
    return deliver(batch.slice(at), next);
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ kind, fails: fc.integer({ min: 1, max: 3 }) }), { maxLength: 20 }),
      async (given) => {
        const left = given.map(({ fails }) => fails);
        const done: number[] = [];
        const { next, letters } = entry(async ({ records }) => {
          for (const { body } of records) {
            const n = body as number;
            if (given[n]?.kind === "invalid") throw invalid;
            if (given[n]?.kind === "busy" && (left[n] as number)-- > 0) throw passing;
          }
          done.push(...records.map(({ body }) => body as number));
        });
        await deliver(
          given.map((one, n) => record(n, one.kind === "not JSON" ? notJson : n)),
          next,
        );
        const wanted = (kinds: string[]) =>
          given.flatMap((one, n) => (kinds.includes(one.kind) ? [n] : []));
        expect(done).toEqual(wanted(["fine", "busy"]));
        expect(
          letters()
            .map(({ sequence }) => sequence)
            .sort(),
        ).toEqual(wanted(["invalid", "not JSON"]).map(sequenceOf));
      },
    ),
  );
});
