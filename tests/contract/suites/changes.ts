import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject, Key, Table, TableChange } from "../../../runtime/ports/index.ts";
import { refusal, tally } from "./refusal.ts";

/** A table with a subscriber to its changes. */
export interface ChangesParts {
  readonly table: Table;
  /** What the subscriber was given of this partition, once there are so many and no more to come. */
  changesOf(pk: string, count: number): Promise<readonly TableChange[]>;
  close(): Promise<void>;
}

type Told = Pick<TableChange, "before" | "after">;

/**
 * What every change feed tells, the same on every adapter.
 * @param capabilities.silentWithoutChange a put that changes nothing is not told. DynamoDB does
 *   so; an emulator that tells it all the same says so here, and the telling is left out
 */
export function changesContract(
  title: string,
  {
    make,
    capabilities,
  }: {
    readonly make: () => Promise<ChangesParts>;
    readonly capabilities: { readonly silentWithoutChange: boolean };
  },
): void {
  describe(title, () => {
    let parts: ChangesParts | undefined;
    beforeAll(async () => {
      parts = await make();
    });
    afterAll(() => parts?.close());
    const opened = () => {
      if (!parts) throw new Error("the table did not open");
      return parts;
    };
    const partition = () => `P#${randomUUID()}`;
    const same = ({ before, after }: Told) => JSON.stringify(before) === JSON.stringify(after);
    const changesOf = async (pk: string, count: number) => {
      const changes = await opened().changesOf(pk, count);
      return capabilities.silentWithoutChange ? changes : changes.filter((one) => !same(one));
    };
    const toldOf = async (pk: string, count: number): Promise<Told[]> =>
      (await changesOf(pk, count)).map(({ before, after }) => ({
        ...(before && { before }),
        ...(after && { after }),
      }));

    it("tells an insert, a replacement and a removal, with key, time and both documents", async () => {
      const { table } = opened();
      const key = { pk: partition(), sk: "s" };
      await table.put(key, { n: 1, name: "é 😀" });
      await table.put(key, { n: 2 });
      await table.delete(key);
      const changes = await changesOf(key.pk, 3);
      const head = { id: expect.stringMatching(/./), key, at: expect.any(Date) };
      expect(changes).toEqual([
        { ...head, after: { n: 1, name: "é 😀" } },
        { ...head, before: { n: 1, name: "é 😀" }, after: { n: 2 } },
        { ...head, before: { n: 2 } },
      ]);
      expect(new Set(changes.map(({ id }) => id)).size).toBe(3);
      for (const { at } of changes)
        expect(Math.abs(at.getTime() - Date.now())).toBeLessThan(20_000);
    });

    it("tells nothing of a put that changes nothing", async () => {
      const { table } = opened();
      const key = { pk: partition(), sk: "s" };
      await table.put(key, { n: 1, list: [1, { a: null }] });
      await table.put(key, { n: 1, list: [1, { a: null }] });
      await table.put(key, { n: 2 });
      expect(await toldOf(key.pk, 2)).toEqual([
        { after: { n: 1, list: [1, { a: null }] } },
        { before: { n: 1, list: [1, { a: null }] }, after: { n: 2 } },
      ]);
    });

    it("tells a list in another order as a change", async () => {
      const { table } = opened();
      const key = { pk: partition(), sk: "s" };
      await table.put(key, { list: [1, 2] });
      await table.put(key, { list: [2, 1] });
      expect(await toldOf(key.pk, 2)).toHaveLength(2);
    });

    it("tells nothing of what was refused, or was not there to remove", async () => {
      const { table } = opened();
      const key = { pk: partition(), sk: "s" };
      await table.delete(key);
      await table.put(key, { v: "2" });
      expect(await refusal(table.put(key, { v: "3" }, { ifAbsent: true }))).toBe("conflict");
      expect(await refusal(table.put(key, { v: "1" }, { ifNewer: "v" }))).toBe("conflict");
      await table.put(key, { v: "3" }, { ifNewer: "v" });
      expect(await toldOf(key.pk, 2)).toEqual([
        { after: { v: "2" } },
        { before: { v: "2" }, after: { v: "3" } },
      ]);
    });

    it("tells what once has applied, once, and nothing of what it did not", async () => {
      const { table } = opened();
      const pk = partition();
      await table.put({ pk, sk: "old" }, { old: true });
      const apply = (key: string, ifAbsent = false) =>
        table.once(key, (writes) => {
          writes.put({ pk, sk: "new" }, { n: 1 }, { ifAbsent });
          writes.delete({ pk, sk: "old" });
        });
      const key = partition();
      expect(await apply(key)).toBe(true);
      expect(await apply(key)).toBe(false);
      expect(await refusal(apply(partition(), true))).toBe("conflict");
      const changes = await changesOf(pk, 3);
      expect(changes).toHaveLength(3);
      expect(changes.filter((one) => one.key.sk === "old")).toMatchObject([
        { after: { old: true } },
        { before: { old: true } },
      ]);
      expect(changes.filter((one) => one.key.sk === "new")).toMatchObject([{ after: { n: 1 } }]);
    });

    it("tells the changes of each document in their order, none left out", async () => {
      const { table } = opened();
      const step = fc.record({
        sk: fc.constantFrom("a", "b", "c"),
        document: fc.option(fc.record({ n: fc.nat({ max: 3 }) }), { freq: 3 }),
        together: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          const pk = partition();
          const model = new Map<string, JsonObject>();
          const expected: { sk: string; told: Told }[] = [];
          for (const { sk, document, together } of steps) {
            const key: Key = { pk, sk };
            if (together)
              await table.once(partition(), (writes) =>
                document ? writes.put(key, { ...document }) : writes.delete(key),
              );
            else if (document) await table.put(key, { ...document });
            else await table.delete(key);
            const before = model.get(sk);
            const told = { ...(before && { before }), ...(document && { after: { ...document } }) };
            if (!same(told)) expected.push({ sk, told });
            if (document) model.set(sk, { ...document });
            else model.delete(sk);
          }
          const changes = await changesOf(pk, expected.length);
          for (const sk of ["a", "b", "c"])
            expect(
              changes
                .filter(({ key }) => key.sk === sk)
                .map(({ before, after }) => ({
                  ...(before && { before }),
                  ...(after && { after }),
                })),
            ).toEqual(expected.filter((one) => one.sk === sk).map(({ told }) => told));
        }),
        { numRuns: 15 },
      );
    });

    it("tells changes by many at the same time as one chain", async () => {
      const { table } = opened();
      const key = { pk: partition(), sk: "s" };
      await tally(
        Array.from({ length: 30 }, (_, n) =>
          n % 3 === 2 ? table.delete(key) : table.put(key, { n }),
        ),
      );
      await table.put(key, { last: true });
      let stored: JsonObject | undefined;
      for (const { before, after } of await changesOf(key.pk, 1)) {
        expect(before).toEqual(stored);
        stored = after;
      }
      expect(stored).toEqual({ last: true });
    });
  });
}
