/** Checks of a single value: what the table says about its form. Each answers a fault or nothing. */
import type { Property } from "./table.ts";

/** What is wrong with the text, if anything. */
export function textFault(property: Property, text: string): string | undefined {
  return (
    choiceFault(property, text) ??
    lengthFault(property, text) ??
    patternFault(property, text) ??
    (property.format ? formats[property.format](text) : undefined)
  );
}

/** What is wrong with the number, if anything. */
export function numberFault(property: Property, value: number): string | undefined {
  if (property.type === "integer" && !Number.isInteger(value))
    return `must be a whole number, got ${value}`;
  const { minimum, maximum } = property;
  if ((minimum !== undefined && value < minimum) || (maximum !== undefined && value > maximum))
    return `must be ${range(minimum, maximum)}, got ${value}`;
  return choiceFault(property, value);
}

/** "1 to 5", "at least 1" or "at most 5". */
export function range(minimum?: number, maximum?: number): string {
  if (minimum === undefined) return `at most ${maximum}`;
  return maximum === undefined ? `at least ${minimum}` : `${minimum} to ${maximum}`;
}

function choiceFault(property: Property, value: string | number): string | undefined {
  if (!property.oneOf) return undefined;
  const same = (choice: string | number): boolean =>
    property.oneOfIgnoreCase
      ? String(choice).toLowerCase() === String(value).toLowerCase()
      : choice === value;
  if (property.oneOf.some(same)) return undefined;
  return `must be one of ${property.oneOf.join(", ")}, got ${JSON.stringify(value)}`;
}

function lengthFault({ minLength, maxLength }: Property, text: string): string | undefined {
  // Providers count bytes.
  const length = Buffer.byteLength(text);
  if ((minLength ?? 0) <= length && length <= (maxLength ?? Number.POSITIVE_INFINITY))
    return undefined;
  return `must be ${range(minLength, maxLength)} characters long, got ${length}: ${JSON.stringify(text)}`;
}

function patternFault({ pattern }: Property, text: string): string | undefined {
  if (!pattern || toRegExp(pattern).test(text)) return undefined;
  return `must match ${pattern}, got ${JSON.stringify(text)}`;
}

const classes: Record<string, string> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  digit: "0-9",
  lower: "a-z",
  upper: "A-Z",
  space: "\\s",
  word: "\\w",
  punct: "!-\\/:-@\\[-`{-~",
  print: " -~",
  graph: "!-~",
};

/** A Go RE2 pattern as JavaScript writes it. */
export function toRegExp(pattern: string): RegExp {
  const flags = /^\(\?([ims]+)\)/.exec(pattern)?.[1] ?? "";
  const body = pattern
    .replace(/^\(\?[ims]+\)/, "")
    .replaceAll("\\z", "$")
    .replaceAll("\\A", "^")
    .replace(/\[:(\w+):\]/g, (_, name: string) => classes[name] ?? name);
  const unicode = /\\p\{/.test(body) ? "u" : "";
  return new RegExp(body, flags + unicode);
}

const formats: Record<NonNullable<Property["format"]>, (text: string) => string | undefined> = {
  json(text) {
    try {
      JSON.parse(text);
      return undefined;
    } catch (error) {
      return `must be JSON: ${(error as Error).message}`;
    }
  },
  arn(text) {
    const [head, partition, service, region, account, ...resource] = text.split(":");
    const sound =
      head === "arn" &&
      /^aws(-[a-z]+)*$/.test(partition ?? "") &&
      service &&
      /^([a-z]{2}(-[a-z]+)+-\d{1,2})?$/.test(region ?? "-") &&
      /^(|aws|aws-managed|third-party|\d{12}|cw.{10})$/.test(account ?? "-") &&
      resource.join(":");
    return sound ? undefined : `must be an ARN, got ${JSON.stringify(text)}`;
  },
  cidr(text) {
    const [address = "", bits = "", extra] = text.split("/");
    const parts = address.split(".");
    const v4 = parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && +part < 256);
    const v6 = /^[0-9a-fA-F:]+$/.test(address) && address.includes("::");
    const sound =
      extra === undefined && /^\d+$/.test(bits) && (v4 ? +bits <= 32 : v6 && +bits <= 128);
    return sound
      ? undefined
      : `must be a CIDR block such as 10.0.0.0/16, got ${JSON.stringify(text)}`;
  },
  "date-time"(text) {
    const sound = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(text) && !Number.isNaN(Date.parse(text));
    return sound
      ? undefined
      : `must be a time such as 2026-01-31T12:00:00Z, got ${JSON.stringify(text)}`;
  },
};
