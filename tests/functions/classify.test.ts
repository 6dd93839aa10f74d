import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { batched } from "../../functions/classify/batches.ts";
import { openClassifier, providersOf } from "../../functions/classify/classifier.ts";
import { create } from "../../functions/classify/index.ts";
import { draw, edge, labels } from "../../functions/classify/model/drawings.ts";
import { make } from "../../functions/classify/model/make.ts";
import { planesOf } from "../../functions/classify/pixels.ts";
import type { Json } from "../../runtime/ports/index.ts";
import { memoryTable, messageOf } from "./fakes.ts";
import { memoryObjects } from "./object-fakes.ts";

/** The model's own drawings begin with seed 1: these it has never seen. */
const unseen = 100_000;
const small = "sizes/abc/thumb.webp";

/** A drawing as thumbnails would make it: a WebP of 150 pixels. */
async function webp(label: (typeof labels)[number], seed: number): Promise<Uint8Array> {
  const planes = draw(label, seed);
  const size = edge * edge;
  const pixels = Uint8Array.from({ length: 3 * size }, (_, at) =>
    Math.round((planes[(at % 3) * size + Math.floor(at / 3)] as number) * 255),
  );
  const raw = { width: edge, height: edge, channels: 3 } as const;
  return sharp(pixels, { raw }).resize(150).webp({ quality: 85 }).toBuffer();
}

async function setup() {
  const [media, catalog] = [memoryObjects(), memoryTable()];
  const handle = await create({ media, catalog });
  const next = { key: "uploads/a.jpg", etag: "e1", version: "0000000002", small };
  return {
    media,
    next,
    handle: (body: Json) => handle(messageOf(body)),
    row: () => catalog.at("IMAGE#uploads/a.jpg / LABEL"),
  };
}

describe("an image that was made smaller", () => {
  test("has its kind in the catalog, with the model that said so", async () => {
    const { handle, media, next, row } = await setup();
    await media.put(small, await webp("text", unseen));
    await handle(next);
    expect(row()).toEqual({
      label: "text",
      confidence: expect.any(Number),
      model: expect.stringMatching(/^[\da-f]{12}$/),
      etag: "e1",
      version: "0000000002",
      at: expect.any(String),
    });
  });

  test("and removed meanwhile is done with", async () => {
    const { handle, next, row } = await setup();
    await handle(next);
    expect(row()).toBeUndefined();
  });

  test("twice in the queue is noted once, and never over a newer version", async () => {
    const { handle, media, next, row } = await setup();
    await media.put(small, await webp("photo", unseen));
    await handle(next);
    const noted = row();
    await handle(next);
    await handle({ ...next, version: "0000000001", etag: "old" });
    expect(row()).toEqual(noted);
  });

  test.each([
    ["no WebP", Buffer.from("GIF89a")],
    ["cut short", Buffer.from("RIFF\x10\0\0\0WEBPVP8 ", "latin1")],
  ])("that is %s is set aside at once", async (_, content) => {
    const { handle, media, next } = await setup();
    await media.put(small, content);
    await expect(handle(next)).rejects.toMatchObject({ code: "invalid" });
  });

  test.each([null, {}, { key: "uploads/a.jpg" }, { key: 1, small: [] }] as Json[])(
    "is not looked for where the message says %j",
    async (body) => {
      const { handle } = await setup();
      await expect(handle(body)).rejects.toMatchObject({
        code: "invalid",
        message: expect.stringContaining("discard the message"),
      });
    },
  );

  test("that is transparent counts as on white paper", async () => {
    const clear = { width: 8, height: 8, channels: 4, background: "#00000000" } as const;
    const planes = await planesOf(await sharp({ create: clear }).webp().toBuffer(), 4);
    expect([...planes]).toEqual(Array(3 * 4 * 4).fill(1));
  });
});

describe("the model", () => {
  test("tells kinds apart that it has not seen, through the same file as thumbnails makes", async () => {
    const classify = await openClassifier({});
    const each = 25;
    const right = await Promise.all(
      labels.flatMap((label) =>
        Array.from({ length: each }, async (_, n) => {
          const planes = await planesOf(await webp(label, unseen + n), edge);
          return (await classify(planes)).label === label;
        }),
      ),
    );
    expect(right.filter(Boolean).length).toBeGreaterThanOrEqual(labels.length * each * 0.9);
  });

  test("is the same whenever it is made", async () => {
    expect(Buffer.compare(await make(1, 3), await make(1, 3))).toBe(0);
    expect(Buffer.compare(await make(1, 3), await make(2, 3))).not.toBe(0);
  });

  test("runs on the GPUs that the container was given, else on the CPU", () => {
    expect(providersOf({})).toEqual(["cpu"]);
    expect(providersOf({ NVIDIA_VISIBLE_DEVICES: "void" })).toEqual(["cpu"]);
    expect(providersOf({ NVIDIA_VISIBLE_DEVICES: "GPU-1234" })).toEqual(["cuda"]);
  });

  test("does not fall back to the CPU unnoticed", async () => {
    await expect(openClassifier({ NVIDIA_VISIBLE_DEVICES: "GPU-1234" })).rejects.toThrow(
      "does not run on cuda; see the image's CUDA libraries",
    );
  });
});

describe("what comes within a moment", () => {
  const echo = () => {
    const batches: number[][] = [];
    const double = batched<number, number>({
      most: 3,
      waitMs: 1,
      work: async (items) => {
        batches.push([...items]);
        if (items.includes(13)) throw new Error("no 13");
        return items.map((item) => item * 2);
      },
    });
    return { batches, double };
  };

  test("is worked on together, up to the most of a batch, each with its own result", async () => {
    const { batches, double } = echo();
    expect(await Promise.all([1, 2, 3, 4].map(double))).toEqual([2, 4, 6, 8]);
    expect(batches).toEqual([[1, 2, 3], [4]]);
  });

  test("and fails, fails together, and those after it do not", async () => {
    const { double } = echo();
    const results = await Promise.allSettled([1, 13, 3, 4].map(double));
    expect(results.map(({ status }) => status)).toEqual([
      "rejected",
      "rejected",
      "rejected",
      "fulfilled",
    ]);
  });
});
