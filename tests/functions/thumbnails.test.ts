import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { create } from "../../functions/thumbnails/index.ts";
import { decodingOf, formatOf, keyOf, limits } from "../../functions/thumbnails/plan.ts";
import type { JsonObject, ObjectStored } from "../../runtime/ports/index.ts";
import { memoryTable, queueFake } from "./fakes.ts";
import { bomb, cameraExif, colourAt, flag, frames } from "./images.ts";
import { delivery, memoryObjects } from "./object-fakes.ts";

function setup() {
  const media = memoryObjects();
  const catalog = memoryTable();
  const [scanning, labelling] = [queueFake(), queueFake()];
  const handle = create({ media, catalog, scanning, labelling });
  const rowOf = (key: string, sk = "META") => catalog.get({ pk: `IMAGE#${key}`, sk });
  return {
    media,
    catalog,
    scanning,
    labelling,
    rowOf,
    handle: (stored: ObjectStored) => handle(stored, delivery),
    made: () => [...media.objects.keys()].filter((key) => key.startsWith("processed/")),
    /** Stores a file, hands its event over, and gives what became of it. */
    async upload(body: Uint8Array | string, key = "uploads/u-1/a.jpg") {
      const stored = await media.stored(key, body);
      await handle(stored, delivery);
      const row = (await rowOf(key)) as Row | undefined;
      const size = (name: string) =>
        media.objects.get(row?.sizes.find((one) => one.name === name)?.key ?? "")
          ?.body as Uint8Array;
      return { stored, row, size };
    },
  };
}

type Row = JsonObject & {
  readonly sizes: readonly { name: string; key: string; width: number; height: number }[];
};
const shapes = (row?: Row) => row?.sizes.map(({ name, width, height }) => [name, width, height]);

describe("an image that was stored", () => {
  test("has three sizes as WebP, a row, and is sent on", async () => {
    const { upload, media, scanning, labelling } = setup();
    const photo = await flag(2000, 1500).jpeg().toBuffer();
    const { stored, row } = await upload(photo, "uploads/u-1/x/Käse + 100%.jpg");
    expect(shapes(row)).toEqual([
      ["thumb", 150, 113],
      ["medium", 600, 450],
      ["large", 1200, 900],
    ]);
    expect(row).toMatchObject({
      key: stored.key,
      name: "Käse + 100%.jpg",
      bytes: photo.byteLength,
      width: 2000,
      height: 1500,
      hash: stored.etag,
      contentType: "image/jpeg",
      version: stored.version,
    });
    for (const { name, key, width, height } of row?.sizes ?? []) {
      expect(key).toMatch(
        new RegExp(`^processed/${name}/u-1/x/Käse \\+ 100%\\.jpg\\.[0-9a-f]{32}\\.webp$`),
      );
      const object = media.objects.get(key);
      expect(object?.contentType).toBe("image/webp");
      const found = await sharp(object?.body as Uint8Array).metadata();
      expect([found.format, found.width, found.height]).toEqual(["webp", width, height]);
    }
    const next = { key: stored.key, etag: stored.etag, version: stored.version };
    const [{ key: small } = { key: "" }] = (row?.sizes ?? []) as readonly { key: string }[];
    expect([scanning.sent, labelling.sent]).toEqual([[next], [{ ...next, small }]]);
  });

  test("is never enlarged", async () => {
    const { row } = await setup().upload(await flag(400, 100).png().toBuffer());
    expect(shapes(row)).toEqual([
      ["thumb", 150, 38],
      ["medium", 400, 100],
      ["large", 400, 100],
    ]);
  });

  test("stands upright where the camera was held sideways", async () => {
    // Orientation 6: what is stored has to be turned by 90 degrees clockwise.
    const photo = await flag(800, 400)
      .withExif(cameraExif)
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const { row, size } = await setup().upload(photo);
    expect([row?.width, row?.height]).toEqual([400, 800]);
    expect(shapes(row)?.at(-1)).toEqual(["large", 400, 800]);
    const [red = 0, green = 0] = await colourAt(size("large"), 200, 100);
    expect(red - green).toBeGreaterThan(100);
    const [redBelow = 0, greenBelow = 0] = await colourAt(size("large"), 200, 700);
    expect(greenBelow - redBelow).toBeGreaterThan(100);
  });

  test("keeps nothing of where and with what it was taken", async () => {
    const photo = await flag(300, 200).withExif(cameraExif).jpeg().toBuffer();
    expect(photo.includes("SecretCam")).toBe(true);
    const { size } = await setup().upload(photo);
    for (const name of ["thumb", "medium", "large"]) {
      const { exif, xmp, iptc, icc } = await sharp(size(name)).metadata();
      expect([exif, xmp, iptc, icc]).toEqual([undefined, undefined, undefined, undefined]);
      expect(Buffer.from(size(name)).includes("SecretCam")).toBe(false);
    }
  });

  test.each([
    ["a CMYK JPEG", () => flag(200, 100).toColourspace("cmyk").jpeg({ quality: 95 })],
    ["a PNG of 16 bits", () => flag(200, 100).toColourspace("rgb16").png()],
    ["a lossless WebP", () => flag(200, 100).webp({ lossless: true })],
    ["an AVIF", () => flag(200, 100).avif({ quality: 90, effort: 0 })],
    ["a progressive JPEG", () => flag(200, 100).jpeg({ progressive: true })],
  ])("keeps its colours: %s", async (_, image) => {
    const { size, row } = await setup().upload(await image().toBuffer());
    expect(shapes(row)?.at(-1)).toEqual(["large", 200, 100]);
    const [red = 0, green = 255, blue = 255] = await colourAt(size("large"), 40, 80);
    expect([red > 190, green < 60, blue < 80]).toEqual([true, true, true]);
  });

  test("keeps what is transparent transparent", async () => {
    const see = { r: 255, g: 0, b: 0, alpha: 0 };
    const png = sharp({ create: { width: 40, height: 40, channels: 4, background: see } }).png();
    const { size } = await setup().upload(await png.toBuffer());
    const { data } = await sharp(size("thumb")).raw().toBuffer({ resolveWithObject: true });
    expect(data[3]).toBe(0);
  });

  test("is told by its content, whatever its name says", async () => {
    const { row } = await setup().upload(await flag(20, 20).png().toBuffer(), "uploads/photo.jpg");
    expect(row?.contentType).toBe("image/png");
  });
});

