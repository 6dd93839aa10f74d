/**
 * What a provider answers on create: an id, and every property that only the cloud can know.
 * A provider's own data (answers/aws.ts) comes first; what it leaves out is made plausible here
 * from the property's type and name.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { fieldsOf, type Property, type Table } from "./table.ts";
import { secret, unknown, type Values } from "./wire.ts";

/** A template such as `arn:aws:sqs:{region}:{account}:{name}`, or a value, or how to make one. */
export type Answer = string | number | boolean | ((context: Context) => unknown);

/** What is known of one type beyond its table. */
export interface TypeAnswers {
  /** Template of the id; random hex when left out. */
  id?: Answer;
  /** What makes it one of a kind in the cloud, when that is more than the id. */
  key?: Answer;
  /** The cloud's call overwrites: creating it where it exists is no conflict. */
  puts?: boolean;
  /** Rewrites a name that Pulumi makes. */
  madeName?: (name: string) => string;
  outputs?: Record<string, Answer>;
  /** Outputs that an update of one of the listed inputs changes ("*": of any). */
  changes?: Record<string, string[]>;
}

export interface Context {
  props: Values;
  type: string;
  region: string;
  account: string;
  id: string;
}

/** Where the simulated account lives. */
export interface Place {
  region: string;
  account: string;
}

const hex = (length: number): string => randomBytes(length).toString("hex").slice(0, length);

/** Fills a template's {placeholders} from the properties and the place; {hex8} is random. */
export function answer(value: Answer, context: Context): unknown {
  if (typeof value === "function") return value(context);
  if (typeof value !== "string") return value;
  return value.replace(/\{(\w+)\}/g, (_, name: string) => {
    if (name === "uuid") return randomUUID();
    if (name === "now") return new Date().toISOString();
    if (/^hex\d+$/.test(name)) return hex(Number(name.slice(3)));
    if (name === "region" || name === "account" || name === "id") return context[name];
    return String(context.props[name] ?? "");
  });
}

/** Inputs with the defaults that the provider fills in. */
export function withDefaults(fields: Record<string, Property>, inputs: Values): Values {
  const outputs: Values = {};
  for (const [name, property] of Object.entries(fields)) {
    const value = inputs[name] ?? property.default;
    if (value !== undefined && !property.writeOnly) outputs[name] = value;
  }
  return outputs;
}

/** Sets every computed property that no input gave: to the unknown mark, or to an answer. */
export function fillComputed(
  table: Table,
  fields: Record<string, Property>,
  outputs: Values,
  known: TypeAnswers,
  context: Context,
  preview: boolean,
): Values {
  for (const [name, property] of Object.entries(fields)) {
    if (!property.computed || outputs[name] !== undefined) continue;
    const own = known.outputs?.[name];
    // Later answers may refer to earlier ones: arnSuffix to arn.
    if (name === "region") outputs[name] = context.region;
    else if (name === "tagsAll") outputs[name] = outputs.tags ?? {};
    else if (preview) outputs[name] = unknown;
    else if (own !== undefined) outputs[name] = answer(own, context);
    else outputs[name] = plausible(table, property, name, context);
    context.props[name] = outputs[name];
    if (property.sensitive) outputs[name] = secret(outputs[name]);
  }
  return outputs;
}

/** Computed outputs that an update changes, given which inputs differ. */
export function touchedOutputs(
  { changes = {} }: TypeAnswers,
  differs: (input: string) => boolean,
): Set<string> {
  const entries = Object.entries(changes).filter(([input]) => input === "*" || differs(input));
  return new Set(entries.flatMap(([, outputs]) => outputs));
}

function plausible(table: Table, property: Property, name: string, context: Context): unknown {
  if (property.default !== undefined) return property.default;
  if (property.type === "boolean") return false;
  if (property.type === "integer" || property.type === "number") return property.minimum ?? 0;
  if (property.type === "list" || property.type === "set") return [];
  if (property.type === "map") return {};
  if (property.type === "object") {
    const inner: Values = {};
    for (const [field, nested] of Object.entries(fieldsOf(table, property) ?? {}))
      if (nested.computed || nested.default !== undefined)
        inner[field] = plausible(table, nested, field, context);
    return inner;
  }
  return plausibleText(property, name, context);
}

function plausibleText(property: Property, name: string, context: Context): string {
  if (property.oneOf) return String(property.oneOf[0]);
  if (!property.computedOnly) return "";
  const [, module = "", kind = ""] = /^\w+:(\w+)\/(\w+):/.exec(context.type) ?? [];
  const host = `${module}.${context.region}.amazonaws.com`;
  if (/arn$/i.test(name))
    return `arn:aws:${module}:${context.region}:${context.account}:${kind}/${context.id}`;
  if (/url$/i.test(name)) return `https://${host}/${context.id}`;
  if (/(endpoint|dnsName|domain)$/i.test(name)) return `${context.id}.${host}`;
  if (/(date|time|modified)$/i.test(name)) return new Date().toISOString();
  if (/(account|owner|registry)Id$/i.test(name)) return context.account;
  return `${name}-${hex(8)}`;
}
