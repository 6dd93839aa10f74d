/**
 * Names that a program does not give: Pulumi makes one of the resource's name and seven hex digits,
 * and the provider completes one whose beginning alone is given (`bucketPrefix`, `namePrefix`).
 */
import { createHash, randomBytes } from "node:crypto";
import type { Failure } from "./check.ts";
import { textFault } from "./formats.ts";
import type { Property } from "./table.ts";
import { isUnknown, reveal, type Values } from "./wire.ts";

/** The list in the inputs of the names that were made, not given; real providers keep it too. */
export const madeNames = "__defaults";

export interface Naming {
  urn: string;
  /** Old inputs; a made name stays for the life of the resource. */
  olds: Values;
  /** The engine's seed: a plan and the update that follows it make the same name. */
  seed: string | Uint8Array;
  /** Rewrites a made name where the provider does (S3 has no capitals). */
  rewrite?: ((name: string) => string) | undefined;
}

/** Fills in the names that are left out; answers the faults of those that do not fit. */
export function fillNames(
  fields: Record<string, Property>,
  inputs: Values,
  { urn, olds, seed, rewrite = (name) => name }: Naming,
): Failure[] {
  const failures: Failure[] = [];
  const made: string[] = [];
  const oldMade = Array.isArray(olds[madeNames]) ? (olds[madeNames] as string[]) : [];
  for (const [name, property] of Object.entries(fields)) {
    if (!property.autoNamed || inputs[name] !== undefined) continue;
    if ((property.conflictsWith ?? []).some((other) => inputs[other] !== undefined)) continue;
    made.push(name);
    if (oldMade.includes(name) && olds[name] !== undefined) {
      inputs[name] = olds[name];
      continue;
    }
    const prefix = urn.split("::").at(-1) ?? "";
    const hash = createHash("sha256").update(seed).update(urn).digest("hex").slice(0, 7);
    const text = rewrite(`${prefix}-${hash}`) + ending(inputs);
    if (property.maxLength !== undefined && text.length > property.maxLength)
      failures.push({ property: name, reason: tooLong(prefix, property.maxLength) });
    inputs[name] = text;
  }
  inputs[madeNames] = made;
  return failures;
}

const tooLong = (prefix: string, most: number): string =>
  `the name made from ${JSON.stringify(prefix)} and 7 random characters is longer than ${most}; ` +
  "give the resource a shorter name, or set this property";

/** FIFO queues and topics are told by the end of their names. */
const ending = (values: Values): string =>
  values.fifoQueue === true || values.fifoTopic === true ? ".fifo" : "";

/** Properties whose value the provider is to complete, with the text that they begin with. */
function openNames(fields: Record<string, Property>, values: Values) {
  return Object.entries(fields).flatMap(([name, property]) => {
    const prefix = reveal(values[`${name}Prefix`]);
    const open =
      property.autoNamed &&
      fields[`${name}Prefix`] !== undefined &&
      values[name] === undefined &&
      typeof prefix === "string" &&
      !isUnknown(prefix);
    return open ? [{ name, property, prefix }] : [];
  });
}

/** What a provider appends to a prefix: the time to a tenth of a millisecond, and eight hex digits. */
const completion = (): string =>
  `${new Date().toISOString().replace(/\D/g, "")}0${randomBytes(4).toString("hex")}`;

/** Faults of prefixes whose completed names the service would refuse. */
export function prefixFaults(fields: Record<string, Property>, inputs: Values): Failure[] {
  return openNames(fields, inputs).flatMap(({ name, property, prefix }) => {
    const fault = textFault(property, prefix + completion() + ending(inputs));
    const reason = `is completed by 26 characters: ${fault}`;
    return fault ? [{ property: `${name}Prefix`, reason }] : [];
  });
}

/** The names that the provider completes when it creates a resource. */
export const completedNames = (fields: Record<string, Property>, inputs: Values): Values =>
  Object.fromEntries(
    openNames(fields, inputs).map(({ name, prefix }) => [
      name,
      prefix + completion() + ending(inputs),
    ]),
  );

/** Whether the given (not made) name stays: the old one must then go before the new one comes. */
export function keepsGivenName(
  fields: Record<string, Property>,
  olds: Values,
  news: Values,
): boolean {
  const made = Array.isArray(news[madeNames]) ? (news[madeNames] as string[]) : [];
  return Object.entries(fields).some(
    ([name, property]) =>
      property.autoNamed &&
      !made.includes(name) &&
      news[name] !== undefined &&
      !isUnknown(news[name]) &&
      news[name] === olds[name],
  );
}
