import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json, Stream, StreamRecord } from "../../../runtime/ports/index.ts";
import { refusal } from "./refusal.ts";

/** A record as it is read, with its shard. */
export type ReadRecord = StreamRecord & { readonly shard: string };

export interface StreamParts {
  readonly stream: Stream;
  /** All records, each shard's in their order, once there are so many. */
  read(count: number): Promise<readonly ReadRecord[]>;
}

/** A service, in which `make` gives a new and empty stream of several shards. */
export interface StreamService {
  make(): Promise<StreamParts>;
  close(): Promise<void>;
}

/** What every Stream does, the same on every adapter. */
export function streamContract(
  title: string,
  { start }: { readonly start: () => Promise<StreamService> },
): void {
  describe(title, () => {
    let service: StreamService | undefined;
    beforeAll(async () => {
      service = await start();
    });
    afterAll(() => service?.close());
    const make = () => {
      if (!service) throw new Error("the stream service did not start");
      return service.make();
    };
    const bodiesOf = (records: readonly ReadRecord[], key: string) =>
      records.filter((record) => record.key === key).map((record) => record.body);
    const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

    it("gives back a record with its key, body, time and place", async () => {
      const { stream, read } = await make();
      const body = { page: "/", at: ["é 😀", null, 1.5] };
      await stream.put([{ key: "visitor é", body }]);
      const [record, ...more] = await read(1);
      expect(record).toEqual({
        shard: expect.stringMatching(/./),
        sequence: expect.stringMatching(/^\d+$/),
        key: "visitor é",
        body,
        at: expect.any(Date),
      });
      expect(Math.abs((record?.at.getTime() ?? 0) - Date.now())).toBeLessThan(10_000);
      expect(more).toEqual([]);
    });

    it("gives back every JSON value exactly as it was put", async () => {
      const { stream, read } = await make();
      const value = fc
        .jsonValue({ maxDepth: 3, stringUnit: "binary" })
        .filter((json) => !JSON.stringify(json).includes('"__proto__"'))
        .map((json) => JSON.parse(JSON.stringify(json)) as Json);
      const bodies = fc.sample(value, 60);
      await stream.put(bodies.map((body) => ({ key: "one", body })));
      expect(bodiesOf(await read(60), "one")).toEqual(bodies);
    });

    it("keeps the order of each key, in one put and from put to put", async () => {
      const { stream, read } = await make();
      const keys = ["a", "b", "c", "d", "e"];
      for (const round of numbers(4))
        await stream.put(
          numbers(50).map((n) => ({ key: keys[(n * 7) % 5] ?? "", body: round * 50 + n })),
        );
      const records = await read(200);
      for (const [index, key] of keys.entries())
        expect(bodiesOf(records, key)).toEqual(
          numbers(200).filter((n) => ((n % 50) * 7) % 5 === index),
        );
    });

    it("keeps the order of each of many puts at the same time", async () => {
      const { stream, read } = await make();
      await Promise.all(
        numbers(20).map((by) =>
          stream.put(numbers(5).map((n) => ({ key: `k${by % 3}`, body: { by, n } }))),
        ),
      );
      const records = (await read(100)) as readonly (ReadRecord & { body: { by: number } })[];
      for (const by of numbers(20))
        expect(records.filter(({ body }) => body.by === by).map((record) => record.body)).toEqual(
          numbers(5).map((n) => ({ by, n })),
        );
    });

    it("numbers the records of a shard upwards", async () => {
      const { stream, read } = await make();
      for (const n of numbers(12)) await stream.put([{ key: `k${n % 5}`, body: n }]);
      const shards = Map.groupBy(await read(12), (record) => record.shard);
      for (const records of shards.values()) {
        const sequences = records.map((record) => BigInt(record.sequence));
        for (const [index, sequence] of sequences.slice(1).entries())
          expect(sequence > (sequences[index] ?? 0n)).toBe(true);
      }
    });

    it("keeps a key in one shard, and spreads keys over several", async () => {
      const { stream, read } = await make();
      await stream.put(numbers(100).map((n) => ({ key: `k${n % 40}`, body: n })));
      const records = await read(100);
      const shardsOf = Map.groupBy(records, (record) => record.key);
      for (const one of shardsOf.values())
        expect(new Set(one.map((record) => record.shard)).size).toBe(1);
      expect(new Set(records.map((record) => record.shard)).size).toBeGreaterThan(1);
    });

    it("takes 500 records and keys of 256 bytes", async () => {
      const { stream, read } = await make();
      await stream.put(numbers(500).map((n) => ({ key: `${n}`.padStart(256, "k"), body: n })));
      const records = await read(500);
      expect(new Set(records.map((record) => record.body))).toEqual(new Set(numbers(500)));
    });

    it("takes a record of 1 MiB with its key, and refuses one byte more as too-large", async () => {
      const { stream, read } = await make();
      const body = "x".repeat(1_048_576 - 2 - "key".length);
      await stream.put([{ key: "key", body }]);
      expect(await refusal(stream.put([{ key: "key", body: `${body}x` }]))).toBe("too-large");
      expect((await read(1)).map((record) => record.body)).toEqual([body]);
    });

    it("refuses records of over 5 MiB together as too-large, and stores none", async () => {
      const { stream, read } = await make();
      const records = numbers(6).map((n) => ({ key: `k${n}`, body: "x".repeat(1_000_000) }));
      expect(await refusal(stream.put(records))).toBe("too-large");
      await stream.put([{ key: "k", body: "small" }]);
      expect((await read(1)).map((record) => record.body)).toEqual(["small"]);
    });

    it.each<[string, readonly { key: unknown; body: unknown }[]]>([
      ["no record", []],
      ["501 records", numbers(501).map((n) => ({ key: `${n}`, body: n }))],
      ["an empty key", [{ key: "", body: 1 }]],
      ["a key of 257 bytes", [{ key: `${"é".repeat(128)}x`, body: 1 }]],
      ["a key with NUL", [{ key: "a\0", body: 1 }]],
      ["a key with a lone surrogate", [{ key: "\ud800", body: 1 }]],
      ["a key that is no text", [{ key: 5, body: 1 }]],
      ["undefined as a body", [{ key: "k", body: undefined }]],
      [
        "NaN in the last of several",
        [
          { key: "k", body: 1 },
          { key: "k", body: Number.NaN },
        ],
      ],
    ])("refuses %s as invalid, and stores nothing", async (_, records) => {
      const { stream, read } = await make();
      const given = records as readonly { key: string; body: Json }[];
      expect(await refusal(stream.put(given))).toBe("invalid");
      const id = randomUUID();
      await stream.put([{ key: "k", body: id }]);
      expect((await read(1)).map((record) => record.body)).toEqual([id]);
    });
  });
}