describe("an animation", () => {
  const delay = [100, 200, 300, 100, 100];

  test.each(["gif", "webp"] as const)("stays one in every size: %s", async (format) => {
    const image = await frames(300, 200, 5)[format]({ delay, loop: 3 }).toBuffer();
    const { row, size } = await setup().upload(image);
    expect(row).toMatchObject({ animated: true, width: 300, height: 200 });
    expect(shapes(row)?.[0]).toEqual(["thumb", 150, 100]);
    for (const name of ["thumb", "medium", "large"])
      expect(await sharp(size(name), { pages: -1 }).metadata()).toMatchObject({
        pages: 5,
        delay,
        loop: 3,
      });
  });

  test("with too many pixels in all is its first frame, and the row says why", async () => {
    const image = await frames(2000, 1300, 20).webp({ effort: 0, delay }).toBuffer();
    const { row, size } = await setup().upload(image);
    expect(row).toMatchObject({
      animated: false,
      frames: 20,
      still: `its 20 frames have 52000000 pixels; at most ${limits.pixels} are decoded`,
    });
    expect((await sharp(size("thumb"), { pages: -1 }).metadata()).pages).toBeUndefined();
  });
});

describe("what is no image that can be shown", () => {
  const jpeg = () => flag(600, 400).jpeg().toBuffer();
  const cut = async (image: Promise<Buffer>) => {
    const whole = await image;
    return whole.subarray(0, Math.floor(whole.length * 0.6));
  };
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';

  test.each<[string, () => Promise<Uint8Array | string> | Uint8Array | string, RegExp]>([
    ["no byte at all", () => "", /no JPEG/],
    ["text", () => "hello", /no JPEG/],
    ["an SVG", () => svg, /no JPEG/],
    ["a PDF", () => "%PDF-1.7\n", /no JPEG/],
    ["a TIFF", () => flag(9, 9).tiff().toBuffer(), /no JPEG/],
    ["a JPEG that is cut short", () => cut(jpeg()), /damaged or cut short/],
    [
      "a progressive JPEG that is cut short",
      () => cut(flag(600, 400).jpeg({ progressive: true }).toBuffer()),
      /damaged or cut short/,
    ],
    ["a PNG that is cut short", () => cut(flag(600, 400).png().toBuffer()), /cut short/],
    ["a WebP that is cut short", () => cut(flag(600, 400).webp().toBuffer()), /cut short/],
    ["a GIF that is cut short", () => cut(flag(600, 400).gif().toBuffer()), /cut short/],
    ["an AVIF that is cut short", () => cut(flag(60, 40).avif().toBuffer()), /cut short/],
    ["a JPEG's first bytes and then text", () => "\xff\xd8\xff hello", /no JPEG|cut short/],
    ["a decompression bomb", () => bomb(30_000, 30_000), /30000 x 30000 pixels; at most 50000000/],
    ["more bytes than are read", () => Buffer.alloc(limits.bytes + 1), /20971521 bytes/],
  ])("%s goes to the dead letters at once, with the reason", async (_, content, reason) => {
    const { media, handle, made, rowOf, scanning, labelling } = setup();
    const stored = await media.stored("uploads/photo.jpg", await content());
    const refusal = expect(handle(stored)).rejects;
    await refusal.toMatchObject({ code: expect.stringMatching(/^(invalid|too-large)$/) });
    await expect(handle(stored)).rejects.toThrow(reason);
    await expect(handle(stored)).rejects.toThrow('thumbnails "uploads/photo.jpg"');
    expect(await rowOf(stored.key, "REFUSED")).toMatchObject({
      reason: expect.stringMatching(reason),
      version: stored.version,
    });
    expect([made(), await rowOf(stored.key)]).toEqual([[], undefined]);
    expect([...scanning.sent, ...labelling.sent]).toEqual([]);
  });

  test("a bomb is refused by its header: not one of its pixels is decoded", async () => {
    const { media, handle } = setup();
    const stored = await media.stored("uploads/photo.png", bomb(30_000, 30_000));
    const before = process.resourceUsage().maxRSS;
    await expect(handle(stored)).rejects.toMatchObject({ code: "invalid" });
    // Its 900 million pixels would take 900 MB; in kilobytes.
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(100_000);
  });

  test("too many bytes are refused by the event: nothing is read", async () => {
    const { media, handle } = setup();
    const event = { key: "uploads/a.jpg", bytes: limits.bytes + 1, etag: "e", version: "1" };
    await expect(handle(event)).rejects.toMatchObject({ code: "too-large" });
    expect(media.calls).toEqual([]);
  });
});

