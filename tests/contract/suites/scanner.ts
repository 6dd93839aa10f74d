import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eicar } from "../../../runtime/adapters/local/eicar.ts";
import type { Scanner } from "../../../runtime/ports/index.ts";
import { refusal } from "./refusal.ts";

export interface ScannerParts {
  readonly scanner: Scanner;
  close(): Promise<void>;
}

/** What every Scanner does with content of up to `maxBytes`, the same on every adapter. */
export function scannerContract(
  title: string,
  {
    make,
    findsWithin = false,
  }: {
    readonly make: (maxBytes: number) => Promise<ScannerParts>;
    /** It finds the test signature within other content too. Default: false, as by its definition */
    readonly findsWithin?: boolean;
  },
): void {
  describe(title, () => {
    const maxBytes = 1_000_000;
    let parts: ScannerParts;
    beforeAll(async () => {
      parts = await make(maxBytes);
    });
    afterAll(() => parts?.close());
    const scan = (text: string) => parts.scanner.scan(Buffer.from(text));

    it("finds the test signature, alone or with white space behind it", async () => {
      for (const text of [eicar, `${eicar}\r\n`, eicar.padEnd(128, " \t\x1a")])
        expect(await scan(text)).toEqual({
          clean: false,
          signature: expect.stringMatching(/eicar/i),
        });
    });

    it.each([
      ["nothing", ""],
      ["a text", "fine"],
      ["all but the last of the test signature", eicar.slice(0, -1)],
    ])("takes %s as clean", async (_, text) => {
      expect(await scan(text)).toEqual({ clean: true });
    });

    it.each([
      ["behind something", ` ${eicar}`],
      ["with a word behind it", `${eicar}x`],
      ["with 61 spaces behind it", eicar.padEnd(129, " ")],
    ])(`${findsWithin ? "finds" : "leaves"} the test signature %s`, async (_, text) => {
      expect(await scan(text)).toMatchObject({ clean: !findsWithin });
    });

    it("takes as much as it may, and refuses more as too-large", async () => {
      expect(await parts.scanner.scan(randomBytes(maxBytes))).toEqual({ clean: true });
      expect(await refusal(parts.scanner.scan(randomBytes(maxBytes + 1)))).toBe("too-large");
    });

    it("tells many that are scanned at the same time apart", async () => {
      const texts = Array.from({ length: 30 }, (_, n) => (n % 3 === 0 ? eicar : `text ${n}`));
      const results = await Promise.all(texts.map(scan));
      expect(results.map(({ clean }) => clean)).toEqual(texts.map((text) => text !== eicar));
    });
  });
}
