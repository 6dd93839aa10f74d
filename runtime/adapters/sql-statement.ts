import type { SqlValue } from "../ports/index.ts";
import type { Fault } from "./faults.ts";
import { beginningOf } from "./sql-faults.ts";

const blank = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/;
const control =
  /^(?:begin|start\s+transaction|commit|end|abort|rollback(?!\s+(?:work\s+|transaction\s+)?to\b)|prepare\s+transaction)\b/i;

/**
 * @throws `invalid` for a statement that would begin or end a transaction by itself, and for values
 *   that would reach the database as something else: undefined, functions, lone surrogates
 */
export function checkStatement(fault: Fault, text: string, values: readonly SqlValue[]): void {
  if (typeof text !== "string" || text.trim() === "")
    throw fault("invalid", "no statement was given; give one as text");
  if (control.test(text.replace(blank, "")))
    throw fault("invalid", `${beginningOf(text)} ends or begins a transaction; use transaction()`);
  for (const [index, value] of values.entries())
    if (!isValue(value))
      throw fault("invalid", `$${index + 1} at ${beginningOf(text)} is no SQL value; use null`);
}

function isValue(value: unknown): boolean {
  switch (typeof value) {
    case "string":
      return value.isWellFormed() && !value.includes("\0");
    case "number":
    case "bigint":
    case "boolean":
      return true;
    case "object":
      if (Array.isArray(value)) return value.every(isValue);
      return !(value instanceof Date) || !Number.isNaN(value.getTime());
    default:
      return false;
  }
}
