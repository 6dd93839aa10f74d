import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { translate } from "../../runtime/entries/translate.ts";
import type { Json } from "../../runtime/ports/index.ts";
import type { Feed } from "../../spec/index.ts";

/** A record as the Amazon S3 User Guide shows it, with what a test says of it. */
const s3Record = (object: Record<string, Json>, eventName = "ObjectCreated:Put") => ({
  eventVersion: "2.1",
  eventSource: "aws:s3",
  awsRegion: "eu-central-1",
  eventTime: "2026-11-21T06:00:00.000Z",
  eventName,
  userIdentity: { principalId: "AWS:AIDA" },
  requestParameters: { sourceIPAddress: "192.0.2.1" },
  responseElements: { "x-amz-request-id": "C3D13FE58DE4C810" },
  s3: {
    s3SchemaVersion: "1.0",
    configurationId: "uploads",
    bucket: { name: "media", ownerIdentity: { principalId: "A3" }, arn: "arn:aws:s3:::media" },
    object: {
      key: "uploads/cat.jpg",
      size: 1024,
      eTag: "d41d8cd98f00b204e9800998ecf8427e",
      sequencer: "0055AED6DCD90281E5",
      ...object,
    },
  },
});
const s3 = (...records: Json[]): Json => ({ Records: records });
const eventsOf = (feed: Feed, body: Json) => {
  const translated = translate(feed, body);
  return "events" in translated ? translated.events : translated.refused;
};
/** A key in the form encoding that S3 uses. */
const formEncoded = (key: string) =>
  encodeURIComponent(key).replaceAll("%20", "+").replaceAll("%2F", "/");

const envelope = {
  id: "e-1",
  type: "order.placed",
  source: "shop",
  at: "2026-11-21T06:00:00.000Z",
  data: { orderId: "o-1" },
};
const isEnvelope = (body: Json) => eventsOf("topic", body);

describe("queue", () => {
  test("a message is what was sent, whatever it is", () => {
    void fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(eventsOf("queue", value as Json)).toEqual([value]);
      }),
    );
  });
});

describe("objects", () => {
  test("a notification of S3 becomes the object that was stored", () => {
    expect(eventsOf("objects", s3(s3Record({})))).toEqual([
      {
        key: "uploads/cat.jpg",
        bytes: 1024,
        etag: "d41d8cd98f00b204e9800998ecf8427e",
        version: "0055AED6DCD90281E50000000000000000000000",
      },
    ]);
  });

  test.each([
    ["uploads/a+b.jpg", "uploads/a b.jpg"],
    ["uploads/a%2Bb.jpg", "uploads/a+b.jpg"],
    ["uploads/100%25.jpg", "uploads/100%.jpg"],
    ["uploads/%F0%9F%90%88.jpg", "uploads/🐈.jpg"],
    ["uploads/..cat..jpg", "uploads/..cat..jpg"],
  ])("the key %s is the object %s", (sent, key) => {
    expect(eventsOf("objects", s3(s3Record({ key: sent })))).toMatchObject([{ key }]);
  });

  test("every key that a form can carry comes back as it was", () => {
    const key = fc
      .string({ unit: "grapheme", minLength: 1 })
      .filter((text) => !text.split("/").some((part) => part === "." || part === ".."));
    void fc.assert(
      fc.property(key, (text) => {
        expect(eventsOf("objects", s3(s3Record({ key: formEncoded(text) })))).toMatchObject([
          { key: text },
        ]);
      }),
    );
  });

  test.each(["uploads/../secrets", "../x", "uploads/.", "%2E%2E/x"])(
    "the key %s is refused, however it is written",
    (key) => {
      expect(eventsOf("objects", s3(s3Record({ key })))).toContain("as a segment");
    },
  );

  test.each(["uploads/%", "uploads/%zz", "uploads/%ff", ""])(
    "the key %j is refused: no form would carry it",
    (key) => {
      expect(eventsOf("objects", s3(s3Record({ key })))).toContain("URL-encoded");
    },
  );

  test("versions of sequencers of any length order as the events did", () => {
    const hex = fc.stringMatching(/^[0-9A-F]{1,36}$/);
    const versionOf = (sequencer: string) =>
      (eventsOf("objects", s3(s3Record({ sequencer }))) as { version: string }[])[0]?.version ?? "";
    // As S3 says to compare them: as hexadecimal numbers of one length, filled up on the right.
    const number = (sequencer: string) => BigInt(`0x${sequencer.padEnd(64, "0")}`);
    void fc.assert(
      fc.property(hex, hex, (one, two) => {
        expect(versionOf(one) < versionOf(two)).toBe(number(one) < number(two));
      }),
    );
  });

  test("a message with several records brings each of them, in their order", () => {
    const body = s3(s3Record({ key: "uploads/1" }), s3Record({ key: "uploads/2" }));
    expect(eventsOf("objects", body)).toMatchObject([{ key: "uploads/1" }, { key: "uploads/2" }]);
  });

  test("what was not stored is nothing to do", () => {
    const removed = s3Record({}, "ObjectRemoved:DeleteMarkerCreated");
    const stored = s3Record({ key: "uploads/2" }, "ObjectCreated:CompleteMultipartUpload");
    expect(eventsOf("objects", s3(removed))).toEqual([]);
    expect(eventsOf("objects", s3(removed, stored))).toMatchObject([{ key: "uploads/2" }]);
  });

  test("S3's own test event is nothing to do", () => {
    const test = {
      Service: "Amazon S3",
      Event: "s3:TestEvent",
      Time: "2026-11-21T06:00:00.000Z",
      Bucket: "media",
      RequestId: "5582815E1AEA5ADF",
      HostId: "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE",
    };
    expect(eventsOf("objects", test)).toEqual([]);
  });

  test("what is neutral already stays as it is", () => {
    const stored = { key: "uploads/a+b", bytes: 0, etag: "e", version: "7" };
    expect(eventsOf("objects", stored)).toEqual([stored]);
  });

  test.each<[string, Json]>([
    ["nothing", null],
    ["text", "uploads/cat.jpg"],
    ["a list", []],
    ["an empty object", {}],
    ["a record that is none", s3(null)],
    ["a record without an object", s3({ eventName: "ObjectCreated:Put", s3: {} })],
    ["an object without a sequencer", s3(s3Record({ sequencer: null }))],
    ["an object without an etag", s3(s3Record({ eTag: null }))],
    ["a size that is none", s3(s3Record({ size: -1 }))],
    ["a neutral object without a version", { key: "k", bytes: 1, etag: "e" }],
  ])("%s is refused with a reason", (_, body) => {
    expect(translate("objects", body)).toEqual({ refused: expect.stringMatching(/./) });
  });
});

