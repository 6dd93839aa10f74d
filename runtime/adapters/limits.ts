import type { Json, JsonObject, Key } from "../ports/index.ts";
import type { Fault } from "./faults.ts";

/**
 * What every adapter accepts, so that what works on one works on all. The numbers are those of the
 * strictest service (DynamoDB, S3 and SQS quotas, read 2026-11).
 */

const maxKeyBytes = 1024;
const maxItemBytes = 409_600;

interface Rules {
  readonly levels: number;
  readonly smallest: number;
  readonly largest: number;
  name(name: string): boolean;
}
const inTable: Rules = {
  // The item is the first of DynamoDB's 32 levels.
  levels: 31,
  smallest: 1e-130,
  largest: 9.9e125,
  name: (name) => name !== "" && name !== "__proto__" && name.isWellFormed(),
};
const inMessage: Rules = {
  // No service's limit: deep enough for data, and far from the end of the stack.
  levels: 1000,
  smallest: 0,
  largest: Number.MAX_VALUE,
  name: (name) => name !== "__proto__" && name.isWellFormed(),
};

export const utf8Bytes = (text: string): number => Buffer.byteLength(text, "utf8");

/** Refuses text that no store could give back as it was: lone surrogates and, in keys, NUL. */
function checkText(fault: Fault, what: string, text: unknown, minBytes: number): void {
  if (typeof text !== "string") throw fault("invalid", `${what} is no text; give a string`);
  if (!text.isWellFormed() || text.includes("\0"))
    throw fault("invalid", `${what} has a lone surrogate or NUL; use well-formed text`);
  const bytes = utf8Bytes(text);
  if (bytes < minBytes || bytes > maxKeyBytes)
    throw fault("invalid", `${what} has ${bytes} bytes; use ${minBytes} to ${maxKeyBytes}`);
}

/** @throws `invalid` unless both parts are 1 to 1,024 bytes of UTF-8 */
export function checkKey(fault: Fault, key: Key): void {
  checkText(fault, "pk", key.pk, 1);
  checkText(fault, "sk", key.sk, 1);
}

/** @throws `invalid` unless the text is 1 to 1,024 bytes of UTF-8 */
export const checkName = (fault: Fault, what: string, text: string): void =>
  checkText(fault, what, text, 1);

/** @throws `invalid` for a prefix that no key could begin with */
export const checkPrefix = (fault: Fault, prefix: string): void =>
  checkText(fault, "prefix", prefix, 0);

/** @throws `invalid` unless the number is whole and in the range */
export function checkWhole(
  fault: Fault,
  what: string,
  value: number,
  min: number,
  max: number,
): void {
  if (!Number.isInteger(value) || value < min || value > max)
    throw fault("invalid", `${what} ${value}; use a whole number from ${min} to ${max}`);
}

/**
 * @throws `invalid` unless the key is 1 to 1,024 bytes of UTF-8 without `.` or `..` as a segment
 *   and without control characters, which a listing in XML cannot carry
 */
export function checkObjectKey(fault: Fault, key: string): void {
  checkText(fault, "key", key, 1);
  if (key.split("/").some((segment) => segment === "." || segment === ".."))
    throw fault("invalid", `key ${JSON.stringify(key)}; leave out "." and ".." segments`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f\ufffe\uffff]/.test(key))
    throw fault("invalid", `key ${JSON.stringify(key)}; leave out control characters`);
}

/** @throws `invalid` for what is no e-mail address of up to 128 characters, Cognito's limit */
export function checkEmail(fault: Fault, email: string): void {
  if (email.length > 128 || !/^[^\s@\p{C}]+@[^\s@\p{C}]+$/u.test(email))
    throw fault("invalid", "what was given is no e-mail address; use name@example.com");
}

/** @throws `invalid` for a media type that a header could not carry: 1 to 255 printable characters */
export function checkContentType(fault: Fault, type: string): void {
  if (!/^[\x20-\x7e]{1,255}$/.test(type))
    throw fault("invalid", `content type ${JSON.stringify(type.slice(0, 80))}; use "image/png"`);
}

/**
 * A JSON text for a queue, which gives back exactly what was sent.
 * @throws `invalid` for what JSON cannot hold, `too-large` over `maxBytes`
 */
export function messageText(fault: Fault, body: Json, maxBytes: number): string {
  sizeOf(fault, body, "body", 0, inMessage);
  // JSON allows U+FFFE and U+FFFF as they are, SQS and XML do not: escaped, they mean the same.
  const text = JSON.stringify(body).replace(/[\ufffe\uffff]/g, (character) =>
    character === "\ufffe" ? "\\ufffe" : "\\uffff",
  );
  const bytes = utf8Bytes(text);
  if (bytes > maxBytes)
    throw fault("too-large", `message of ${bytes} bytes; send at most ${maxBytes}`);
  return text;
}

