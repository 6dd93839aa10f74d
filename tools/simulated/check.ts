/** Checks inputs against the property table, as a provider does before it calls its cloud. */
import { numberFault, range, textFault } from "./formats.ts";
import { type Path, pathText, relationFault } from "./relations.ts";
import { fieldsOf, type Property, type Table } from "./table.ts";
import { isAsset, isObject, isUnknown, type Values } from "./wire.ts";

/** One fault: where, and what is wrong with what was given. */
export interface Failure {
  property: string;
  reason: string;
}

/** All faults of the inputs, which are plain: secrets revealed. Unknown values pass. */
export function checkInputs(
  table: Table,
  fields: Record<string, Property>,
  inputs: Values,
): Failure[] {
  const failures: Failure[] = [];
  const fail = (path: Path, reason: string | undefined): void => {
    if (reason) failures.push({ property: pathText(path), reason });
  };

  const checkObject = (known: Record<string, Property>, values: Values, path: Path): void => {
    for (const name of Object.keys(values)) {
      if (name.startsWith("__") || isAbsent(values[name])) continue;
      if (!known[name]) fail([...path, name], unknownProperty(name, known));
      else if (known[name].computedOnly)
        fail([...path, name], "is answered by the provider and cannot be set; leave it out");
      else checkValue(known[name], values[name], [...path, name]);
    }
    for (const [name, property] of Object.entries(known)) {
      const here = [...path, name];
      if (property.required && isAbsent(values[name])) fail(here, "is required; give a value");
      fail(here, relationFault(property, here, inputs));
    }
  };

  const checkItems = (property: Property, items: unknown[], path: Path): void => {
    const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = property;
    if (items.length < minItems || items.length > maxItems)
      fail(
        path,
        `must have ${range(property.minItems, property.maxItems)} items, got ${items.length}`,
      );
    items.forEach((item, index) => {
      if (property.element) checkValue(property.element, item, [...path, index]);
    });
  };

  const checkValue = (property: Property, value: unknown, path: Path): void => {
    if (isUnknown(value) || property.type === "any") return;
    const wrong = wrongType(property, value);
    if (wrong) fail(path, wrong);
    else if (typeof value === "string") fail(path, textFault(property, value));
    else if (typeof value === "number") fail(path, numberFault(property, value));
    else if (Array.isArray(value)) checkItems(property, value, path);
    else if (property.type === "object")
      checkObject(fieldsOf(table, property) ?? {}, value as Values, path);
    else if (property.type === "map")
      for (const [key, inner] of Object.entries(value as Values))
        if (property.element) checkValue(property.element, inner, [...path, key]);
  };

  checkObject(fields, inputs, []);
  return failures;
}

const isAbsent = (value: unknown): boolean => value === undefined || value === null;

function wrongType(property: Property, value: unknown): string | undefined {
  const { type, acceptsObject } = property;
  const fits =
    (type === "string" && (typeof value === "string" || (acceptsObject && isObject(value)))) ||
    ((type === "number" || type === "integer") && typeof value === "number") ||
    (type === "boolean" && typeof value === "boolean") ||
    ((type === "list" || type === "set") && Array.isArray(value)) ||
    ((type === "map" || type === "object") && isObject(value) && !isAsset(value)) ||
    (type === "asset" && isAsset(value));
  if (fits) return undefined;
  return `must be ${article(type ?? "any")}, got ${described(value)}`;
}

const article = (type: string): string => `${/^[aio]/.test(type) ? "an" : "a"} ${type}`;

function described(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (isAsset(value)) return "an asset";
  if (isObject(value)) return "an object";
  return `the ${typeof value} ${JSON.stringify(value)}`;
}

function unknownProperty(name: string, known: Record<string, Property>): string {
  const near = Object.keys(known)
    .filter((other) => !known[other]?.computedOnly)
    .map((other) => ({ other, distance: editDistance(name.toLowerCase(), other.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  const hint = near && near.distance <= 3 ? `; did you mean ${near.other}?` : "; remove it";
  return `is not a property of this type${hint}`;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
