import type { Fault } from "./faults.ts";

/** Where the next page starts, as text for a client: what was asked, and the last key given. */
export const writeCursor = (asked: readonly string[], last: string): string =>
  Buffer.from(JSON.stringify([...asked, last])).toString("base64url");

/**
 * The last key given, from a cursor that belongs to the same question.
 * @throws `invalid` for text that is no cursor, and for the cursor of another question
 */
export function readCursor(fault: Fault, asked: readonly string[], cursor: string): string {
  const refuse = (cause?: unknown) =>
    fault("invalid", "cursor is not one of this query; start from its first page", cause);
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
  } catch (cause) {
    throw refuse(cause);
  }
  if (!Array.isArray(parts) || parts.length !== asked.length + 1) throw refuse();
  const last: unknown = parts.at(-1);
  if (typeof last !== "string" || asked.some((part, index) => parts[index] !== part))
    throw refuse();
  return last;
}
