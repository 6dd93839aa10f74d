import { createHash } from "node:crypto";
import { Problem } from "../runtime/http/problem.ts";

/**
 * The key by which a second try of a request is known.
 * @throws {Problem} 400 where there is none, or it is longer than 255 printable ASCII characters
 */
export const idempotencyKey = ({ headers }: Request): string =>
  checkedKey(headers.get("idempotency-key") ?? "", "Idempotency-Key");

/**
 * A key that came in a field.
 * @throws {Problem} 400 with the field's name, as for a header
 */
export function checkedKey(key: string, field: string): string {
  if (/^[\x20-\x7e]{1,255}$/.test(key)) return key;
  throw new Problem("invalid", {
    detail: `Send an ${field}, so that a second try does not order twice.`,
    errors: [{ field, message: "must be 1 to 255 characters" }],
  });
}

/** One id for a user's key: other users cannot guess their way to it. */
export const idOf = (owner: string, key: string): string => digest([owner, key]).slice(0, 32);

/** Of values that JSON holds, in 64 hexadecimal digits. */
export const digest = (parts: readonly unknown[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex");
