import {
  type EventPattern,
  isMatchers,
  type Matcher,
  type Pattern,
  toEventPattern,
} from "../../../spec/index.ts";
import type { EventEnvelope, Json } from "../../ports/index.ts";

type Scalar = string | number | boolean | null;

/** Which element of which list a value stands in, by the list's number. */
type Elements = ReadonlyMap<number, number>;

/** A value of an event with the path to it, in which lists leave no trace. */
interface Field {
  readonly path: string;
  readonly value: Scalar;
  readonly elements: Elements;
}

interface Condition {
  readonly path: string;
  readonly matchers: readonly Matcher[];
}

/**
 * Makes the test of a pattern, with EventBridge's meaning: a list matches where one of its
 * elements does, several conditions on the objects of a list must hold in the same one, and what
 * has no value at its own path (an object, an empty list) does not exist.
 */
export function matcherOf(pattern: Pattern = {}): (event: EventEnvelope) => boolean {
  const conditions = conditionsOf(toEventPattern(pattern), "").sort((a, b) =>
    a.path < b.path ? -1 : 1,
  );
  return ({ type, source, id, data }) => {
    const fields: Field[] = [];
    const event = { "detail-type": type, source, detail: { id, data } };
    collect(event, "", new Map(), fields, { count: 0 });
    const byPath = Map.groupBy(fields, (field) => field.path);
    const found = conditions.map(({ path, matchers }) => ({
      absent: matchers.some((matcher) => isExists(matcher) && !matcher.exists),
      present: byPath.get(path) ?? [],
      fitting: (byPath.get(path) ?? []).filter(({ value }) => matchers.some(fits(value))),
    }));
    return holdTogether(found);
  };
}

function conditionsOf(pattern: EventPattern, path: string): Condition[] {
  return Object.entries(pattern).flatMap(([name, part]) => {
    const inner = path === "" ? name : `${path}.${name}`;
    return isMatchers(part) ? [{ path: inner, matchers: part }] : conditionsOf(part, inner);
  });
}

function collect(
  value: Json,
  path: string,
  elements: Elements,
  into: Field[],
  lists: { count: number },
): void {
  if (typeof value !== "object" || value === null) {
    into.push({ path, value, elements });
  } else if (Array.isArray(value)) {
    const list = lists.count++;
    for (const [index, element] of value.entries())
      collect(element, path, new Map([...elements, [list, index]]), into, lists);
  } else {
    for (const [name, part] of Object.entries(value))
      collect(part, path === "" ? name : `${path}.${name}`, elements, into, lists);
  }
}

interface Found {
  readonly absent: boolean;
  readonly present: readonly Field[];
  readonly fitting: readonly Field[];
}

/** Whether all conditions can hold together: in lists, within the same elements. */
function holdTogether(found: readonly Found[]): boolean {
  // What was chosen in a list makes a difference to the conditions that look into it, no others.
  const listsFrom = found.map((_, index) => listsOf(found.slice(index)));
  const failed = new Set<string>();

  const hold = (index: number, chosen: Elements): boolean => {
    const condition = found[index];
    if (!condition) return true;
    const relevant = [...chosen].filter(([list]) => listsFrom[index]?.has(list));
    const known = JSON.stringify([index, relevant.sort()]);
    if (failed.has(known)) return false;
    const together = (field: Field) =>
      [...field.elements].every(([list, at]) => (chosen.get(list) ?? at) === at);
    const held =
      condition.fitting
        .filter(together)
        .some((field) => hold(index + 1, new Map([...chosen, ...field.elements]))) ||
      (condition.absent && !condition.present.some(together) && hold(index + 1, chosen));
    if (!held) failed.add(known);
    return held;
  };
  return hold(0, new Map());
}

const listsOf = (found: readonly Found[]): ReadonlySet<number> =>
  new Set(found.flatMap(({ present }) => present.flatMap((field) => [...field.elements.keys()])));

const isExists = (matcher: Matcher): matcher is { readonly exists: boolean } =>
  typeof matcher === "object" && matcher !== null && "exists" in matcher;

const comparisons = {
  "=": (a: number, b: number) => a === b,
  "<": (a: number, b: number) => a < b,
  "<=": (a: number, b: number) => a <= b,
  ">": (a: number, b: number) => a > b,
  ">=": (a: number, b: number) => a >= b,
} as const;

const fits =
  (value: Scalar) =>
  (matcher: Matcher): boolean => {
    if (typeof matcher !== "object" || matcher === null) return value === matcher;
    if ("exists" in matcher) return matcher.exists;
    if ("prefix" in matcher) return typeof value === "string" && value.startsWith(matcher.prefix);
    if ("anything-but" in matcher)
      return ![matcher["anything-but"]].flat().some((refused) => refused === value);
    if (typeof value !== "number") return false;
    const [first, low, second, high] = matcher.numeric;
    return (
      comparisons[first](value, low) &&
      (second === undefined || high === undefined || comparisons[second](value, high))
    );
  };