describe("delivered more than once, or late", () => {
  test("the same event has effect once", async () => {
    const { upload, handle, media, scanning, catalog } = setup();
    const { stored, row } = await upload(await flag(50, 50).png().toBuffer());
    const calls = media.calls.length;
    await handle(stored);
    expect(media.calls).toHaveLength(calls);
    expect(scanning.sent).toHaveLength(1);
    expect(catalog.names()).toHaveLength(1);
    expect(row?.version).toBe(stored.version);
  });

  test("a newer version wins, and neither overwrites the other's sizes", async () => {
    const { media, handle, upload, made, rowOf } = setup();
    const first = await upload(await flag(50, 50).png().toBuffer(), "uploads/a.png");
    const second = await upload(await flag(60, 60).png().toBuffer(), "uploads/a.png");
    await handle(first.stored);
    expect((await rowOf("uploads/a.png"))?.version).toBe(second.stored.version);
    expect(made()).toHaveLength(6);
    expect(media.objects.get(first.row?.sizes[0]?.key ?? "")).toBeDefined();
  });

  test("an event of an older content does nothing: the newer one's is on its way", async () => {
    const { media, handle, made, scanning, rowOf } = setup();
    const old = await media.stored("uploads/a.png", await flag(50, 50).png().toBuffer());
    await media.stored("uploads/a.png", await flag(60, 60).png().toBuffer());
    await handle(old);
    expect([made(), scanning.sent, await rowOf(old.key)]).toEqual([[], [], undefined]);
  });

  test("two deliveries at once leave one row", async () => {
    const { media, handle, catalog } = setup();
    const stored = await media.stored("uploads/a.png", await flag(50, 50).png().toBuffer());
    await Promise.all([handle(stored), handle(stored)]);
    expect(catalog.names()).toHaveLength(1);
  });

  test("an object that was removed meanwhile is done with", async () => {
    const { media, handle, catalog } = setup();
    const stored = await media.stored("uploads/a.png", await flag(50, 50).png().toBuffer());
    await media.delete(stored.key);
    await handle(stored);
    expect(catalog.names()).toEqual([]);
  });

  test.each(["processed/thumb/a.webp", "reports/a.jpg", "uploads/folder/"])(
    "%s is none of its business",
    async (key) => {
      const { media, handle, catalog } = setup();
      await handle({ key, bytes: 0, etag: "e", version: "1" });
      expect([media.calls, catalog.names()]).toEqual([[], []]);
    },
  );

  test.each(["get", "put"])(
    "where %s of the store fails, the failure is passed on",
    async (verb) => {
      const { media, handle, catalog } = setup();
      const stored = await media.stored("uploads/a.png", await flag(50, 50).png().toBuffer());
      media.fails.set(verb, "unavailable");
      await expect(handle(stored)).rejects.toMatchObject({ code: "unavailable" });
      expect(catalog.names()).toEqual([]);
      media.fails.clear();
      await handle(stored);
      expect(catalog.names()).toHaveLength(1);
    },
  );

  test("where the row cannot be written yet, everything is done again", async () => {
    const { media, catalog } = setup();
    const stored = await media.stored("uploads/a.png", await flag(50, 50).png().toBuffer());
    const scanning = queueFake("unavailable");
    const handle = create({ media, catalog, scanning, labelling: queueFake() });
    await expect(handle(stored, delivery)).rejects.toMatchObject({ code: "unavailable" });
    expect(catalog.names()).toEqual([]);
  });
});

