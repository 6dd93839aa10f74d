/** Checks between properties: conflictsWith, requiredWith, exactlyOneOf, atLeastOneOf. */
import type { Property } from "./table.ts";
import { isObject, type Values } from "./wire.ts";

/** A concrete place in the inputs: names, and indices of list items. */
export type Path = (string | number)[];

/** `vpcConfig.subnetIds`, `rules[0].id`: how the engine writes a path. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text ? `${text}.${part}` : part;
  }, "");
}

/** The relation that does not hold for the property at `path`, as a reason. */
export function relationFault(property: Property, path: Path, inputs: Values): string | undefined {
  const given = (other: string): boolean => isGiven(inputs, other, path);
  const others = (list: string[]): string[] => list.filter((other) => !isSame(other, path));
  if (isGiven(inputs, undefined, path)) {
    const clash = others(property.conflictsWith ?? []).find(given);
    if (clash) return `conflicts with ${clash}; give one of the two`;
    const missing = (property.requiredWith ?? []).find((other) => !given(other));
    if (missing) return `needs ${missing} as well`;
  }
  const { exactlyOneOf, atLeastOneOf } = property;
  if (exactlyOneOf && isFirst(exactlyOneOf, path)) {
    const set = exactlyOneOf.filter(given);
    if (set.length !== 1)
      return `exactly one of ${exactlyOneOf.join(", ")} must be given, got ${set.join(" and ") || "none"}`;
  }
  if (atLeastOneOf && isFirst(atLeastOneOf, path) && !atLeastOneOf.some(given))
    return `at least one of ${atLeastOneOf.join(", ")} must be given, got none`;
  return undefined;
}

/** A group is stated on each of its members; it is reported once, on the first of them. */
const isFirst = (group: string[], path: Path): boolean =>
  group[0] !== undefined && isSame([...group].sort()[0] as string, path);

const isSame = (schemaPath: string, path: Path): boolean =>
  schemaPath === pathText(path).replace(/\[\d+\]/g, "[]");

/** Whether a value stands at the schema path, within the same list items as `near`. */
function isGiven(inputs: Values, schemaPath: string | undefined, near: Path): boolean {
  const path: (string | number)[] = schemaPath === undefined ? near : concrete(schemaPath, near);
  const look = (value: unknown, rest: Path): boolean => {
    const [part, ...further] = rest;
    if (part === undefined) return value !== undefined && value !== null;
    if (part === -1) return Array.isArray(value) && value.some((item) => look(item, further));
    if (typeof part === "number") return Array.isArray(value) && look(value[part], further);
    return isObject(value) && look(value[part], further);
  };
  return look(inputs, path);
}

/** `a[].b` seen from `a[2].c` is `a[2].b`; an item outside of `near` may be any (-1). */
function concrete(schemaPath: string, near: Path): Path {
  const parts: Path = [];
  let together = true;
  for (const piece of schemaPath.split(".")) {
    const name = piece.replace("[]", "");
    together &&= near[parts.length] === name;
    parts.push(name);
    if (!piece.endsWith("[]")) continue;
    const index = near[parts.length];
    together &&= typeof index === "number";
    parts.push(together && index !== undefined ? index : -1);
  }
  return parts;
}
