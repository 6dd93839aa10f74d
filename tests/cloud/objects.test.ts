import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { flag } from "../functions/images.ts";
import { Cloud } from "./cloud.ts";
import { settle } from "./sources.ts";

const keys = [
  "uploads/plain.jpg",
  "uploads/red+green flag 100%.jpg",
  "uploads/%2B is no plus.jpg",
  "uploads/Grüße/été – 写真 🏔.jpg",
];

describe("an upload to the bucket", () => {
  let cloud: Cloud;
  let photo: Buffer;
  beforeAll(async () => {
    photo = await flag(1600, 800).jpeg().toBuffer();
    cloud = await Cloud.start();
  });
  afterAll(() => cloud?.stop());

  const upload = (Key: string, Body: Uint8Array) =>
    cloud.clients.s3.send(new PutObjectCommand({ Bucket: cloud.bucket, Key, Body }));
  const metaOf = async (key: string) => (await cloud.documents(`IMAGE#${key}`)).META;
  const bodiesOf = async (logical: string) =>
    (await cloud.take(cloud.queue(logical))).map(({ body }) => JSON.parse(body));

  test("tries the queue out first, which is no work", async () => {
    const [batch, ...more] = await settle(cloud, "thumbnails");
    expect(more).toEqual([]);
    expect(JSON.parse(String(batch?.event.Records[0]?.body)).Event).toBe("s3:TestEvent");
    expect(batch?.answer).toEqual({ batchItemFailures: [] });
    expect(await cloud.deadLetters("thumbnails")).toEqual([]);
  });

  test("becomes three sizes, a row and work for others, whatever its key is", async () => {
    for (const key of keys) await upload(key, photo);
    for (const { answer } of await settle(cloud, "thumbnails"))
      expect(answer).toEqual({ batchItemFailures: [] });

    for (const key of keys) {
      const row = await metaOf(key);
      expect(row).toMatchObject({ key, bytes: photo.byteLength, width: 1600, height: 800 });
      const sizes = row?.sizes as { key: string; width: number; bytes: number }[];
      expect(sizes.map(({ width }) => width).sort((a, b) => a - b)).toEqual([150, 600, 1200]);
      for (const { key: Key, width, bytes } of sizes) {
        const command = new GetObjectCommand({ Bucket: cloud.bucket, Key });
        const { Body, ContentType } = await cloud.clients.s3.send(command);
        const body = (await Body?.transformToByteArray()) ?? new Uint8Array();
        expect([ContentType, body.byteLength]).toEqual(["image/webp", bytes]);
        expect(await sharp(body).metadata()).toMatchObject({ format: "webp", width });
      }
    }
    for (const next of ["stores-scanning", "stores-labelling"])
      expect((await bodiesOf(next)).map(({ key }) => key).sort()).toEqual([...keys].sort());
    // What it stores itself starts nothing.
    expect(await settle(cloud, "thumbnails")).toEqual([]);
  });

  test("counts by its newest version, in whatever order it is told", async () => {
    const key = "uploads/twice.jpg";
    await upload(key, await flag(300, 300).jpeg().toBuffer());
    const older = (await settle(cloud, "thumbnails"))[0]?.event;
    await upload(key, await flag(400, 200).png().toBuffer());
    await settle(cloud, "thumbnails");
    expect(await cloud.invoke("thumbnails", older)).toEqual({ batchItemFailures: [] });
    expect(await metaOf(key)).toMatchObject({ width: 400, height: 200, contentType: "image/png" });
  });

  test("that is cut short is set aside at once, with the reason, beside one that is whole", async () => {
    const [cut, whole] = ["uploads/cut.jpg", "uploads/beside.jpg"];
    await upload(cut, photo.subarray(0, photo.byteLength / 2));
    await upload(whole, photo);
    const batches = await settle(cloud, "thumbnails");
    // Each was delivered once.
    expect(batches.flatMap(({ event }) => event.Records)).toHaveLength(2);
    expect(await metaOf(whole)).toMatchObject({ width: 1600 });
    expect(await metaOf(cut)).toBeUndefined();
    const letters = await cloud.deadLetters("thumbnails");
    expect(letters.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^thumbnails "uploads\/cut\.jpg": it is damaged or cut short/),
    ]);
    expect(JSON.parse(letters[0]?.body ?? "").Records[0].s3.object.key).toContain("cut.jpg");
  });
});
