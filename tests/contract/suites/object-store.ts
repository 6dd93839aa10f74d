import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ObjectStore } from "../../../runtime/ports/index.ts";
import { byUtf8, refusal, sleep, tally } from "./refusal.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

export interface ObjectStoreParts {
  readonly store: ObjectStore;
  /** Sends what a client without credentials sends. */
  readonly send: (request: Request) => Promise<Response>;
  readonly close: () => Promise<void>;
}

/**
 * What every ObjectStore does, the same on every adapter.
 * @param make an empty store
 * @param holdsToSignatures whether what serves signed URLs checks them; moto stores and reads all
 */
export function objectStoreContract(
  title: string,
  {
    make,
    holdsToSignatures,
  }: { readonly make: () => Promise<ObjectStoreParts>; readonly holdsToSignatures: boolean },
): void {
  describe(title, () => {
    let store: ObjectStore;
    let send: ObjectStoreParts["send"];
    let close: (() => Promise<void>) | undefined;
    beforeAll(async () => {
      ({ store, send, close } = await make());
    });
    afterAll(() => close?.());

    const folder = () => `${randomUUID()}/`;
    const fill = async (names: readonly string[]) => {
      const prefix = folder();
      for (const name of names) await store.put(prefix + name, name);
      return prefix;
    };
    const namesOf = async (prefix: string, of = prefix) =>
      (await store.list(of)).objects.map((object) => object.key.slice(prefix.length));
    const textOf = async (key: string) => {
      const object = await store.get(key);
      return object && new TextDecoder().decode(object.body);
    };

    describe("get, put and delete", () => {
      it("gives undefined for a key that has no object", async () => {
        expect(await store.get(`${folder()}none`)).toBeUndefined();
      });

      it("gives back any bytes as they were put", async () => {
        const key = `${folder()}bytes`;
        await fc.assert(
          fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (body) => {
            await store.put(key, body);
            expect(new Uint8Array((await store.get(key))?.body ?? [])).toEqual(body);
          }),
          { numRuns: 30 },
        );
      });

      it("keeps a body of 12 MB whole", async () => {
        const key = `${folder()}big`;
        const body = new Uint8Array(12_000_000).map((_, index) => (index * 31) % 251);
        await store.put(key, body);
        const found = await store.get(key);
        expect(found?.bytes).toBe(12_000_000);
        expect(Buffer.compare(found?.body ?? new Uint8Array(), body)).toBe(0);
      });

      it("stores text as UTF-8", async () => {
        const key = `${folder()}text`;
        await store.put(key, "né 😀");
        expect(new Uint8Array((await store.get(key))?.body ?? [])).toEqual(bytes("né 😀"));
      });

      it("keeps an empty body apart from no object", async () => {
        const key = `${folder()}empty`;
        await store.put(key, "");
        expect(await store.get(key)).toMatchObject({ key, bytes: 0, body: { length: 0 } });
      });

      it("tells size, type, time and an etag that changes with the content", async () => {
        const key = `${folder()}info`;
        const before = Date.now();
        await store.put(key, "first", { contentType: "text/plain; charset=utf-8" });
        const first = await store.get(key);
        expect(first).toMatchObject({ key, bytes: 5, contentType: "text/plain; charset=utf-8" });
        // Stores give the time in whole seconds, and their clock is their own.
        expect(Math.abs((first?.modified.getTime() ?? 0) - before)).toBeLessThan(60_000);
        await store.put(key, "other");
        const other = await store.get(key);
        expect(other).toMatchObject({ contentType: "application/octet-stream" });
        expect(other?.etag).not.toBe(first?.etag);
        expect(other?.etag).not.toContain('"');
      });

      it.each(["", "a\r\nX-Other: b", "té/xt", "x".repeat(256)])(
        "refuses the content type %j as invalid",
        async (contentType) => {
          const key = `${folder()}type`;
          expect(await refusal(store.put(key, "x", { contentType }))).toBe("invalid");
          expect(await store.get(key)).toBeUndefined();
        },
      );

      it("replaces the object that was there", async () => {
        const key = `${folder()}replaced`;
        await store.put(key, "a longer first body");
        await store.put(key, "second");
        expect(await textOf(key)).toBe("second");
      });

      it("refuses a second put with ifAbsent as conflict and keeps the first", async () => {
        const key = `${folder()}absent`;
        await store.put(key, "first", { ifAbsent: true });
        expect(await refusal(store.put(key, "second", { ifAbsent: true }))).toBe("conflict");
        expect(await textOf(key)).toBe("first");
      });

      it("lets exactly one of twenty concurrent puts with ifAbsent win", async () => {
        const key = `${folder()}race`;
        const ends = await tally(
          Array.from({ length: 20 }, (_, by) => store.put(key, String(by), { ifAbsent: true })),
        );
        expect(ends).toEqual({ fulfilled: 1, conflict: 19 });
      });

      it("shows a reader one whole body while writers replace it", async () => {
        const key = `${folder()}whole`;
        const letters = ["a", "b", "c", "d"];
        await store.put(key, "a".repeat(200_000));
        const reads = await Promise.all(
          letters.flatMap((letter) => [
            store.put(key, letter.repeat(200_000)).then(() => undefined),
            textOf(key),
            textOf(key),
          ]),
        );
        for (const text of reads.filter((read) => read !== undefined))
          expect(letters.map((letter) => letter.repeat(200_000))).toContain(text);
      });

      it("removes an object, after which ifAbsent holds again", async () => {
        const key = `${folder()}removed`;
        await store.put(key, "first");
        await store.delete(key);
        expect(await store.get(key)).toBeUndefined();
        await store.put(key, "second", { ifAbsent: true });
        expect(await textOf(key)).toBe("second");
      });

      it("takes the removal of what is not there as done", async () => {
        expect(await refusal(store.delete(`${folder()}none`))).toBe("nothing refused");
      });
    });

    describe("keys", () => {
      const odd = [
        ...["a", "A", "a/b", "a/b/c", "a.b", "..a", "a..", ".a", "...", "a b", "a+b", "a%20b"],
        ...["a%2Fb", "a?b=c&d", "a#b", "a'b\"c", "a\\b", "a:b*c|d", "<a>", "a~b", "CON", "a_b"],
        ...["é", "e\u0301", "日本/語", "👩‍👩‍👧", "～", "😀", `${"long".repeat(90)}/x`],
      ];

      it("tells odd keys apart, gives each back and lists them by UTF-8 bytes", async () => {
        const prefix = await fill(odd);
        for (const name of odd) expect(await textOf(prefix + name)).toBe(name);
        expect(await namesOf(prefix)).toEqual([...odd].sort(byUtf8));
      });

      it("takes keys of 1,024 bytes", async () => {
        const prefix = folder();
        const key = `${prefix}${"é".repeat((1024 - prefix.length - 1) / 2)}x`;
        expect(Buffer.byteLength(key)).toBe(1024);
        await store.put(key, "long");
        expect(await textOf(key)).toBe("long");
        expect((await store.list(prefix)).objects.map((object) => object.key)).toEqual([key]);
      });

      it.each([
        ...["", ".", "..", "../a", "a/../b", "a/..", "a/./b", "./a"],
        ...["a\0b", "a\nb", "a\ud800", `${"x".repeat(1025)}`, "a\uffff"],
      ])("refuses the key %j as invalid, in every verb", async (key) => {
        expect(await refusal(store.put(key, "x"))).toBe("invalid");
        expect(await refusal(store.get(key))).toBe("invalid");
        expect(await refusal(store.delete(key))).toBe("invalid");
      });
    });

    describe("list", () => {
      it("gives an empty page without a cursor where nothing has the prefix", async () => {
        expect(await store.list(folder())).toEqual({ objects: [] });
        expect(await store.list("../")).toEqual({ objects: [] });
      });

      it("tells key, size, etag and time, and not the type", async () => {
        const prefix = await fill(["one"]);
        const got = await store.get(`${prefix}one`);
        const { objects } = await store.list(prefix);
        expect(objects).toEqual([
          { key: `${prefix}one`, bytes: 3, etag: got?.etag, modified: expect.any(Date) },
        ]);
      });

      it.each([
        ["a", ["a%b", "a/b", "a_b", "ab"]],
        ["a/", ["a/b"]],
        ["a%", ["a%b"]],
        ["a_", ["a_b"]],
        ["ab", ["ab"]],
        ["é", ["é"]],
        ["c", []],
      ])("takes the prefix %j literally, inside a segment too", async (part, expected) => {
        const prefix = await fill(["a%b", "a_b", "ab", "a/b", "b", "é"]);
        expect(await namesOf(prefix, prefix + part)).toEqual(expected);
      });

      it("pages with every limit", async () => {
        const names = ["1", "2/a", "2/b", "3", "4"];
        const prefix = await fill(names);
        for (let limit = 1; limit <= 6; limit++) {
          const found: string[] = [];
          let pages = 0;
          let cursor: string | undefined;
          do {
            const page = await store.list(prefix, { limit, cursor });
            found.push(...page.objects.map((object) => object.key.slice(prefix.length)));
            cursor = page.cursor;
            pages++;
          } while (cursor !== undefined);
          expect(found).toEqual(names);
          expect(pages).toBe(Math.ceil(5 / limit));
        }
      });

      it("goes on after an object that was removed since", async () => {
        const prefix = await fill(["a", "b", "c"]);
        const { cursor } = await store.list(prefix, { limit: 2 });
        await store.delete(`${prefix}b`);
        const { objects } = await store.list(prefix, { cursor });
        expect(objects.map((object) => object.key)).toEqual([`${prefix}c`]);
      });

      it("refuses a cursor that is not its own as invalid", async () => {
        const prefix = await fill(["a", "b"]);
        const other = await fill(["a", "b"]);
        const { cursor } = await store.list(other, { limit: 1 });
        for (const given of [cursor, "", "no cursor", "W10"])
          expect(await refusal(store.list(prefix, { cursor: given }))).toBe("invalid");
      });

      it.each([0, -1, 1001, 1.5, Number.NaN])("refuses the limit %s as invalid", async (limit) => {
        expect(await refusal(store.list(folder(), { limit }))).toBe("invalid");
      });
    });

    describe("URLs for clients without credentials", () => {
      const image = { contentType: "image/png", maxBytes: 10, expiresSeconds: 60 };
      const post = async (
        { url, fields }: { url: string; fields: Readonly<Record<string, string>> },
        body: string,
        changed: Record<string, string> = {},
      ) => {
        const form = new FormData();
        for (const [name, value] of Object.entries({ ...fields, ...changed }))
          form.append(name, value);
        form.append("file", new Blob([body]), "photo.png");
        return send(new Request(url, { method: "POST", body: form }));
      };

      it.each(["photo.png", "a+b c%20.png", "größe/日本.png", "o'hare (1)!*.png"])(
        "store and read %j, as it is, with its type",
        async (name) => {
          const key = folder() + name;
          expect((await post(await store.signPut(key, image), "0123456789")).status).toBe(204);
          expect(await store.get(key)).toMatchObject({ bytes: 10, contentType: "image/png" });
          const read = await send(new Request(await store.signGet(key, { expiresSeconds: 60 })));
          expect([read.status, read.headers.get("content-type"), await read.text()]).toEqual([
            200,
            "image/png",
            "0123456789",
          ]);
        },
      );

      it("offer a file name to save under, of any characters", async () => {
        const key = `${folder()}report`;
        await store.put(key, "a,b");
        const url = await store.signGet(key, { expiresSeconds: 60, fileName: 'Umsätze "1".csv' });
        const read = await send(new Request(url));
        expect(read.headers.get("content-disposition")).toContain(
          "filename*=UTF-8''Ums%C3%A4tze%20%221%22.csv",
        );
      });

      it("answer 404 for what is not there", async () => {
        const url = await store.signGet(`${folder()}none`, { expiresSeconds: 60 });
        expect((await send(new Request(url))).status).toBe(404);
      });

      it.each([
        ["a bad key", { key: "../x" }],
        ["a bad type", { contentType: "a\nb" }],
        ["a negative size", { maxBytes: -1 }],
        ["no time", { expiresSeconds: 0 }],
        ["more than twelve hours", { expiresSeconds: 43_201 }],
      ])("are not made for %s", async (_, given) => {
        const { key, ...options } = { key: "k", ...image, ...given };
        expect(await refusal(store.signPut(key, options))).toBe("invalid");
      });

      if (holdsToSignatures) {
        it("take no more bytes than were allowed", async () => {
          const key = `${folder()}large`;
          expect((await post(await store.signPut(key, image), "01234567890")).status).toBe(413);
          expect(await store.get(key)).toBeUndefined();
        });

        it("take nothing else than was allowed", async () => {
          const [key, other] = [`${folder()}a`, `${folder()}b`];
          const form = await store.signPut(key, image);
          const foreign = await store.signPut(other, image);
          const statuses = await Promise.all(
            (
              [
                { key: other },
                { "Content-Type": "text/html" },
                { policy: foreign.fields.policy ?? "" },
                { signature: "x" },
                { policy: "" },
              ] as Record<string, string>[]
            ).map(async (changed) => (await post(form, "x", changed)).status),
          );
          expect(statuses).toEqual([403, 403, 403, 403, 403]);
          expect([await store.get(key), await store.get(other)]).toEqual([undefined, undefined]);
        });

        it("read nothing else than was allowed", async () => {
          const [key, other] = [`${folder()}a`, `${folder()}b`];
          await store.put(other, "secret");
          const url = new URL(await store.signGet(key, { expiresSeconds: 60 }));
          url.pathname = new URL(await store.signGet(other, { expiresSeconds: 60 })).pathname;
          expect((await send(new Request(url))).status).toBe(403);
          const form = await store.signPut(other, image);
          url.search = new URLSearchParams(form.fields).toString();
          expect((await send(new Request(url))).status).toBe(403);
        });

        it("end with their time", async () => {
          const key = `${folder()}late`;
          await store.put(key, "x");
          const url = await store.signGet(key, { expiresSeconds: 1 });
          const form = await store.signPut(key, { ...image, expiresSeconds: 1 });
          await sleep(1_100);
          expect((await send(new Request(url))).status).toBe(403);
          expect((await post(form, "y")).status).toBe(403);
        });
      }
    });
  });
}
