import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  lambdaMessages,
  type MessagesOptions,
  type SqsRecord,
} from "../../../runtime/entries/lambda/messages.ts";
import type { EventHandler } from "../../../runtime/entries/work.ts";
import {
  type JobHandler,
  type Json,
  type Message,
  type ObjectHandler,
  PortError,
  type ScheduleHandler,
} from "../../../runtime/ports/index.ts";
import { heard, invocation, keptLetters } from "./batches.ts";

/** A record as SQS sends it to a function (AWS Lambda Developer Guide), with a body of JSON. */
const record = (id: string, body: Json | { readonly raw: string }, receives = 1): SqsRecord => {
  const sent = {
    messageId: id,
    receiptHandle: "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
    body:
      typeof body === "object" && body !== null && "raw" in body
        ? String(body.raw)
        : JSON.stringify(body),
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: "1763704800000",
      SenderId: "AIDAIENQZJOLO23YVJ4VO",
      ApproximateFirstReceiveTimestamp: "1763704800012",
    },
    messageAttributes: {},
    md5OfBody: "e4e68fb7bd0e697a0ae8f1bb342846b3",
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:eu-central-1:111122223333:orders",
    awsRegion: "eu-central-1",
  };
  return sent;
};

function entry(handler: EventHandler, options: Partial<MessagesOptions> = {}) {
  const { letters, deadLetters, state } = keptLetters();
  const { troubles, onTrouble } = heard();
  const run = lambdaMessages(handler, {
    feed: "queue",
    maxReceives: 3,
    deadLetters,
    onTrouble,
    ...options,
  });
  return {
    letters,
    state,
    troubles,
    failedOf: async (records: readonly SqsRecord[], remaining?: number) =>
      (await run({ Records: records }, invocation(remaining))).batchItemFailures.map(
        ({ itemIdentifier }) => itemIdentifier,
      ),
  };
}

describe("a batch of messages", () => {
  test("hands each to the handler as the queue's port would", async () => {
    const handler = vi.fn(async (_message: Message) => {});
    const { failedOf } = entry(handler);
    expect(await failedOf([record("m-1", { order: 7 }, 2)])).toEqual([]);
    expect(handler.mock.calls[0]?.[0]).toEqual({
      id: "m-1",
      body: { order: 7 },
      receives: 2,
      sentAt: new Date(1_763_704_800_000),
    });
  });

  test("reports exactly those that failed", async () => {
    const { failedOf, letters } = entry(async ({ body }: Message) => {
      if (body === "fails") throw new Error("closed");
    });
    const records = ["done", "fails", "done", "fails"].map((body, n) => record(`m-${n}`, body));
    expect(await failedOf(records)).toEqual(["m-1", "m-3"]);
    expect(letters).toEqual([]);
  });

  test("works on ten at a time, and no more", async () => {
    let now = 0;
    let most = 0;
    const { failedOf } = entry(async () => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now--;
    });
    await failedOf(Array.from({ length: 35 }, (_, n) => record(`m-${n}`, n)));
    expect(most).toBe(10);
  });

  test("of no message is done", async () => {
    expect(await entry(async () => {}).failedOf([])).toEqual([]);
  });
});

describe("poison", () => {
  test.each(["invalid", "too-large"] as const)(
    "%s is set aside at once with the reason, and the others are done",
    async (code) => {
      const { failedOf, letters } = entry(async ({ body }: Message) => {
        if (body === "poison") throw new PortError(code, "no such thing");
      });
      expect(await failedOf([record("m-1", "fine"), record("m-2", "poison")])).toEqual([]);
      expect(letters).toEqual([{ body: '"poison"', reason: "no such thing" }]);
    },
  );

  test("a body that is no JSON is set aside as it came", async () => {
    const handler = vi.fn(async () => {});
    const { failedOf, letters } = entry(handler);
    expect(await failedOf([record("m-1", { raw: "{half" })])).toEqual([]);
    expect(letters).toEqual([{ body: "{half", reason: "its body is no JSON" }]);
    expect(handler).not.toHaveBeenCalled();
  });

  test("that cannot be set aside comes back", async () => {
    const { failedOf, state, troubles } = entry(() =>
      Promise.reject(new PortError("invalid", "no such thing")),
    );
    state.broken = true;
    expect(await failedOf([record("m-1", 1)])).toEqual(["m-1"]);
    expect(troubles.map(({ outcome }) => outcome)).toEqual(["reject", "receive"]);
  });
});

describe("the last delivery", () => {
  const failing = () => Promise.reject(new Error("the provider is down"));

  test("of a message that fails sets it aside with that reason", async () => {
    const { failedOf, letters } = entry(failing);
    expect(await failedOf([record("m-1", 1, 2)])).toEqual(["m-1"]);
    expect(await failedOf([record("m-1", 1, 3)])).toEqual([]);
    expect(letters).toEqual([{ body: "1", reason: "the provider is down" }]);
  });

  test("is left to the queue where the dead letters cannot be reached", async () => {
    const { failedOf, state } = entry(failing);
    state.broken = true;
    expect(await failedOf([record("m-1", 1, 3)])).toEqual(["m-1"]);
  });
});

