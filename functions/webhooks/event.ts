import { createHash } from "node:crypto";

/** A verified webhook as it stands in the queue, and later in the table. */
export interface WebhookEvent {
  readonly source: string;
  /** The same for each delivery of one event; at most 200 characters. */
  readonly eventId: string;
  /** ISO 8601, UTC */
  readonly receivedAt: string;
  readonly contentType: string;
  /** How `body` is written: as text, or base64 where the bytes are no plain UTF-8 text. */
  readonly encoding: "utf-8" | "base64";
  readonly body: string;
}

// As a type literal it is a Json of the queue port; an interface would not be.
export type QueuedWebhook = Pick<WebhookEvent, keyof WebhookEvent>;

/**
 * A message for the queue. Its JSON is at most 4/3 of the body and 2 KiB: base64 is chosen where
 * escaping would make the text longer than that, or where a queue or a database could not hold it.
 */
export function eventOf(received: {
  readonly source: string;
  readonly eventId: string;
  readonly contentType: string | null;
  readonly body: Uint8Array;
}): QueuedWebhook {
  const { source, eventId, contentType, body } = received;
  const text = plainText(body);
  return {
    source,
    eventId: /^[\x21-\x7e]{1,200}$/.test(eventId) ? eventId : `sha256:${digest(eventId)}`,
    receivedAt: new Date().toISOString(),
    contentType: (contentType ?? "").slice(0, 200),
    ...(text === undefined
      ? { encoding: "base64", body: Buffer.from(body).toString("base64") }
      : { encoding: "utf-8", body: text }),
  };
}

const digest = (text: string) => createHash("sha256").update(text).digest("hex");

// Postgres' jsonb refuses U+0000, Amazon SQS U+FFFE and U+FFFF.
const unstorable = /[\0\ufffe\uffff]/;

function plainText(body: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
    const length = Buffer.byteLength(JSON.stringify(text));
    return unstorable.test(text) || length > Math.ceil(body.length / 3) * 4 + 2 ? undefined : text;
  } catch {
    return undefined;
  }
}
