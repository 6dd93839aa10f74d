import { type ErrorCode, isPortError, type PortError } from "../ports/index.ts";
import type { Fault } from "./faults.ts";

/** Codes by SQLSTATE, and by its class (PostgreSQL 18, appendix A). First match wins. */
const bySqlState: readonly (readonly [start: string, code: ErrorCode])[] = [
  ["23505", "conflict"], // unique_violation
  ["23503", "conflict"], // foreign_key_violation
  ["23001", "conflict"], // restrict_violation
  ["23P01", "conflict"], // exclusion_violation
  ["23", "invalid"],
  ["40001", "throttled"], // serialization_failure
  ["40P01", "throttled"], // deadlock_detected
  ["42501", "denied"], // insufficient_privilege
  ["28", "denied"],
  ["25006", "unavailable"], // read_only_sql_transaction: a primary that is one no more
  ["25P03", "unavailable"], // idle_in_transaction_session_timeout
  ["08P01", "invalid"], // protocol_violation: a parameter is missing, or one too many
  ["0A", "invalid"],
  ["0Z", "invalid"],
  ["21", "invalid"],
  ["22", "invalid"],
  ["2", "invalid"],
  ["3D", "unavailable"], // invalid_catalog_name: the database itself is missing
  ["3", "invalid"],
  ["42", "invalid"],
  ["44", "invalid"],
  ["54", "invalid"],
  ["P0", "invalid"], // raised by a function or trigger of the schema
];

/** Other transactions were in the way: nothing was stored, and the next try may pass. */
const contended = ["40001", "40P01"];

const remedies: Readonly<Record<ErrorCode, string>> = {
  "not-found": "check that it exists",
  conflict: "read what is there first",
  denied: "check the rights of the database's user",
  throttled: "try again later",
  unavailable: "check that the database runs, or try again later",
  invalid: "correct the statement or its values",
  "too-large": "send less",
};

/** What Postgres says; an error of the network has no severity. */
interface DatabaseError {
  readonly code?: unknown;
  readonly severity?: unknown;
  readonly constraint?: unknown;
}

/** The SQLSTATE of what Postgres answered, or `undefined` for another error. */
export function sqlStateOf(error: unknown): string | undefined {
  const { code, severity } = (error ?? {}) as DatabaseError;
  return severity !== undefined && typeof code === "string" ? code : undefined;
}

export const isContended = (error: unknown): boolean => contended.includes(sqlStateOf(error) ?? "");

/**
 * What the driver threw, as a port's error. Values can stand in the database's own message, so that
 * stays in the cause.
 * @param text of the statement at work; its beginning is named
 */
export function sqlFault(fault: Fault, error: unknown, text?: string): PortError {
  if (isPortError(error)) return error;
  const state = sqlStateOf(error);
  const code = bySqlState.find(([start]) => state?.startsWith(start))?.[1] ?? "unavailable";
  const { constraint } = error as DatabaseError;
  const what = [
    state === undefined ? "no answer" : `SQLSTATE ${state}`,
    ...(typeof constraint === "string" ? [`of ${constraint}`] : []),
    ...(text === undefined ? [] : [`at ${beginningOf(text)}`]),
  ];
  return fault(code, `${what.join(" ")}; ${remedies[code]}`, error);
}

const longest = 120;
export const beginningOf = (text: string): string => {
  const line = text.trim().replace(/\s+/g, " ");
  return JSON.stringify(line.length > longest ? `${line.slice(0, longest)}…` : line);
};
