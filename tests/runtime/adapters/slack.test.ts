import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cut } from "../../../runtime/adapters/slack.ts";

describe("a text that is cut", () => {
  it.each([
    ["abcdef", 6, "abcdef"],
    ["abcdef", 5, "abcd…"],
    ["ab😀cd", 4, "ab…"],
    ["a &amp; b and more", 6, "a …"],
    ["see <https://example.com|there> now", 20, "see …"],
    ["see <https://a.b|c> now", 20, "see <https://a.b|c>…"],
  ])("of %j at %i characters is %j", (text, longest, expected) => {
    expect(cut(text, longest)).toBe(expected);
  });

  it("is never over its length, never half a character, and begins as it did", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 60 });
    fc.assert(
      fc.property(text, fc.integer({ min: 2, max: 40 }), (whole, longest) => {
        const shown = cut(whole, longest);
        expect(shown.length).toBeLessThanOrEqual(longest);
        expect(shown.isWellFormed()).toBe(true);
        expect(whole.startsWith(shown.replace(/…$/, ""))).toBe(true);
      }),
    );
  });
});
