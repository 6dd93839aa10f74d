import type { Feed } from "../../spec/index.ts";
import type { EventEnvelope, Json, JsonObject, ObjectStored } from "../ports/index.ts";

/** The events of one message in their neutral form (none: nothing is to be done), or a reason. */
export type Translated =
  /** `refused`: why some of what it held is not among them. */
  | { readonly events: readonly Json[]; readonly unread?: string }
  /** Why no delivery of the message can help. */
  | { readonly refused: string };

/**
 * A message's body as its workload reads it: what AWS's services send is translated, what is
 * neutral already stays as it is. Never throws.
 * @param feed what put the message into the queue
 */
export const translate = (feed: Feed, body: Json): Translated => translators[feed](body);

const translators: Readonly<Record<Feed, (body: Json) => Translated>> = {
  queue: (body) => event(body),
  topic: (body) =>
    isObject(body) && body.Type === "Notification" && typeof body.Message === "string"
      ? refuse("it is wrapped by SNS; subscribe the queue with raw message delivery")
      : envelope(body),
  bus: (body) => (isObject(body) && "detail-type" in body ? fromEventBridge(body) : envelope(body)),
  objects: (body) => {
    if (!isObject(body)) return refuse("it is no notification of an object store");
    // S3 tries each new configuration out with a message of its own.
    if (body.Event === "s3:TestEvent") return { events: [] };
    return Array.isArray(body.Records) ? fromS3(body.Records) : storedObject(body);
  },
  schedule: (body) => {
    const scheduledAt = isObject(body) ? isoTime(body.scheduledAt) : undefined;
    return scheduledAt === undefined
      ? refuse('it has no time; a schedule sends {"scheduledAt": "2026-11-21T06:00:00Z"}')
      : event({ scheduledAt });
  },
};

const event = (body: Json): Translated => ({ events: [body] });
const refuse = (refused: string): Translated => ({ refused });

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: Json | undefined): value is string =>
  typeof value === "string" && value !== "";

/** A time as `Date` writes it, or `undefined` for what is no ISO 8601 with an offset. */
function isoTime(value: Json | undefined): string | undefined {
  if (typeof value !== "string") return undefined;
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(value))
    return undefined;
  const time = new Date(value);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}

function envelope(body: Json): Translated {
  if (!isObject(body)) return refuse("it is no event; publish through the port");
  const { id, type, source, data } = body;
  const at = isoTime(body.at);
  const lacks = [
    ...Object.entries({ id, type, source }).flatMap(([name, part]) => (isText(part) ? [] : name)),
    ...(at === undefined ? ["at"] : []),
    ...(data === undefined ? ["data"] : []),
  ];
  if (lacks.length > 0 || at === undefined)
    return refuse(`its event has no ${lacks.join(", ")}; publish through the port`);
  return event({ id, type, source, at, data } as EventEnvelope & JsonObject);
}

/** EventBridge's event, of which `detail` is what the bus's port has put there. */
const fromEventBridge = ({ "detail-type": type, source, time, detail }: JsonObject): Translated =>
  isObject(detail)
    ? envelope({ type, source, at: time, id: detail.id, data: detail.data } as JsonObject)
    : refuse("its event has no detail with id and data; publish through the port");

/**
 * Records of an S3 event notification (Amazon S3 User Guide, "Event message structure"). One that
 * cannot be read does not keep the others from their handler.
 */
function fromS3(records: readonly Json[]): Translated {
  const read = records.map(fromS3Record);
  const events = read.flatMap((one) => ("refused" in one ? [] : one.events));
  const [unread] = read.flatMap((one) => ("refused" in one ? [one.refused] : []));
  if (unread === undefined) return { events };
  return events.length > 0 ? { events, unread } : refuse(unread);
}

function fromS3Record(record: Json): Translated {
  if (!isObject(record) || !isText(record.eventName))
    return refuse("a record of it has no eventName; let S3 send it");
  if (!record.eventName.startsWith("ObjectCreated:")) return { events: [] };
  const { object } = isObject(record.s3) ? record.s3 : {};
  if (!isObject(object)) return refuse("a record of it has no s3.object; let S3 send it");
  const { key, size, eTag, sequencer } = object;
  const decoded = isText(key) ? decodeKey(key) : undefined;
  if (decoded === undefined) return refuse("the key of its object is not URL-encoded UTF-8");
  return storedObject({
    key: decoded,
    // Absent for an object without a byte.
    bytes: size ?? 0,
    etag: eTag ?? "",
    version: isText(sequencer) ? versionOf(sequencer) : "",
  });
}

/** Sequencers compare as hexadecimal text of one length, filled up on the right (same page). */
const versionOf = (sequencer: string): string => sequencer.toUpperCase().padEnd(40, "0");

/** S3 encodes keys as a form does: a space is "+", a "+" is "%2B". */
function decodeKey(key: string): string | undefined {
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

function storedObject({ key, bytes, etag, version }: JsonObject): Translated {
  if (!isText(key) || !isText(etag) || !isText(version) || !isSize(bytes))
    return refuse("its object is not told by key, bytes, etag and version");
  if (key.split("/").some((segment) => segment === "." || segment === ".."))
    return refuse(`the key ${JSON.stringify(key)} has "." or ".." as a segment; use another`);
  return event({ key, bytes, etag, version } satisfies ObjectStored);
}

const isSize = (value: Json | undefined): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
