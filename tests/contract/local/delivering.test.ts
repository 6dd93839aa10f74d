import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deliver, FailedAt, pauseSeconds } from "../../../runtime/adapters/local/delivering.ts";
import { PortError } from "../../../runtime/ports/index.ts";

/** A log of numbers with a handler that fails for some of them. */
function logOf(fails: (n: number) => unknown, { exact = false, retries = 0 } = {}) {
  const calls: number[][] = [];
  const noted: number[] = [];
  const aside: [number, string][] = [];
  const waits: number[] = [];
  const to = {
    retries,
    async handle(records: readonly number[]) {
      calls.push([...records]);
      const index = records.findIndex((n) => fails(n) !== undefined);
      if (index === -1) return;
      const error = fails(records[index] as number);
      throw exact ? new FailedAt(index, error) : error;
    },
    done: async (records: readonly number[]) => void noted.push(...records),
    async setAside(record: number, reason: string) {
      noted.push(record);
      aside.push([record, reason]);
    },
    wait: async (seconds: number) => void waits.push(seconds),
    onTrouble: () => {},
  };
  return { to, calls, noted, aside, waits };
}
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

describe("delivering in order", () => {
  it("hands over all at once what can be done", async () => {
    const { to, calls, noted } = logOf(() => undefined);
    await deliver(to, numbers(5));
    expect(calls).toEqual([numbers(5)]);
    expect(noted).toEqual(numbers(5));
  });

  it.each([true, false])(
    "notes all in their order, and sets aside just those that fail (which is known: %s)",
    async (exact) => {
      await fc.assert(
        fc.asyncProperty(
          fc.nat({ max: 40 }),
          fc.uniqueArray(fc.nat({ max: 40 })),
          async (count, poison) => {
            const log = logOf((n) => (poison.includes(n) ? new Error(`no ${n}`) : undefined), {
              exact,
            });
            await deliver(log.to, numbers(count));
            expect(log.noted).toEqual(numbers(count));
            expect(log.aside).toEqual(
              numbers(count)
                .filter((n) => poison.includes(n))
                .map((n) => [n, `no ${n}`]),
            );
          },
        ),
      );
    },
  );

  it("hands over a record only when all before it are noted", async () => {
    const { to, noted } = logOf((n) => (n % 3 === 1 ? new Error("no") : undefined));
    const handle = to.handle;
    to.handle = async (records) => {
      expect(noted).toEqual(numbers(records[0] ?? 0));
      await handle(records);
    };
    await deliver(to, numbers(20));
    expect(noted).toEqual(numbers(20));
  });

  it("does not hand over again what is done, where the handler says what failed", async () => {
    const { to, calls } = logOf((n) => (n === 3 ? new Error("no") : undefined), { exact: true });
    await deliver(to, numbers(6));
    expect(calls).toEqual([numbers(6), [4, 5]]);
  });

  it("waits longer before each further try, at most a minute", async () => {
    const { to, waits, aside } = logOf(() => new Error("never"), { retries: 4 });
    await deliver(to, [7]);
    expect(waits).toEqual([1, 2, 4, 8]);
    expect(aside).toEqual([[7, "never"]]);
    expect(pauseSeconds(100)).toBe(60);
  });

  it.each(["invalid", "too-large"] as const)("tries what is %s no more", async (code) => {
    const { to, calls, aside } = logOf(() => new PortError(code, "it is"), { retries: 4 });
    await deliver(to, [7]);
    expect(calls).toEqual([[7]]);
    expect(aside).toEqual([[7, "it is"]]);
  });

  it.each([
    ["an error without words", new Error(""), "Error"],
    ["what is no error", "just text", "just text"],
  ])("gives a reason for %s", async (_, thrown, reason) => {
    const { to, aside } = logOf(() => thrown);
    await deliver(to, [7]);
    expect(aside).toEqual([[7, reason]]);
  });

  it("hands over nothing later where noting failed", async () => {
    const { to, calls } = logOf((n) => (n === 0 ? new Error("no") : undefined));
    to.setAside = async () => {
      throw new Error("the database is gone");
    };
    await expect(deliver(to, numbers(4))).rejects.toThrow("the database is gone");
    expect(calls).toEqual([numbers(4), [0, 1], [0]]);
  });
});