describe("topic", () => {
  test("brings the envelope as it was published, with data of any kind", () => {
    void fc.assert(
      fc.property(fc.jsonValue(), (data) => {
        const body = { ...envelope, data: data as Json };
        expect(isEnvelope(body)).toEqual([body]);
      }),
    );
  });

  test("without raw delivery it is refused, and says what to set", () => {
    const wrapped = { Type: "Notification", MessageId: "1", Message: JSON.stringify(envelope) };
    expect(isEnvelope(wrapped)).toContain("raw message delivery");
  });

  test.each(["id", "type", "source", "at", "data"])("an envelope without %s is refused", (part) => {
    const { [part as keyof typeof envelope]: _, ...rest } = envelope;
    expect(isEnvelope(rest)).toContain(`no ${part}`);
  });

  test.each<[string, Json]>([
    ["nothing", null],
    ["text", "order.placed"],
    ["an id that is no text", { ...envelope, id: 7 }],
    ["a time that is none", { ...envelope, at: "yesterday" }],
    ["a time of a month that is none", { ...envelope, at: "2026-13-01T00:00:00Z" }],
  ])("%s is refused", (_, body) => {
    expect(translate("topic", body)).toEqual({ refused: expect.stringMatching(/./) });
  });
});

describe("bus", () => {
  /** As the Amazon EventBridge User Guide shows an event. */
  const sent = {
    version: "0",
    id: "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "order.placed",
    source: "shop",
    account: "111122223333",
    time: "2026-11-21T06:00:00Z",
    region: "eu-central-1",
    resources: [],
    detail: { id: "e-1", data: { orderId: "o-1" } },
  };

  test("EventBridge's event becomes the envelope, with the publisher's id", () => {
    expect(eventsOf("bus", sent)).toEqual([envelope]);
  });

  test("what is neutral already stays as it is", () => {
    expect(eventsOf("bus", envelope)).toEqual([envelope]);
  });

  test.each<[string, Json]>([
    ["no detail", { ...sent, detail: null }],
    ["a detail of another's making", { ...sent, detail: { orderId: "o-1" } }],
    ["no time", { ...sent, time: null }],
  ])("an event with %s is refused", (_, body) => {
    expect(translate("bus", body)).toEqual({ refused: expect.stringMatching(/./) });
  });
});

describe("schedule", () => {
  test.each(["2026-11-21T06:00:00Z", "2026-11-21T06:00:00.000Z", "2026-11-21T07:00:00+01:00"])(
    "brings the time that was meant: %s",
    (scheduledAt) => {
      expect(eventsOf("schedule", { scheduledAt })).toEqual([
        { scheduledAt: "2026-11-21T06:00:00.000Z" },
      ]);
    },
  );

  test.each<[string, Json]>([
    ["nothing", null],
    ["a placeholder that nobody filled in", { scheduledAt: "<aws.scheduler.scheduled-time>" }],
    ["a number", { scheduledAt: 1_763_704_800_000 }],
    ["a date without a time", { scheduledAt: "2026-11-21" }],
  ])("%s is refused with a reason", (_, body) => {
    expect(eventsOf("schedule", body)).toContain("scheduledAt");
  });
});

test("no feed throws, whatever JSON comes", () => {
  const feeds: Feed[] = ["queue", "topic", "bus", "objects", "schedule"];
  const names = fc.constantFrom("Records", "Event", "Type", "detail-type", "detail", "s3", "key");
  const any = fc.letrec((tie) => ({
    json: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue(),
      fc.dictionary(fc.oneof(names, fc.string()), tie("json")),
      fc.array(tie("json")),
    ),
  })).json;
  void fc.assert(
    fc.property(fc.constantFrom(...feeds), any, (feed, body) => {
      const translated = translate(feed, body as Json);
      expect("events" in translated || translated.refused.length > 0).toBe(true);
    }),
  );
});
