import type { JsonObject, Key, Writes } from "../ports/index.ts";
import type { Fault } from "./faults.ts";
import { checkDocument, checkKey } from "./limits.ts";

/** One write of `once`; without a document it is a removal. */
export interface Write {
  readonly key: Key;
  readonly document?: JsonObject;
  readonly ifAbsent: boolean;
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
      checkKey(fault, key);
      bytes += checkDocument(fault, key, document);
      add({ key, document, ifAbsent: options?.ifAbsent ?? false });
    },
    delete(key) {
      checkKey(fault, key);
      add({ key, ifAbsent: false });
    },
  });
  return [...writes.values()];
}
