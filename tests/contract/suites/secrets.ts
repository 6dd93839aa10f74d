import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Secrets } from "../../../runtime/ports/index.ts";
import { refusal } from "./refusal.ts";

/** Secrets of which `known` has `value`, and none is called `unknown`. */
export interface SecretsParts {
  readonly secrets: Secrets;
  readonly known: string;
  readonly value: string;
  readonly unknown: string;
  close(): Promise<void>;
}

/** What every Secrets does, the same on every adapter. */
export function secretsContract(
  title: string,
  { make }: { readonly make: () => Promise<SecretsParts> },
): void {
  describe(title, () => {
    let parts: SecretsParts;
    beforeAll(async () => {
      parts = await make();
    });
    afterAll(() => parts?.close());

    it("gives a secret's value, again and again", async () => {
      expect(await parts.secrets.get(parts.known)).toBe(parts.value);
      expect(await parts.secrets.get(parts.known)).toBe(parts.value);
    });

    it("gives one value to callers that come at the same time", async () => {
      const values = await Promise.all(
        Array.from({ length: 20 }, () => parts.secrets.get(parts.known)),
      );
      expect(new Set(values)).toEqual(new Set([parts.value]));
    });

    it.each(["constructor", "__proto__", "../etc/passwd", ""])(
      "refuses %j, which nobody declared, as not-found",
      async (name) => {
        expect(await refusal(parts.secrets.get(name))).toBe("not-found");
      },
    );

    it("refuses an unknown secret as not-found, in words that show no other's value", async () => {
      const failure = await parts.secrets.get(parts.unknown).catch((error: unknown) => error);
      expect(await refusal(Promise.reject(failure))).toBe("not-found");
      expect(String(failure)).not.toContain(parts.value);
      expect(String(failure)).toContain(parts.unknown);
    });
  });
}