describe("the function's end", () => {
  test("fails the message that hangs, and not the others", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { failedOf } = entry(({ body }: Message) =>
      body === "hangs" ? new Promise<void>(() => {}) : Promise.resolve(),
    );
    const failed = failedOf([record("m-1", "hangs"), record("m-2", "fine")], 30_000);
    await vi.advanceTimersByTimeAsync(28_000);
    expect(await failed).toEqual(["m-1"]);
  });

  test("sets aside what hung at its last delivery, and says so", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { failedOf, letters } = entry(() => new Promise<void>(() => {}));
    const failed = failedOf([record("m-1", 1, 3)], 5_000);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(await failed).toEqual([]);
    expect(letters[0]?.reason).toBe("it was not done within 4000 ms");
  });

  test("begins nothing new", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const handler = vi.fn(() => new Promise<void>(() => {}));
    const { failedOf } = entry(handler, { concurrency: 1 });
    const failed = failedOf([record("m-1", 1), record("m-2", 2)], 5_000);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(await failed).toEqual(["m-1", "m-2"]);
    expect(handler).toHaveBeenCalledTimes(1);
  });

  test("is told to a job by its signal", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const job: JobHandler = (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("stopped halfway")));
      });
    const { failedOf, troubles } = entry(job);
    const failed = failedOf([record("m-1", 1)], 10_000);
    await vi.advanceTimersByTimeAsync(8_000);
    expect(await failed).toEqual(["m-1"]);
    expect(troubles).toHaveLength(1);
  });
});

describe("the handler's kind follows from the feed", () => {
  const object = (key: string) => ({
    eventName: "ObjectCreated:Put",
    s3: { object: { key, size: 5, eTag: "e", sequencer: "0A" } },
  });

  test("objects: the object that was stored, and its delivery", async () => {
    const handler = vi.fn<ObjectHandler>(async () => {});
    const { failedOf } = entry(handler, { feed: "objects" });
    expect(await failedOf([record("m-1", { Records: [object("a+b")] }, 2)])).toEqual([]);
    expect(handler.mock.calls).toEqual([
      [
        { key: "a b", bytes: 5, etag: "e", version: "0A".padEnd(40, "0") },
        { id: "m-1", receives: 2 },
      ],
    ]);
  });

  test("S3's own test event is done, and no handler is called", async () => {
    const handler = vi.fn<ObjectHandler>(async () => {});
    const { failedOf, letters } = entry(handler, { feed: "objects" });
    const test = { Service: "Amazon S3", Event: "s3:TestEvent", Bucket: "media" };
    expect(await failedOf([record("m-1", test)])).toEqual([]);
    expect([handler.mock.calls, letters]).toEqual([[], []]);
  });

  test("several objects of one message: all are tried, and one that may yet be done decides", async () => {
    const seen: string[] = [];
    const handler: ObjectHandler = async ({ key }, { id }) => {
      seen.push(`${id} ${key}`);
      if (key === "bad") throw new PortError("invalid", "no image");
      if (key === "late") throw new Error("try later");
    };
    const { failedOf, letters } = entry(handler, { feed: "objects" });
    const body = { Records: [object("bad"), object("late"), object("good")] };
    expect(await failedOf([record("m-1", body)])).toEqual(["m-1"]);
    expect(seen).toEqual(["m-1 bad", "m-1#1 late", "m-1#2 good"]);
    expect(letters).toEqual([]);
    expect(await failedOf([record("m-2", { Records: [object("bad"), object("good")] })])).toEqual(
      [],
    );
    expect(letters).toMatchObject([{ reason: "no image" }]);
  });

  test("an object that is told wrongly is set aside; the others of its message are done", async () => {
    const seen: string[] = [];
    const handler: ObjectHandler = async ({ key }) => void seen.push(key);
    const { failedOf, letters } = entry(handler, { feed: "objects" });
    const body = { Records: [object("good"), object("%zz"), object("fine")] };
    expect(await failedOf([record("m-1", body)])).toEqual([]);
    expect(seen).toEqual(["good", "fine"]);
    expect(letters).toMatchObject([{ reason: expect.stringContaining("URL-encoded") }]);
  });

  test("schedule: the time that was meant", async () => {
    const handler = vi.fn<ScheduleHandler>(async () => {});
    const { failedOf } = entry(handler, { feed: "schedule" });
    await failedOf([record("m-1", { scheduledAt: "2026-11-21T06:00:00Z" })]);
    expect(handler.mock.calls).toEqual([
      [{ scheduledAt: new Date("2026-11-21T06:00:00Z") }, { id: "m-1", receives: 1 }],
    ]);
  });

  test("what a feed cannot have sent is set aside, and says why", async () => {
    const { failedOf, letters } = entry(async () => {}, { feed: "schedule" });
    expect(await failedOf([record("m-1", { at: "noon" })])).toEqual([]);
    expect(letters[0]?.reason).toContain("scheduledAt");
  });
});

test("trouble is told in one line of JSON that names the message", async () => {
  const said = vi.spyOn(console, "error").mockImplementation(() => {});
  onTestFinished(() => said.mockRestore());
  const { failedOf } = entry(() => Promise.reject(new Error("closed")), { onTrouble: undefined });
  await failedOf([record("m-1", 1)]);
  expect(said.mock.calls.map(([line]) => JSON.parse(line))).toEqual([
    { level: "error", outcome: "retry", message: "m-1", error: "closed" },
  ]);
});