/**
 * Refuses what a table could not give back as it was.
 * @returns the item's size in bytes, key and names included, as DynamoDB counts it
 * @throws `invalid` for undefined, NaN, class instances, lone surrogates, empty or `__proto__`
 *   names, numbers beyond 1e-130 to 9.9e125 and more than 31 levels; `too-large` over 400 KB
 */
export function checkDocument(fault: Fault, key: Key, document: JsonObject): number {
  if (!isPlainObject(document)) throw fault("invalid", "document is no object; give a JSON object");
  const bytes =
    "pkskdocument".length +
    utf8Bytes(key.pk) +
    utf8Bytes(key.sk) +
    sizeOf(fault, document, "document", 1, inTable);
  if (bytes > maxItemBytes)
    throw fault("too-large", `document of ${bytes} bytes; store at most ${maxItemBytes}`);
  return bytes;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * Size by DynamoDB's rules ("Item sizes and formats"): text by its UTF-8, a number by its digits,
 * 3 bytes for a list or map and 1 for each of its elements.
 */
function sizeOf(fault: Fault, value: unknown, path: string, level: number, rules: Rules): number {
  const refuse = (what: string) => fault("invalid", `${path}: ${what}`);
  if (level > rules.levels) throw refuse(`deeper than ${rules.levels} levels; flatten it`);
  if (value === null || typeof value === "boolean") return 1;
  if (typeof value === "string") {
    if (!value.isWellFormed()) throw refuse("a lone surrogate; use well-formed text");
    return utf8Bytes(value);
  }
  if (typeof value === "number") {
    const size = Math.abs(value);
    if (!Number.isFinite(value)) throw refuse(`${value}; use a finite number`);
    if (size !== 0 && (size < rules.smallest || size > rules.largest))
      throw refuse(`${value}; use a number from ${rules.smallest} to ${rules.largest}`);
    const digits = String(size)
      .replace(/e.*|\./g, "")
      .replace(/^0+|0+$/g, "").length;
    return Math.ceil(digits / 2) + (value < 0 ? 2 : 1);
  }
  if (Array.isArray(value)) {
    let bytes = 3;
    for (let index = 0; index < value.length; index++)
      bytes += 1 + sizeOf(fault, value[index], `${path}[${index}]`, level + 1, rules);
    return bytes;
  }
  if (!isPlainObject(value))
    throw refuse(`${typeof value === "object" ? "a class instance" : typeof value}; use JSON`);
  let bytes = 3;
  for (const [name, part] of Object.entries(value)) {
    if (!rules.name(name)) throw refuse(`name ${JSON.stringify(name)}; use another`);
    const inner = `${path}.${name.slice(0, 40)}`;
    bytes += 1 + utf8Bytes(name) + sizeOf(fault, part, inner, level + 1, rules);
  }
  return bytes;
}

/** A stream's record, its body as JSON text. */
export interface RecordText {
  readonly key: string;
  readonly text: string;
}

// Kinesis PutRecords (API reference, read 2026-11); a key counts with its record.
const maxRecords = 500;
const maxRecordBytes = 1_048_576;
const maxRecordsBytes = 5_242_880;
const maxPartitionKeyBytes = 256;

/**
 * The records of one put as every stream takes them.
 * @throws `invalid` for none or over 500 of them, for a key that is not 1 to 256 bytes of UTF-8
 *   without NUL, and for a body that is no JSON; `too-large` for one over 1 MiB with its key, or
 *   5 MiB together
 */
export function checkRecords(
  fault: Fault,
  records: readonly { readonly key: string; readonly body: Json }[],
): RecordText[] {
  checkWhole(fault, "number of records", records.length, 1, maxRecords);
  let total = 0;
  return records.map(({ key, body }) => {
    checkText(fault, "key", key, 1);
    const keyBytes = utf8Bytes(key);
    if (keyBytes > maxPartitionKeyBytes)
      throw fault("invalid", `key of ${keyBytes} bytes; use at most ${maxPartitionKeyBytes}`);
    const text = messageText(fault, body, maxRecordBytes - keyBytes);
    total += keyBytes + utf8Bytes(text);
    if (total > maxRecordsBytes)
      throw fault("too-large", `records of over ${maxRecordsBytes} bytes; put fewer at a time`);
    return { key, text };
  });
}
