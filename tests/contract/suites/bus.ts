import { describe, expect, it } from "vitest";
import type { Json } from "../../../runtime/ports/index.ts";
import type { DataPattern, Pattern } from "../../../spec/index.ts";
import { type EventService, eventSuite, publishContract, source } from "./events.ts";

/** Patterns, data, and whether they fit: what the service says, the matcher must say too. */
export const dataCases: readonly (readonly [string, DataPattern, Json, boolean])[] = [
  ["a text", { a: ["x"] }, { a: "x" }, true],
  ["another text", { a: ["x"] }, { a: "X" }, false],
  ["one of several texts", { a: ["x", "y"] }, { a: "y" }, true],
  ["a number", { a: [1.5] }, { a: 1.5 }, true],
  ["a number as text", { a: [1] }, { a: "1" }, false],
  ["true", { a: [true] }, { a: true }, true],
  ["false for true", { a: [true] }, { a: false }, false],
  ["null", { a: [null] }, { a: null }, true],
  ["nothing for null", { a: [null] }, {}, false],
  ["a field further down", { a: { b: { c: ["x"] } } }, { a: { b: { c: "x", d: 1 } } }, true],
  ["a field that is not so far down", { a: { b: ["x"] } }, { b: "x" }, false],
  ["all of several fields", { a: ["x"], b: { c: [1] } }, { a: "x", b: { c: 1 } }, true],
  ["one of several fields", { a: ["x"], b: { c: [1] } }, { a: "x", b: { c: 2 } }, false],
  ["an element of a list", { a: ["y"] }, { a: ["x", "y"] }, true],
  ["no element of a list", { a: ["z"] }, { a: ["x", "y"] }, false],
  ["a prefix", { a: [{ prefix: "uploads/" }] }, { a: "uploads/1.jpg" }, true],
  ["another prefix", { a: [{ prefix: "uploads/" }] }, { a: "processed/uploads/1" }, false],
  ["the prefix of a number", { a: [{ prefix: "1" }] }, { a: 12 }, false],
  ["the empty prefix", { a: [{ prefix: "" }] }, { a: "" }, true],
  ["anything but a text", { a: [{ "anything-but": "x" }] }, { a: "y" }, true],
  ["the text that is excepted", { a: [{ "anything-but": "x" }] }, { a: "x" }, false],
  ["nothing for anything but", { a: [{ "anything-but": "x" }] }, {}, false],
  ["anything but several texts", { a: [{ "anything-but": ["x", "y"] }] }, { a: "z" }, true],
  ["one of the excepted texts", { a: [{ "anything-but": ["x", "y"] }] }, { a: "y" }, false],
  ["anything but a number", { a: [{ "anything-but": 5 }] }, { a: 6 }, true],
  ["the number that is excepted", { a: [{ "anything-but": [4, 5] }] }, { a: 5 }, false],
  ["text for anything but a number", { a: [{ "anything-but": 5 }] }, { a: "5" }, true],
  ["null for anything but a text", { a: [{ "anything-but": "x" }] }, { a: null }, true],
  ["a list with something else", { a: [{ "anything-but": "x" }] }, { a: ["x", "y"] }, true],
  ["what exists", { a: [{ exists: true }] }, { a: 0 }, true],
  ["null, which exists", { a: [{ exists: true }] }, { a: null }, true],
  ["what does not exist", { a: [{ exists: true }] }, { b: 0 }, false],
  ["absence", { a: [{ exists: false }] }, { b: 0 }, true],
  ["no absence", { a: [{ exists: false }] }, { a: null }, false],
  ["absence further down", { a: { b: [{ exists: false }] } }, { a: { c: 1 } }, true],
  ["absence of the whole branch", { a: { b: [{ exists: false }] } }, {}, true],
  ["absence or a value", { a: [{ exists: false }, "x"] }, { a: "x" }, true],
  ["absence or another value", { a: [{ exists: false }, "x"] }, { a: "y" }, false],
  ["more than", { a: [{ numeric: [">", 100] }] }, { a: 100.01 }, true],
  ["not more than", { a: [{ numeric: [">", 100] }] }, { a: 100 }, false],
  ["at least", { a: [{ numeric: [">=", 100] }] }, { a: 100 }, true],
  ["less than", { a: [{ numeric: ["<", 0] }] }, { a: -0.5 }, true],
  ["at most", { a: [{ numeric: ["<=", 0] }] }, { a: 0.5 }, false],
  ["equal in another notation", { a: [{ numeric: ["=", 300] }] }, { a: 3e2 }, true],
  ["within a range", { a: [{ numeric: [">", 0, "<=", 5] }] }, { a: 5 }, true],
  ["outside a range", { a: [{ numeric: [">", 0, "<=", 5] }] }, { a: 0 }, false],
  ["text for a comparison", { a: [{ numeric: [">", 0] }] }, { a: "5" }, false],
  ["data that is no object", { a: ["x"] }, "x", false],
];

