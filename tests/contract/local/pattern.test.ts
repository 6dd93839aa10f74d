import { describe, expect, it } from "vitest";
import { matcherOf } from "../../../runtime/adapters/local/pattern.ts";
import type { Json } from "../../../runtime/ports/index.ts";
import { type Pattern, toEventPattern } from "../../../spec/index.ts";
import { dataCases, deepCases } from "../suites/bus.ts";

const event = (data: Json, type = "fact", source = "shop") => ({
  id: "1",
  type,
  source,
  at: "2026-11-21T06:00:00.000Z",
  data,
});

describe("a pattern", () => {
  it.each([...dataCases, ...deepCases])("matches %s", (_, data, given, expected) => {
    expect(matcherOf({ data })(event(given))).toBe(expected);
  });

  it.each<[Pattern, boolean]>([
    [{}, true],
    [{ type: ["fact"] }, true],
    [{ type: ["other", { prefix: "fa" }] }, true],
    [{ type: [{ "anything-but": "fact" }] }, false],
    [{ source: ["shop"], type: ["fact"] }, true],
    [{ source: ["other"], type: ["fact"] }, false],
    [{ source: ["shop"], data: { a: [1] } }, true],
    [{ source: ["shop"], data: { a: [2] } }, false],
  ])("of type, source and data, %j, must match in every part", (pattern, expected) => {
    expect(matcherOf(pattern)(event({ a: 1 }))).toBe(expected);
  });

  it("finds its way through long lists", () => {
    const list = Array.from({ length: 3_000 }, (_, n) => ({ b: "x", c: n }));
    const fits = matcherOf({ data: { a: { b: ["x"] }, d: { b: ["x"] }, e: ["none"] } });
    expect(fits(event({ a: list, d: list, e: "some" }))).toBe(false);
    expect(fits(event({ a: list, d: list, e: "none" }))).toBe(true);
  });
});

describe("toEventPattern", () => {
  it.each<[Pattern | undefined, object]>([
    [undefined, { source: [{ prefix: "" }] }],
    [{}, { source: [{ prefix: "" }] }],
    [{ data: { a: { b: {} } } }, { source: [{ prefix: "" }] }],
    [{ type: ["order.paid"] }, { "detail-type": ["order.paid"] }],
    [{ source: ["shop"] }, { source: ["shop"] }],
    [
      { type: [{ prefix: "order." }], data: { total: [{ numeric: [">", 100] }], b: { c: {} } } },
      {
        "detail-type": [{ prefix: "order." }],
        detail: { data: { total: [{ numeric: [">", 100] }] } },
      },
    ],
  ])("writes %j as EventBridge reads it", (pattern, expected) => {
    expect(toEventPattern(pattern)).toEqual(expected);
  });
});
