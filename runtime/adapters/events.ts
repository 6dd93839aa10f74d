import { randomUUID } from "node:crypto";
import type { Event, EventEnvelope } from "../ports/index.ts";
import type { Fault } from "./faults.ts";
import { messageText, utf8Bytes } from "./limits.ts";

/** Of SNS and EventBridge (quotas, read 2026-11), attributes included. */
const maxBytes = 262_144;
/** EventBridge's longest detail-type. */
const typePattern = /^[A-Za-z0-9._-]{1,128}$/;
const idPattern = /^[\x20-\x7e]{1,200}$/;

/** An event as it travels: checked, with its JSON text and what filters see of it. */
export interface Published {
  readonly envelope: EventEnvelope;
  readonly text: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * An event as every adapter sends it.
 * @param source name of the system
 * @throws `invalid` for a type, an id or data of another form; `too-large` over 256 KiB
 */
export function published(fault: Fault, source: string, event: Event): Published {
  const { type, data, id = randomUUID() } = event;
  if (typeof type !== "string" || !typePattern.test(type))
    throw fault("invalid", `type ${brief(type)}; use 1 to 128 letters, digits, ".", "_" and "-"`);
  if (typeof id !== "string" || !idPattern.test(id))
    throw fault("invalid", `id ${brief(id)}; use 1 to 200 printable ASCII characters`);
  const envelope = { id, type, source, at: new Date().toISOString(), data };
  const text = messageText(fault, envelope, maxBytes);
  const attributes = attributesOf(envelope);
  const bytes = Object.entries(attributes).reduce(
    (sum, [name, value]) => sum + utf8Bytes(`${name}String${value}`),
    utf8Bytes(text),
  );
  if (bytes > maxBytes)
    throw fault("too-large", `event of ${bytes} bytes; publish at most ${maxBytes}`);
  return { envelope, text, attributes };
}

const brief = (value: unknown): string => JSON.stringify(String(value).slice(0, 40));

/** SNS delivers raw messages with at most ten attributes, and drops the others (read 2026-11). */
const maxAttributes = 10;
/** Longest text that is an attribute, in bytes: what is filtered by is a name, not a novel. */
const maxAttributeBytes = 256;
const attributeName = /^(?!aws\.|amazon\.)[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: SNS refuses these in a value
const unspeakable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

/**
 * What a topic's subscribers filter by: `type`, and top-level text fields of the data of 1 to 256
 * bytes; of more than nine of them those whose names come first.
 */
export function attributesOf({ type, data }: EventEnvelope): Record<string, string> {
  const fields = typeof data === "object" && data !== null && !Array.isArray(data) ? data : {};
  const usable = Object.entries(fields).filter(
    (entry): entry is [string, string] => entry[0] !== "type" && isAttribute(...entry),
  );
  const sorted = usable.sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, maxAttributes - 1);
  return { type, ...Object.fromEntries(sorted) };
}

const isAttribute = (name: string, value: unknown): boolean =>
  name.length <= 256 &&
  attributeName.test(name) &&
  typeof value === "string" &&
  value !== "" &&
  utf8Bytes(value) <= maxAttributeBytes &&
  !unspeakable.test(value);

/** Whether a subscriber wants an event: each attribute that its filter names has one of the values. */
export const passes = (
  filter: Readonly<Record<string, readonly string[]>>,
  attributes: Readonly<Record<string, string>>,
): boolean =>
  Object.entries(filter).every(
    ([name, values]) => Object.hasOwn(attributes, name) && values.includes(attributes[name] ?? ""),
  );