/** As {@link dataCases}, in what emulators do not do: lists of objects, and what has no value. */
export const deepCases: readonly (readonly [string, DataPattern, Json, boolean])[] = [
  ["an object of a list", { a: { b: ["x"] } }, { a: [{ b: "y" }, { b: "x" }] }, true],
  [
    "the same object of a list",
    { a: { b: ["x"], c: [1] } },
    {
      a: [
        { b: "x", c: 2 },
        { b: "x", c: 1 },
      ],
    },
    true,
  ],
  [
    "two objects of a list",
    { a: { b: ["x"], c: [1] } },
    {
      a: [
        { b: "x", c: 2 },
        { b: "y", c: 1 },
      ],
    },
    false,
  ],
  [
    "objects of two lists",
    { a: { b: ["x"] }, c: { d: [1] } },
    { a: [{ b: "y" }, { b: "x" }], c: [{ d: 2 }, { d: 1 }] },
    true,
  ],
  ["a list in a list", { a: ["x"] }, { a: [["y"], ["z", "x"]] }, true],
  ["an object, which has no value", { a: [{ exists: false }] }, { a: { b: 1 } }, true],
  ["an object, which is no value", { a: [{ exists: true }] }, { a: { b: 1 } }, false],
  ["an empty list, which has no value", { a: [{ exists: false }] }, { a: [] }, true],
  ["an empty list, which is no value", { a: [{ exists: true }] }, { a: [] }, false],
  ["an empty object, which is no value", { a: [{ exists: true }] }, { a: {} }, false],
  ["absence in every object", { a: { b: [{ exists: false }] } }, { a: [{ b: 1 }, {}] }, false],
  [
    "absence in the object that fits",
    { a: { b: [{ exists: false }], a: ["x"] } },
    { a: [{ a: "x" }, { a: "y", b: 1 }] },
    true,
  ],
];

/**
 * What every Bus does, the same on every adapter.
 * @param start a service whose subscribers choose by pattern
 * @param cases what its patterns can be asked. Default: all
 */
export function busContract(
  title: string,
  {
    start,
    cases = [...dataCases, ...deepCases],
  }: {
    readonly start: () => Promise<EventService<Pattern>>;
    readonly cases?: typeof dataCases;
  },
): void {
  describe(title, () => {
    const suite = eventSuite(start);
    publishContract(suite);

    it("hands on by type and source", async () => {
      const types = ["webhook.received", "webhook", "order.paid"];
      const events = types.map((type) => ({ type, data: {}, id: type }));
      const chosen = (pattern: Pattern) => suite.chosen(pattern, events);
      expect(await chosen({ type: [{ prefix: "webhook." }] })).toEqual(["webhook.received"]);
      expect(await chosen({ type: ["webhook", "order.paid"] })).toEqual(["order.paid", "webhook"]);
      expect(await chosen({ source: [source] })).toEqual(types.toSorted());
      expect(await chosen({ source: ["another"] })).toEqual([]);
      expect(await chosen({ type: ["webhook"], source: ["another"] })).toEqual([]);
    });

    it.each<[Pattern]>([[{}], [{ data: {} }], [{ data: { a: {} } }]])(
      "takes the pattern %j, which asks for nothing, for every event",
      async (pattern) => {
        expect(await suite.chosen(pattern, [{ type: "any", data: 1, id: "it" }])).toEqual(["it"]);
      },
    );

    it.each(cases)("matches %s", async (_, data, given, expected) => {
      const chosen = await suite.chosen({ data }, [{ type: "fact", data: given, id: "it" }]);
      expect(chosen).toEqual(expected ? ["it"] : []);
    });
  });
}
