import type { JsonObject, Key, PutCondition, Writes } from "../ports/index.ts";
import type { Fault } from "./faults.ts";
import { checkDocument, checkKey, checkName } from "./limits.ts";

/** One write, checked; without a document it is a removal. */
export interface Write {
  readonly key: Key;
  readonly document?: JsonObject;
  readonly ifAbsent?: boolean;
  /** The field that must be higher than the stored one, and what it is now. */
  readonly ifNewer?: { readonly field: string; readonly value: string };
}

/**
 * A put as it was asked for.
 * @throws `invalid` for a bad key or document, for both conditions at once, and for a field that
 *   is no text of 1 to 1,024 bytes; `too-large`
 */
export function putOf(
  fault: Fault,
  key: Key,
  document: JsonObject,
  { ifAbsent = false, ifNewer }: PutCondition = {},
): Write & { readonly document: JsonObject; readonly bytes: number } {
  checkKey(fault, key);
  const bytes = checkDocument(fault, key, document);
  if (ifNewer === undefined) return { key, document, ifAbsent, bytes };
  if (ifAbsent) throw fault("invalid", "both ifAbsent and ifNewer; give one of them");
  const value = Object.hasOwn(document, ifNewer) ? document[ifNewer] : undefined;
  if (typeof value !== "string")
    throw fault("invalid", `ifNewer "${ifNewer}", which is no text in the document; add it`);
  checkName(fault, `field "${ifNewer}"`, value);
  return { key, document, ifNewer: { field: ifNewer, value }, bytes };
}

// DynamoDB: 100 actions and 4 MB a transaction, and one of the actions marks the key as seen.
const maxWrites = 99;
const maxBytes = 4_194_304;

/**
 * Runs the function of `once` and gives what it wants stored, checked; stores nothing.
 * @throws what the function throws; `invalid` for over 99 writes or two to one key, `too-large`
 */
export async function collectWrites(
  fault: Fault,
  fn: (writes: Writes) => void | Promise<void>,
): Promise<readonly Write[]> {
  const writes = new Map<string, Write>();
  let bytes = 0;
  const add = (write: Write) => {
    const id = JSON.stringify([write.key.pk, write.key.sk]);
    if (writes.has(id))
      throw fault("invalid", `two writes to ${write.key.pk} / ${write.key.sk}; write it once`);
    if (writes.size === maxWrites)
      throw fault("invalid", `more than ${maxWrites} writes; split the work over several keys`);
    if (bytes > maxBytes)
      throw fault("too-large", `writes of ${bytes} bytes together; write at most ${maxBytes}`);
    writes.set(id, write);
  };
  await fn({
    put(key, document, options) {
      const write = putOf(fault, key, document, options);
      bytes += write.bytes;
      add(write);
    },
    delete(key) {
      checkKey(fault, key);
      add({ key });
    },
  });
  return [...writes.values()];
}
