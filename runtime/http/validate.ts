import type * as z from "zod/mini";
import { type FieldFault, Problem } from "./problem.ts";

/** Faults that are listed in one answer; a body may hold any number of unknown fields. */
const maxFaults = 20;
const maxFieldName = 100;

/**
 * Reads and checks a JSON body.
 * @returns a reader: the checked value of a request's body
 * @throws {Problem} 415 for another media type, charset or encoding; 400 for what is no JSON in
 *   UTF-8, and for each field that does not fit the schema, by name and never with its value
 * @example
 * const newUser = body(z.strictObject({ name: z.string().check(z.minLength(1)) }));
 * app.post("/users", async (c) => c.json(await newUser(c.req.raw)));
 */
export function body<S extends z.ZodMiniType>(schema: S) {
  return async (request: Request): Promise<z.output<S>> =>
    checked(schema, await json(request), "The body has fields that do not fit.");
}

/**
 * A value that came by another way than a body.
 * @param detail of the refusal
 * @throws {Problem} 400 for each field that does not fit, as `body`
 */
export function checked<S extends z.ZodMiniType>(
  schema: S,
  value: unknown,
  detail: string,
): z.output<S> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const errors = result.error.issues.flatMap(faultsOf).slice(0, maxFaults);
  throw new Problem("invalid", { detail, errors });
}

async function json(request: Request): Promise<unknown> {
  mediaTypeMustBeJson(request.headers);
  const bytes = await request.arrayBuffer().catch((cause) => {
    throw new Problem("invalid", { detail: "The body could not be read to its end.", cause });
  });
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Problem("invalid", { detail: "The body is not UTF-8." });
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem("invalid", { detail: "The body is not JSON." });
  }
}

function mediaTypeMustBeJson(headers: Headers): void {
  const refuse = (detail: string) => new Problem("invalid", { status: 415, detail });
  const [type = "", ...parameters] = (headers.get("content-type") ?? "").toLowerCase().split(";");
  if (!/^application\/(?:[\w.+-]+\+)?json$/.test(type.trim()))
    throw refuse("Send the body as application/json.");
  const charset = parameters.map((p) => p.trim()).find((p) => p.startsWith("charset="));
  if (charset && !/^charset="?utf-?8"?$/.test(charset)) throw refuse("Send the body in UTF-8.");
  const encoding = headers.get("content-encoding");
  if (encoding && encoding.trim().toLowerCase() !== "identity")
    throw refuse("Send the body without a content encoding.");
}

type Issue = z.core.$ZodIssue;

function faultsOf(issue: Issue): FieldFault[] {
  if (issue.code === "unrecognized_keys")
    return issue.keys.slice(0, maxFaults).map((key) => ({
      field: fieldName([...issue.path, key]),
      message: "is not known here",
    }));
  return [{ field: fieldName(issue.path), message: messageOf(issue) }];
}

const fieldName = (path: readonly PropertyKey[]): string =>
  path.map(String).join(".").toWellFormed().slice(0, maxFieldName) || "(body)";

const kinds: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "an object",
  array: "a list",
};

// Own words: zod/mini carries no locale, and the given value must never stand in an answer.
function messageOf(issue: Issue): string {
  // Zod's placeholder where the schema gives no words of its own.
  if (issue.message && issue.message !== "Invalid input") return issue.message;
  // A number is at most so much; what can be counted has at most so many.
  const bounded = (origin: string, bound: string) =>
    origin === "string"
      ? `must have ${bound} characters`
      : `must ${/^(number|int|bigint)$/.test(origin) ? "be" : "have"} ${bound}`;
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined
        ? "is missing"
        : `must be ${kinds[issue.expected] ?? issue.expected}`;
    case "too_small":
      return bounded(issue.origin, `at least ${issue.minimum}`);
    case "too_big":
      return bounded(issue.origin, `at most ${issue.maximum}`);
    case "invalid_format":
      return `must be a valid ${issue.format === "regex" ? "value" : issue.format}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    default:
      return "does not fit";
  }
}
