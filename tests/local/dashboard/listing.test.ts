import { describe, expect, test } from "vitest";
import { derivedFrom, objectListing, pictureType } from "../../../local/dashboard/listing.ts";
import { memoryObjects } from "./served.ts";

const folders = {
  uploads: { prefix: "uploads/", maxBytes: 100, contentTypes: ["image/*"] },
  processed: { prefix: "processed/" },
};
const png = { contentType: "image/png" };

describe("the listing of an object store", () => {
  test("has each declared folder with its limits, and elsewhere what lies in none", async () => {
    const objects = memoryObjects(folders);
    await objects.store.put("uploads/a.png", "a", png);
    await objects.store.put("notes/b.txt", "b", { contentType: "text/plain" });
    const [listed] = await objectListing(new Map([["files", objects]]), 10).read();
    expect(listed).toMatchObject({ kind: "objectStore", name: "files", total: 2, more: false });
    expect(listed?.folders).toMatchObject([
      {
        name: "uploads",
        prefix: "uploads/",
        uploads: true,
        maxBytes: 100,
        contentTypes: ["image/*"],
        total: 1,
        items: [{ key: "uploads/a.png", bytes: 1, image: true, derived: [] }],
      },
      { name: "processed", uploads: false, total: 0, items: [] },
      { name: "", prefix: "", uploads: false, total: 1, items: [{ image: false }] },
    ]);
  });

  test("shows the newest of each folder, and counts all", async () => {
    const objects = memoryObjects(folders);
    for (const name of ["c", "a", "b"]) await objects.store.put(`uploads/${name}.png`, name, png);
    const [listed] = await objectListing(new Map([["files", objects]]), 2).read();
    const [uploads] = listed?.folders ?? [];
    expect(uploads?.total).toBe(3);
    expect(uploads?.items.map(({ key }) => key)).toEqual(["uploads/b.png", "uploads/a.png"]);
  });

  test("reads on where a store has more than a page", async () => {
    const objects = memoryObjects({});
    for (let n = 0; n < 1200; n++) await objects.store.put(`n/${n}`, "");
    const [listed] = await objectListing(new Map([["files", objects]]), 2).read();
    expect(listed).toMatchObject({ total: 1200, more: false });
  });

  test("shows with an upload what was made of it", async () => {
    const objects = memoryObjects(folders, async (key, put) => {
      if (key.startsWith("uploads/"))
        await put(`processed/small/${key.slice("uploads/".length)}.webp`, "", png);
    });
    await objects.store.put("uploads/u1/a.png", "a", png);
    await objects.store.put("uploads/u1/aa.png", "aa", png);
    const [listed] = await objectListing(new Map([["files", objects]]), 10).read();
    const derived = listed?.folders[0]?.items.map((item) => item.derived?.map(({ key }) => key));
    expect(derived).toEqual([
      ["processed/small/u1/aa.png.webp"],
      ["processed/small/u1/a.png.webp"],
    ]);
  });

  test("is kept for a while, unless something was stored", async () => {
    const objects = memoryObjects(folders);
    let lists = 0;
    const store: typeof objects.store = {
      ...objects.store,
      list: async (...asked) => {
        lists += 1;
        await new Promise((turn) => setTimeout(turn, 50));
        return objects.store.list(...asked);
      },
    };
    const listing = objectListing(new Map([["files", { folders, store }]]), 10);
    await Promise.all([listing.read(), listing.read()]);
    await listing.read();
    expect(lists).toBe(1);
    listing.renew();
    await listing.read();
    expect(lists).toBe(2);
  });

  test("is read anew after it failed", async () => {
    const objects = memoryObjects(folders);
    let fails = true;
    const list: typeof objects.store.list = async (...asked) => {
      if (fails) throw new Error("away");
      return objects.store.list(...asked);
    };
    const listing = objectListing(
      new Map([["files", { folders, store: { ...objects.store, list } }]]),
      10,
    );
    await expect(listing.read()).rejects.toThrow("away");
    fails = false;
    await expect(listing.read()).resolves.toHaveLength(1);
  });
});

describe("what was made of an upload, by its key", () => {
  const made = (name: string, ...keys: string[]) =>
    derivedFrom(
      name,
      keys.map((key) => ({ key })),
    ).map(({ key }) => key);

  test.each([
    ["a.jpg", "processed/thumb/a.jpg.0f.webp"],
    ["a.jpg", "processed/thumb/a.webp"],
    ["u1/a b.jpg", "processed/thumb/u1/a b.webp"],
    ["été.jpg", "processed/été.webp"],
    ["[a](b).jpg", "processed/[a](b).webp"],
  ])("%s has %s", (name, key) => {
    expect(made(name, key)).toEqual([key]);
  });

  test.each([
    ["a.jpg", "processed/thumb/aa.webp"],
    ["a.jpg", "processed/thumb/ba.webp"],
    ["1.jpg", "processed/10.webp"],
    ["é.jpg", "processed/été.webp"],
    ["", "processed/a"],
    [".jpg", "processed/a"],
  ])("%j has not %s", (name, key) => {
    expect(made(name, key)).toEqual([]);
  });

  test("a full name is preferred to the stem, which others may share", () => {
    expect(made("a.jpg", "processed/a.png.webp", "processed/a.jpg.webp")).toEqual([
      "processed/a.jpg.webp",
    ]);
  });

  test("no more than six are shown", () => {
    const keys = Array.from({ length: 9 }, (_, n) => `processed/${n}/a.webp`);
    expect(made("a.jpg", ...keys)).toHaveLength(6);
  });
});

describe("a picture", () => {
  test.each(["image/png", "image/JPEG", "image/webp; q=1", "image/gif", "image/avif"])(
    "%s is one",
    (type) => {
      expect(pictureType(type)).toBe(type.toLowerCase().split(";")[0]);
    },
  );

  test.each(["image/svg+xml", "IMAGE/SVG+XML", "text/html", "image/png+html", "", "image/*"])(
    "%j is none",
    (type) => {
      expect(pictureType(type)).toBeUndefined();
    },
  );
});
