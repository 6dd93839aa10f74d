import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { objectRequests } from "../../../local/objects.ts";
import { objectStore } from "../../../runtime/adapters/local/object-store.ts";
import { objectStoreContract } from "../suites/object-store.ts";
import { refusal } from "../suites/refusal.ts";
import { temporaryFolder } from "./folder.ts";

const signing = { base: "http://127.0.0.1:8787/_objects/media", key: async () => "a secret" };
const storeIn = (folder: string) => objectStore({ name: "media", folder, signing });

objectStoreContract("local object store", {
  holdsToSignatures: true,
  async make() {
    const { folder, remove } = await temporaryFolder();
    const store = storeIn(folder);
    const served = objectRequests(
      new Map([["media", { store, key: signing.key, maxBytes: 1_000_000 }]]),
    );
    return {
      store,
      send: (request) => served(new URL(request.url).pathname, request) ?? Promise.reject(request),
      close: remove,
    };
  },
});

describe("signed URLs, for pages of other origins", () => {
  const headersFor = async (origin: string, method = "GET") => {
    const { folder, remove } = await temporaryFolder();
    const stores = new Map([["media", { store: storeIn(folder), key: signing.key, maxBytes: 9 }]]);
    const served = objectRequests(stores, ["https://shop.example"]);
    const request = new Request(`${signing.base}/a`, { method, headers: { origin } });
    const answer = await served("/_objects/media/a", request);
    await remove();
    return answer?.headers;
  };

  it("answer the edge's origins, preflights too", async () => {
    for (const method of ["GET", "OPTIONS"]) {
      const headers = await headersFor("https://shop.example", method);
      expect(headers?.get("access-control-allow-origin")).toBe("https://shop.example");
    }
  });

  it("answer no others", async () => {
    for (const method of ["GET", "OPTIONS"]) {
      const headers = await headersFor("https://other.example", method);
      expect(headers?.get("access-control-allow-origin")).toBeNull();
      expect(headers?.get("vary")).toBe("Origin");
    }
  });
});

describe("the files of a local object store", () => {
  const inFolder = async (work: (folder: string) => Promise<void>) => {
    const { folder, remove } = await temporaryFolder();
    try {
      await work(folder);
    } finally {
      await remove();
    }
  };
  const keysOf = async (folder: string, prefix: string) =>
    (await storeIn(folder).list(prefix)).objects.map(({ key }) => key);

  it("outlive the process that wrote them", () =>
    inFolder(async (folder) => {
      await storeIn(folder).put("a", "1", { contentType: "text/plain" });
      const found = await storeIn(folder).get("a");
      expect(found).toMatchObject({ contentType: "text/plain", body: Buffer.from("1") });
    }));

  it("are named apart whatever the case, in names no longer than 255 bytes", () =>
    inFolder(async (folder) => {
      const store = storeIn(folder);
      for (const key of ["a", "A", `${"x".repeat(1000)}a`, `${"x".repeat(1000)}A`])
        await store.put(key, key);
      const names = await readdir(folder, { recursive: true });
      expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
      const longest = names.flatMap((name) => name.split(path.sep)).map((part) => part.length);
      expect(Math.max(...longest)).toBeLessThanOrEqual(255);
    }));

  it("list long keys in their order among the short ones, with pages and prefixes", () =>
    inFolder(async (folder) => {
      const store = storeIn(folder);
      const head = "k".repeat(120);
      const keys = [head.slice(0, -1), head, `${head}\u{1f600}`, `${head}a`, `${head}b`, "l"].sort(
        (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)),
      );
      for (const key of keys.toReversed()) await store.put(key, "");
      expect(await keysOf(folder, "")).toEqual(keys);
      expect(await keysOf(folder, `${head}a`)).toEqual([`${head}a`]);
      const first = await store.list("k", { limit: 3 });
      const second = await store.list("k", { limit: 3, cursor: first.cursor });
      expect([...first.objects, ...second.objects].map(({ key }) => key)).toEqual(keys.slice(0, 5));
    }));

  it("never show what a process that died had begun to write, and lose it in time", () =>
    inFolder(async (folder) => {
      const drafts = path.join(folder, "drafts");
      await mkdir(drafts, { recursive: true });
      const [old, young] = ["old", "young"].map((name) => path.join(drafts, name));
      for (const draft of [old, young]) await writeFile(draft ?? "", '{"key":"a"');
      await utimes(old ?? "", 0, 0);
      const store = storeIn(folder);
      expect(await keysOf(folder, "")).toEqual([]);
      await store.put("a", "1");
      await expect.poll(() => readdir(drafts)).toEqual(["young"]);
    }));

  it("take no content type that would add a header", () =>
    inFolder(async (folder) => {
      const store = storeIn(folder);
      for (const contentType of ["", "text/plain\r\nX-Evil: 1", "é", "x".repeat(256)])
        expect(await refusal(store.put("a", "1", { contentType }))).toBe("invalid");
    }));
});
