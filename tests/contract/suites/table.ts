import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json, JsonObject, Table } from "../../../runtime/ports/index.ts";
import { byUtf8, refusal, tally } from "./refusal.ts";

const name = fc
  .string({ unit: "binary", minLength: 1, maxLength: 12 })
  .filter((text) => text !== "__proto__");
const number = fc
  .double({ noNaN: true, min: -9.9e125, max: 9.9e125 })
  .filter((value) => value === 0 || Math.abs(value) >= 1e-130)
  .map((value) => (value === 0 ? 0 : value));
const { value: json } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(null, true, false),
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.maxSafeInteger().map((value) => (value === 0 ? 0 : value)),
    number,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(name, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
}));
const document: fc.Arbitrary<JsonObject> = fc.dictionary(name, json, {
  maxKeys: 5,
  noNullPrototype: true,
});
/** Text that may be a key: no NUL, 1 to 1,024 bytes. */
const keyText = fc
  .string({ unit: "binary", minLength: 1, maxLength: 16 })
  .filter((text) => !text.includes("\0"));

/**
 * What every Table does, the same on every adapter.
 * @param make an empty table
 */
export function tableContract(
  title: string,
  { make }: { readonly make: () => Promise<{ table: Table; close: () => Promise<void> }> },
): void {
  describe(title, () => {
    let table: Table;
    let close: (() => Promise<void>) | undefined;
    beforeAll(async () => {
      ({ table, close } = await make());
    });
    afterAll(() => close?.());

    const partition = () => `P#${randomUUID()}`;
    const fill = async (sortKeys: readonly string[]) => {
      const pk = partition();
      for (const [index, sk] of sortKeys.entries()) await table.put({ pk, sk }, { index });
      return pk;
    };
    const sortKeysOf = async (pk: string, options?: Parameters<Table["query"]>[1]) =>
      (await table.query(pk, options)).items.map((item) => item.sk);
    /** All pages, one after the other. */
    const pages = async (pk: string, options: Parameters<Table["query"]>[1]) => {
      const found: string[][] = [];
      let cursor: string | undefined;
      do {
        const page = await table.query(pk, { ...options, cursor });
        found.push(page.items.map((item) => item.sk));
        cursor = page.cursor;
      } while (cursor !== undefined);
      return found;
    };

    describe("get, put and delete", () => {
      it("gives undefined for a key that has no document", async () => {
        expect(await table.get({ pk: partition(), sk: "none" })).toBeUndefined();
      });

      it("gives back every JSON document exactly as it was put", async () => {
        const key = { pk: partition(), sk: "document" };
        await fc.assert(
          fc.asyncProperty(document, async (given) => {
            await table.put(key, given);
            expect(await table.get(key)).toEqual(given);
          }),
          { numRuns: 60 },
        );
      });

      it("keeps numbers precise, from the largest safe integer to the smallest fraction", async () => {
        const key = { pk: partition(), sk: "numbers" };
        const numbers = [0.1, -1.5, 1e21, 2 ** 53 - 1, 2 ** 60, Number.EPSILON, 9.9e125, 1e-130];
        await table.put(key, { numbers });
        expect(await table.get(key)).toEqual({ numbers });
      });

      it("keeps names that mean something to JavaScript", async () => {
        const key = { pk: partition(), sk: "names" };
        const given = { constructor: { name: "Buffer" }, toJSON: 1, length: 2 };
        await table.put(key, given);
        expect(await table.get(key)).toEqual(given);
      });

      it("replaces the document that was there", async () => {
        const key = { pk: partition(), sk: "s" };
        await table.put(key, { first: 1 });
        await table.put(key, { second: 2 });
        expect(await table.get(key)).toEqual({ second: 2 });
      });

      it("tells keys apart by every character", async () => {
        const pk = partition();
        const sortKeys = ["a", "A", "a ", " a", "é", "e\u0301", "a#b", "a/b", "日本", "👩‍👩‍👧"];
        for (const sk of sortKeys) await table.put({ pk, sk }, { sk });
        for (const sk of sortKeys) expect(await table.get({ pk, sk })).toEqual({ sk });
      });

      it("does not take a partition and sort key for another that joins to the same text", async () => {
        const pk = partition();
        await table.put({ pk: `${pk}#a`, sk: "b" }, { at: "first" });
        expect(await table.get({ pk, sk: "a#b" })).toBeUndefined();
        expect(await table.get({ pk: `${pk}#`, sk: "ab" })).toBeUndefined();
      });

      it("refuses a second put with ifAbsent as conflict and keeps the first", async () => {
        const key = { pk: partition(), sk: "s" };
        await table.put(key, { first: true }, { ifAbsent: true });
        expect(await refusal(table.put(key, { second: true }, { ifAbsent: true }))).toBe(
          "conflict",
        );
        expect(await table.get(key)).toEqual({ first: true });
      });

      it("lets exactly one of twenty concurrent puts with ifAbsent win", async () => {
        const key = { pk: partition(), sk: "s" };
        const ends = await tally(
          Array.from({ length: 20 }, (_, by) => table.put(key, { by }, { ifAbsent: true })),
        );
        expect(ends).toEqual({ fulfilled: 1, conflict: 19 });
      });

      it("stores with ifNewer what is newer than what is there, and refuses the rest", async () => {
        const key = { pk: partition(), sk: "s" };
        const put = (version: string) =>
          refusal(table.put(key, { version }, { ifNewer: "version" }));
        expect(await put("10")).toBe("nothing refused");
        for (const old of ["10", "0", "09"]) expect(await put(old)).toBe("conflict");
        for (const next of ["100", "\uffff", "\u{1f600}"])
          expect(await put(next)).toBe("nothing refused");
        expect(await table.get(key)).toEqual({ version: "\u{1f600}" });
      });

      it.each([[{}], [{ version: 5 }], [{ version: null }], [{ version: { a: "z" } }]])(
        "takes %j, which has no such text, as older than any",
        async (stored) => {
          const key = { pk: partition(), sk: "s" };
          await table.put(key, stored);
          await table.put(key, { version: "0" }, { ifNewer: "version" });
          expect(await table.get(key)).toEqual({ version: "0" });
        },
      );

      it("lets the highest of twenty concurrent puts with ifNewer stay", async () => {
        const key = { pk: partition(), sk: "s" };
        const versions = Array.from({ length: 20 }, (_, n) => String(100 + ((n * 7) % 20)));
        await tally(versions.map((version) => table.put(key, { version }, { ifNewer: "version" })));
        expect(await table.get(key)).toEqual({ version: "119" });
      });

      it("refuses an ifNewer that the document lacks, that is no text, or beside ifAbsent", async () => {
        const key = { pk: partition(), sk: "s" };
        for (const document of [{}, { v: 1 }, { v: "" }] as JsonObject[])
          expect(await refusal(table.put(key, document, { ifNewer: "v" }))).toBe("invalid");
        const both = { ifNewer: "v", ifAbsent: true };
        expect(await refusal(table.put(key, { v: "1" }, both))).toBe("invalid");
        expect(await table.get(key)).toBeUndefined();
      });

      it("removes a document, after which ifAbsent holds again", async () => {
        const key = { pk: partition(), sk: "s" };
        await table.put(key, { n: 1 });
        await table.delete(key);
        expect(await table.get(key)).toBeUndefined();
        await table.put(key, { n: 2 }, { ifAbsent: true });
        expect(await table.get(key)).toEqual({ n: 2 });
      });

      it("takes the removal of what is not there as done", async () => {
        expect(await refusal(table.delete({ pk: partition(), sk: "none" }))).toBe(
          "nothing refused",
        );
      });

      it("takes keys of 1,024 bytes", async () => {
        const key = { pk: "é".repeat(512), sk: `${"x".repeat(1020)}😀` };
        await table.put(key, { long: true });
        expect(await table.get(key)).toEqual({ long: true });
        await table.delete(key);
      });

      it.each([
        ["empty", ""],
        ["of 1,025 bytes", `${"é".repeat(512)}x`],
        ["with NUL", "a\0b"],
        ["with a lone surrogate", "a\ud800"],
      ])("refuses a key part that is %s as invalid, in every verb", async (_, part) => {
        for (const key of [
          { pk: part, sk: "s" },
          { pk: "p", sk: part },
        ]) {
          expect(await refusal(table.get(key))).toBe("invalid");
          expect(await refusal(table.put(key, {}))).toBe("invalid");
          expect(await refusal(table.delete(key))).toBe("invalid");
          expect(await refusal(table.once(partition(), (w) => w.put(key, {})))).toBe("invalid");
        }
        expect(await refusal(table.query(part))).toBe("invalid");
        expect(await refusal(table.once(part, () => {}))).toBe("invalid");
      });

      const nested = (levels: number): Json => (levels === 0 ? 1 : { in: nested(levels - 1) });
      it.each<[string, unknown]>([
        ["a list", [1]],
        ["null", null],
        ["text", "text"],
        ["undefined inside", { a: { b: undefined } }],
        ["a hole in a list", { a: new Array(1) }],
        ["NaN", { a: Number.NaN }],
        ["infinity", { a: Number.POSITIVE_INFINITY }],
        ["a number past 9.9e125", { a: 1e126 }],
        ["a number below 1e-130", { a: 1e-131 }],
        ["a bigint", { a: 1n }],
        ["a date", { a: new Date(0) }],
        ["a map", { a: new Map() }],
        ["a function", { a: () => 1 }],
        ["a lone surrogate", { a: "\udc00" }],
        ["an empty name", { "": 1 }],
        ["a name __proto__", JSON.parse('{"__proto__": 1}')],
        ["32 levels", nested(32)],
      ])("refuses %s as a document, and stores nothing", async (_, given) => {
        const key = { pk: partition(), sk: "s" };
        expect(await refusal(table.put(key, given as JsonObject))).toBe("invalid");
        expect(await table.get(key)).toBeUndefined();
      });

      it("takes a document of 31 levels", async () => {
        const key = { pk: partition(), sk: "s" };
        const given = nested(30) as JsonObject;
        await table.put(key, given);
        expect(await table.get(key)).toEqual(given);
      });

      it("takes a document of 395 KB and refuses one over 400 KB as too-large", async () => {
        const key = { pk: partition(), sk: "s" };
        const large = { text: "é".repeat(197_500) };
        await table.put(key, large);
        expect(await refusal(table.put(key, { text: "é".repeat(204_800) }))).toBe("too-large");
        expect(await table.get(key)).toEqual(large);
      });
    });

    describe("query", () => {
      it("gives an empty page without a cursor for an unknown partition", async () => {
        expect(await table.query(partition())).toEqual({ items: [] });
      });

      it("gives whole items of that partition alone", async () => {
        const pk = await fill(["a", "b"]);
        await table.put({ pk: `${pk}x`, sk: "c" }, {});
        expect((await table.query(pk)).items).toEqual([
          { pk, sk: "a", document: { index: 0 } },
          { pk, sk: "b", document: { index: 1 } },
        ]);
      });

      it("sorts by UTF-8 bytes, in which U+FF5E comes before U+1F600", async () => {
        const pk = await fill(["😀", "z", "～", "Z", "a", "é", "10", "9", "中"]);
        expect(await sortKeysOf(pk)).toEqual(["10", "9", "Z", "a", "z", "é", "中", "～", "😀"]);
        expect(await sortKeysOf(pk, { descending: true })).toEqual(
          ["10", "9", "Z", "a", "z", "é", "中", "～", "😀"].reverse(),
        );
      });

      it("sorts any keys by UTF-8 bytes", async () => {
        await fc.assert(
          fc.asyncProperty(fc.uniqueArray(keyText, { maxLength: 6 }), async (sortKeys) => {
            const pk = await fill(sortKeys);
            expect(await sortKeysOf(pk)).toEqual([...sortKeys].sort(byUtf8));
          }),
          { numRuns: 20 },
        );
      });

      it.each([
        ["a%", ["a%", "a%b"]],
        ["a_", ["a_", "a_b"]],
        ["a\\", ["a\\"]],
        ["a", ["a%", "a%b", "a\\", "a_", "a_b", "ab"]],
        ["", ["A", "a%", "a%b", "a\\", "a_", "a_b", "ab", "\uffff", "\u{10ffff}", "\u{10ffff}a"]],
        ["\uffff", ["\uffff"]],
        ["\u{10ffff}", ["\u{10ffff}", "\u{10ffff}a"]],
        ["none", []],
      ])("takes the prefix %j literally", async (prefix, expected) => {
        const pk = await fill([
          ...["a%", "a%b", "a_", "a_b", "ab", "a\\", "A"],
          ...["\u{10ffff}", "\u{10ffff}a", "\uffff"],
        ]);
        expect(await sortKeysOf(pk, { prefix })).toEqual(expected);
      });

      it.each([false, true])("pages with every limit, descending %s", async (descending) => {
        const inPrefix = ["b1", "b2", "b3", "b4", "b5", "b6", "b7"];
        const pk = await fill(["a", ...inPrefix, "c"]);
        const expected = descending ? [...inPrefix].reverse() : inPrefix;
        for (let limit = 1; limit <= 8; limit++) {
          const found = await pages(pk, { prefix: "b", limit, descending });
          expect(found.flat()).toEqual(expected);
          expect(found.length).toBe(Math.ceil(7 / limit));
        }
      });

      it("gives 100 items where no limit is asked", async () => {
        const pk = partition();
        await table.once(partition(), (writes) => {
          for (let n = 0; n < 99; n++) writes.put({ pk, sk: String(n).padStart(3, "0") }, {});
        });
        for (const sk of ["990", "991"]) await table.put({ pk, sk }, {});
        expect((await pages(pk, {})).map((page) => page.length)).toEqual([100, 1]);
      });

      it("gives all of what exceeds a service's page, with cursors", async () => {
        const pk = partition();
        const text = "x".repeat(390_000);
        for (const sk of ["a", "b", "c", "d"]) await table.put({ pk, sk }, { text });
        const found = await pages(pk, { limit: 100 });
        expect(found.flat()).toEqual(["a", "b", "c", "d"]);
        expect(found.every((page) => page.length > 0)).toBe(true);
      });

      it("goes on after an item that was removed since", async () => {
        const pk = await fill(["a", "b", "c"]);
        const { cursor } = await table.query(pk, { limit: 2 });
        await table.delete({ pk, sk: "b" });
        expect(await sortKeysOf(pk, { cursor })).toEqual(["c"]);
      });

      it("refuses a cursor that is not its own as invalid", async () => {
        const pk = await fill(["a", "b"]);
        const other = await fill(["a", "b"]);
        const { cursor } = await table.query(other, { limit: 1 });
        const forged = Buffer.from('{"pk":1}').toString("base64url");
        for (const given of [cursor, "", "no cursor", "W10", forged])
          expect(await refusal(table.query(pk, { cursor: given }))).toBe("invalid");
        const { cursor: own } = await table.query(pk, { limit: 1 });
        expect(await refusal(table.query(pk, { cursor: own, descending: true }))).toBe("invalid");
        expect(await refusal(table.query(pk, { cursor: own, prefix: "b" }))).toBe("invalid");
      });

      it.each([0, -1, 1001, 1.5, Number.NaN])("refuses the limit %s as invalid", async (limit) => {
        expect(await refusal(table.query(partition(), { limit }))).toBe("invalid");
      });
    });

    describe("once", () => {
      it("applies its writes the first time alone", async () => {
        const [key, pk] = [partition(), partition()];
        await table.put({ pk, sk: "old" }, {});
        const apply = (n: number) =>
          table.once(key, async (writes) => {
            writes.put({ pk, sk: "new" }, { n });
            writes.delete({ pk, sk: "old" });
            await Promise.resolve();
          });
        expect(await apply(1)).toBe(true);
        await table.put({ pk, sk: "old" }, { back: true });
        expect(await apply(2)).toBe(false);
        expect(await table.get({ pk, sk: "new" })).toEqual({ n: 1 });
        expect(await table.get({ pk, sk: "old" })).toEqual({ back: true });
      });

      it("has its effects exactly once when twenty callers come at the same time", async () => {
        const [key, pk] = [partition(), partition()];
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, by) =>
            table.once(key, (writes) => writes.put({ pk, sk: `by ${by}` }, { by })),
          ),
        );
        expect(answers.filter((applied) => applied)).toHaveLength(1);
        expect(await sortKeysOf(pk)).toEqual([`by ${answers.indexOf(true)}`]);
      });

      it("tells keys apart", async () => {
        const key = partition();
        expect(await table.once(key, () => {})).toBe(true);
        expect(await table.once(`${key}2`, () => {})).toBe(true);
        expect(await table.once(key, () => {})).toBe(false);
      });

      it("stores nothing, and does not count as seen, where an ifAbsent does not hold", async () => {
        const [key, pk] = [partition(), partition()];
        await table.put({ pk, sk: "taken" }, { mine: true });
        const apply = () =>
          table.once(key, (writes) => {
            writes.put({ pk, sk: "free" }, {});
            writes.put({ pk, sk: "taken" }, {}, { ifAbsent: true });
          });
        expect(await refusal(apply())).toBe("conflict");
        expect(await table.get({ pk, sk: "free" })).toBeUndefined();
        expect(await table.get({ pk, sk: "taken" })).toEqual({ mine: true });
        await table.delete({ pk, sk: "taken" });
        expect(await apply()).toBe(true);
      });

      it("stores nothing where an ifNewer does not hold", async () => {
        const [key, pk] = [partition(), partition()];
        await table.put({ pk, sk: "s" }, { version: "2" });
        const apply = (version: string) =>
          table.once(key, (writes) => {
            writes.put({ pk, sk: "beside" }, {});
            writes.put({ pk, sk: "s" }, { version }, { ifNewer: "version" });
          });
        expect(await refusal(apply("1"))).toBe("conflict");
        expect(await table.get({ pk, sk: "beside" })).toBeUndefined();
        expect(await apply("3")).toBe(true);
        expect(await table.get({ pk, sk: "s" })).toEqual({ version: "3" });
      });

      it("answers false, not conflict, to a repetition whose own ifAbsent made the document", async () => {
        const [key, pk] = [partition(), partition()];
        const apply = () =>
          table.once(key, (writes) => writes.put({ pk, sk: "s" }, {}, { ifAbsent: true }));
        expect(await apply()).toBe(true);
        expect(await apply()).toBe(false);
      });

      it("stores nothing, and does not count as seen, where its function throws", async () => {
        const [key, pk] = [partition(), partition()];
        const failure = new Error("business as usual");
        const failing = table.once(key, (writes) => {
          writes.put({ pk, sk: "s" }, {});
          throw failure;
        });
        await expect(failing).rejects.toBe(failure);
        expect(await table.get({ pk, sk: "s" })).toBeUndefined();
        expect(await table.once(key, () => {})).toBe(true);
      });

      it("takes 99 writes and refuses 100", async () => {
        const pk = partition();
        const write = (count: number) =>
          table.once(partition(), (writes) => {
            for (let n = 0; n < count; n++) writes.put({ pk, sk: `${count} ${n}` }, { n });
          });
        expect(await write(99)).toBe(true);
        expect(await refusal(write(100))).toBe("invalid");
        expect((await table.query(pk, { limit: 1000 })).items).toHaveLength(99);
      });

      it("refuses two writes to one key as invalid", async () => {
        const key = { pk: partition(), sk: "s" };
        const twice = table.once(partition(), (writes) => {
          writes.put(key, {});
          writes.delete(key);
        });
        expect(await refusal(twice)).toBe("invalid");
      });

      it("refuses a document over 400 KB, and over 4 MB together, as too-large", async () => {
        const pk = partition();
        const write = (count: number, bytes: number) =>
          table.once(partition(), (writes) => {
            for (let n = 0; n < count; n++)
              writes.put({ pk, sk: String(n) }, { text: "x".repeat(bytes) });
          });
        expect(await refusal(write(1, 410_000))).toBe("too-large");
        expect(await refusal(write(12, 390_000))).toBe("too-large");
        expect(await table.query(pk)).toEqual({ items: [] });
      });

      it("keeps what it has seen out of the documents", async () => {
        const key = partition();
        await table.once(key, () => {});
        expect(await table.query(key)).toEqual({ items: [] });
      });
    });
  });
}
