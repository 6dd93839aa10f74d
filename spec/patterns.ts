/** What one value of an event must be; the forms of EventBridge that every host can match. */
export type Matcher =
  | string
  | number
  | boolean
  | null
  | { readonly prefix: string }
  | { readonly "anything-but": string | number | readonly (string | number)[] }
  | { readonly exists: boolean }
  | {
      readonly numeric:
        | readonly [Comparison, number]
        | readonly [Comparison, number, Comparison, number];
    };
export type Comparison = "=" | "<" | "<=" | ">" | ">=";

/** Fields of an event's data, at any depth; each holds one of its matchers. */
export interface DataPattern {
  readonly [field: string]: readonly Matcher[] | DataPattern;
}

/**
 * Which events of a bus are wanted: every part that is given must match.
 * @example
 * const pattern: Pattern = { type: ["order.paid"], data: { total: [{ numeric: [">", 100] }] } };
 */
export interface Pattern {
  readonly type?: readonly Matcher[];
  /** Name of the system that published it. */
  readonly source?: readonly Matcher[];
  readonly data?: DataPattern;
}

/** An event pattern as EventBridge reads it. */
export type EventPattern = { readonly [field: string]: readonly Matcher[] | EventPattern };

/**
 * A pattern in EventBridge's own terms: the type is its detail-type, the data stands in `detail`
 * beside the event's id. Parts without a matcher ask for nothing and are left out, since
 * EventBridge refuses empty ones; a pattern that asks for nothing takes every event.
 * @example
 * toEventPattern({ type: ["order.paid"], data: { total: [{ numeric: [">", 100] }] } });
 * // { "detail-type": ["order.paid"], detail: { data: { total: [{ numeric: [">", 100] }] } } }
 */
export function toEventPattern({ type, source, data }: Pattern = {}): EventPattern {
  const fields = data && withoutEmpty(data);
  const compiled = {
    ...(type ? { "detail-type": type } : {}),
    ...(source ? { source } : {}),
    ...(fields ? { detail: { data: fields } } : {}),
  };
  return Object.keys(compiled).length > 0 ? compiled : { source: [{ prefix: "" }] };
}

function withoutEmpty(data: DataPattern): DataPattern | undefined {
  const fields = Object.entries(data).flatMap(([name, part]) => {
    const kept = isMatchers(part) ? part : withoutEmpty(part);
    return kept ? [[name, kept] as const] : [];
  });
  return fields.length > 0 ? Object.fromEntries(fields) : undefined;
}

/** Whether a part of a pattern is a list of matchers, not a deeper part. */
export const isMatchers = (part: readonly Matcher[] | DataPattern): part is readonly Matcher[] =>
  Array.isArray(part);
