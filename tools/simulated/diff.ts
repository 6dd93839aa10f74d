/** What a change of inputs means: nothing, an update, or a replacement, per property. */
import { type Path, pathText } from "./relations.ts";
import { fieldsOf, type Property, type Table } from "./table.ts";
import { canonical, isObject, isUnknown, type Values } from "./wire.ts";

/** One changed property; `replaces` when the cloud cannot change it in place. */
export interface Change {
  path: string;
  kind: "add" | "delete" | "update";
  replaces: boolean;
}

/**
 * Compares plain old and new inputs. `state` is the resource as the cloud last answered: a value
 * that the provider had filled in and that is now written out is no change.
 */
export function diffInputs(
  table: Table,
  fields: Record<string, Property>,
  state: Values,
  olds: Values,
  news: Values,
): Change[] {
  const changes: Change[] = [];

  const compareFields = (
    known: Record<string, Property>,
    [was, now]: [Values, Values],
    path: Path,
  ): void => {
    const names = new Set([...Object.keys(was), ...Object.keys(now)]);
    for (const name of names) {
      if (name.startsWith("__")) continue;
      const property = known[name] ?? {};
      const old = was[name] ?? (path.length === 0 ? filledIn(property, state[name]) : undefined);
      compare(property, old, now[name], [...path, name], property.forceNew === true);
    }
  };

  const compare = (
    property: Property,
    was: unknown,
    now: unknown,
    path: Path,
    replaces: boolean,
  ): void => {
    if (isSame(property, was, now)) return;
    const kind = was === undefined ? "add" : now === undefined ? "delete" : "update";
    const inner = fieldsOf(table, property);
    if (kind === "update" && inner && isObject(was) && isObject(now)) {
      compareFields(inner, [was, now], path);
      return;
    }
    if (kind === "update" && property.type === "map" && isObject(was) && isObject(now)) {
      for (const key of new Set([...Object.keys(was), ...Object.keys(now)]))
        compare(property.element ?? {}, was[key], now[key], [...path, key], replaces);
      return;
    }
    const element = property.element;
    const sameLength = Array.isArray(was) && Array.isArray(now) && was.length === now.length;
    if (property.type === "list" && element && sameLength) {
      // The flag on a list of objects is for its length; the fields carry their own.
      const covers = replaces && !fieldsOf(table, element);
      for (const [i, item] of was.entries()) compare(element, item, now[i], [...path, i], covers);
      return;
    }
    changes.push({ path: pathText(path), kind, replaces });
  };

  compareFields(fields, [olds, news], []);
  return changes;
}

/** What stands in the state though no input gave it: the provider's own choice, or a default. */
const filledIn = (property: Property, value: unknown): unknown =>
  property.computed || property.default !== undefined ? value : undefined;

function isSame(property: Property, was: unknown, now: unknown): boolean {
  if (isUnknown(now)) return false;
  if (isNothing(now) && (property.computed || isNothing(was))) return true;
  if (isNothing(now)) return canonical(was) === canonical(property.default) || isZero(was);
  if (isNothing(was))
    return !property.computed && (canonical(now) === canonical(property.default) || isZero(now));
  return comparable(property, was) === comparable(property, now);
}

const isNothing = (value: unknown): boolean => value === undefined || value === null;

/** Terraform's providers do not tell an empty value from none. */
const isZero = (value: unknown): boolean =>
  value === "" || value === 0 || value === false || ["[]", "{}"].includes(canonical(value));

/** Sets compare without order, JSON by what it says. */
function comparable(property: Property, value: unknown): string {
  if (property.type === "set" && Array.isArray(value)) return value.map(canonical).sort().join();
  if (property.format === "json" && typeof value === "string") {
    try {
      return canonical(JSON.parse(value));
    } catch {
      return canonical(value);
    }
  }
  return canonical(value);
}
