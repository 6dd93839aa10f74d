import { crc32, deflateSync } from "node:zlib";
import sharp, { type Sharp } from "sharp";

/** Red on the left, green on the right; the upper half of each is darker. */
export function flag(width: number, height: number): Sharp {
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const at = (y * width + x) * 3;
      data[at + (x < width / 2 ? 0 : 1)] = y < height / 2 ? 120 : 240;
    }
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** Frames of one colour each, below one another. */
export function frames(width: number, height: number, count: number): Sharp {
  const size = width * height * 3;
  const data = Buffer.alloc(size * count);
  for (let frame = 0; frame < count; frame += 1)
    data.fill((frame * 37) % 256, frame * size, (frame + 1) * size);
  const raw = { width, height: height * count, channels: 3, pageHeight: height } as const;
  return sharp(data, { raw, pages: -1 });
}

/** What a camera writes: its make, and where it was. */
export const cameraExif = {
  IFD0: { Make: "SecretCam" },
  IFD3: { GPSLatitudeRef: "N", GPSLatitude: "52/1 31/1 0/1" },
};

/** A PNG of one colour that is small as a file and huge as pixels. */
export function bomb(width: number, height: number): Uint8Array {
  const chunk = (type: string, data: Uint8Array) => {
    const content = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.byteLength);
    sum.writeUInt32BE(crc32(content));
    return Buffer.concat([length, content, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1; // One bit a pixel, grey.
  const rows = deflateSync(Buffer.alloc((Math.ceil(width / 8) + 1) * height));
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", rows),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** The colour of a pixel, as red, green and blue. */
export async function colourAt(image: Uint8Array, x: number, y: number): Promise<number[]> {
  const { data, info } = await sharp(image).raw().toBuffer({ resolveWithObject: true });
  const at = (y * info.width + x) * info.channels;
  return [...data.subarray(at, at + 3)];
}