describe("decisions", () => {
  const header = { format: "gif", width: 100, height: 100, frames: 2, orientation: 1 } as const;

  test.each([
    ["at the limit", { ...header, width: 25_000, height: 1_000 }, { animated: true }],
    ["a still", { ...header, frames: 1 }, { animated: false }],
    ["a format without animations", { ...header, format: "avif" as const }, { animated: false }],
  ])("decoded as it is: %s", (_, given, decoding) => {
    expect(decodingOf(given)).toEqual(decoding);
  });

  test.each([
    ["too many pixels", { ...header, width: 25_001, height: 1_000 }, /50002000 pixels/],
    ["too many frames", { ...header, frames: 1_001, width: 1, height: 1 }, /1001 frames/],
    ["turned", { ...header, orientation: 6 }, /on their side/],
  ])("its first frame: %s", (_, given, still) => {
    expect(decodingOf(given)).toEqual({ animated: false, still: expect.stringMatching(still) });
  });

  test.each([
    { ...header, width: 0 },
    { ...header, width: Number.NaN },
    { ...header, width: 50_000_001, height: 1 },
  ])("refused: %j", (given) => {
    expect(decodingOf(given)).toHaveProperty("refused");
  });

  test("HEIC is no AVIF, though its container is the same", () => {
    const brands = (text: string) => Buffer.from(`\0\0\0\x1cftyp${text}`, "latin1");
    expect(formatOf(brands("heic\0\0\0\0mif1heic"))).toBeUndefined();
    expect(formatOf(brands("avif\0\0\0\0mif1miaf"))).toBe("avif");
    expect(formatOf(brands("mif1\0\0\0\0mif1avif"))).toBe("avif");
  });

  test("keys of sizes fit into a store, and differ by content", () => {
    const long = `uploads/${"ä".repeat(508)}`;
    expect(Buffer.byteLength(keyOf("medium", long, "0".repeat(64)))).toBeLessThanOrEqual(1024);
    expect(keyOf("thumb", long, "1".repeat(64))).not.toBe(keyOf("thumb", long, "2".repeat(64)));
    expect(keyOf("thumb", "uploads/a", "1".repeat(64))).not.toBe(
      keyOf("thumb", "uploads/b", "1".repeat(64)),
    );
  });
});
