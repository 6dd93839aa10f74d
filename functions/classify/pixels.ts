import sharp from "sharp";
import { PortError } from "../../runtime/ports/index.ts";

// Hosts work on several images at once: more threads for each would only wait for each other.
sharp.concurrency(1);
sharp.cache(false);
// Only what thumbnails makes is read here.
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({ operation: ["VipsForeignLoadWebp"] });

/**
 * A small image as the model takes it: a square of `edge` pixels, a plane each of red, green and
 * blue, from 0 to 1. An animation counts by its first frame, what is transparent as white.
 * @throws {PortError} `invalid` for what is no WebP, or is damaged
 */
export async function planesOf(webp: Uint8Array, edge: number): Promise<Float32Array> {
  const pixels = await sharp(webp, { failOn: "error", limitInputPixels: 1_000_000 })
    .flatten({ background: "white" })
    .resize(edge, edge, { fit: "fill" })
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer()
    .catch((cause) => {
      throw new PortError("invalid", "it is no whole WebP", { cause });
    });
  const size = edge * edge;
  return Float32Array.from(
    { length: 3 * size },
    (_, at) => (pixels[(at % size) * 3 + Math.floor(at / size)] as number) / 255,
  );
}
