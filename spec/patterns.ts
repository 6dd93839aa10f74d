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
