import { describe, expect, it } from "vitest";
import type { Event, Json } from "../../../runtime/ports/index.ts";
import { type EventService, eventSuite, publishContract } from "./events.ts";

export type Filter = Readonly<Record<string, readonly string[]>>;

/**
 * What every Topic does, the same on every adapter.
 * @param start a service whose subscribers choose by filter
 */
export function topicContract(
  title: string,
  { start }: { readonly start: () => Promise<EventService<Filter>> },
): void {
  describe(title, () => {
    const suite = eventSuite(start);
    publishContract(suite);

    /** Whether an event with this data reaches a subscriber with this filter. */
    const reaches = async (filter: Filter, data: Json, type = "order.paid") => {
      const events: Event[] = [{ type, data, id: "it" }];
      return (await suite.chosen(filter, events)).length > 0;
    };

    it("hands on the types that a filter names, and no others", async () => {
      const types = ["user.created", "order.placed", "order.placed.late", "order", "ORDER.PLACED"];
      const events = types.map((type) => ({ type, data: {}, id: type }));
      expect(await suite.chosen({ type: ["order.placed", "user.created"] }, events)).toEqual([
        "order.placed",
        "user.created",
      ]);
    });

    it.each<[string, Filter, Json, boolean]>([
      ["a text of the data", { currency: ["EUR"] }, { currency: "EUR" }, true],
      ["another text", { currency: ["EUR"] }, { currency: "USD" }, false],
      ["one of several texts", { currency: ["EUR", "CHF"] }, { currency: "CHF" }, true],
      ["a text that only begins so", { currency: ["EU"] }, { currency: "EUR" }, false],
      ["a text in another case", { currency: ["EUR"] }, { currency: "eur" }, false],
      ["text beyond ASCII", { city: ["Zürich 😀"] }, { city: "Zürich 😀" }, true],
      ["a field that is absent", { currency: ["EUR"] }, {}, false],
      ["a number of the same digits", { total: ["5"] }, { total: 5 }, false],
      ["a field further down", { currency: ["EUR"] }, { order: { currency: "EUR" } }, false],
      ["data that is no object", { currency: ["EUR"] }, "EUR", false],
      ["both of two fields", { a: ["1"], b: ["2"] }, { a: "1", b: "2" }, true],
      ["one of two fields", { a: ["1"], b: ["2"] }, { a: "1", b: "3" }, false],
      ["a field beside the type", { type: ["order.paid"], a: ["1"] }, { a: "1" }, true],
      ["a text of 256 bytes", { a: ["é".repeat(128)] }, { a: "é".repeat(128) }, true],
      ["a text of more", { a: ["é".repeat(129)] }, { a: "é".repeat(129) }, false],
      ["a field of the data that is called type", { type: ["mine"] }, { type: "mine" }, false],
    ])("filters by %s", async (_, filter, data, expected) => {
      expect(await reaches(filter, data)).toBe(expected);
    });

    it("filters by the first nine of many text fields, by their names", async () => {
      const data = Object.fromEntries(
        Array.from({ length: 12 }, (_, n) => [`field-${String.fromCharCode(108 - n)}`, "x"]),
      );
      expect(await reaches({ "field-a": ["x"], "field-i": ["x"] }, data)).toBe(true);
      expect(await reaches({ "field-j": ["x"] }, data)).toBe(false);
    });

    it("delivers fields that no filter can see all the same", async () => {
      const { publish, consumers } = await suite.make(undefined);
      const data = { "": "no name", "a b": "space", "AWS.x": "reserved", control: "\u0001", e: "" };
      await publish({ type: "odd", data });
      expect((await suite.received(consumers[0], 1)).map((event) => event.data)).toEqual([data]);
    });
  });
}
