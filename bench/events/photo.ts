import sharp from "sharp";

/** 12 million pixels, as phones take them. */
const size = { width: 4000, height: 3000 };

/** Noise: `sigma` is how far it goes to either side of grey. */
const noise = (width: number, height: number, sigma: number) =>
  sharp({
    create: {
      width,
      height,
      channels: 3,
      background: "#000",
      noise: { type: "gaussian", mean: 128, sigma },
    },
  });

/**
 * A JPEG of 4,000 x 3,000 pixels that takes as long to decode and to encode as a photo does: large
 * shapes and their edges under the grain of a sensor. The same one for all that are compared.
 */
export async function photo(): Promise<Buffer> {
  const shapes = await noise(100, 75, 90).png().toBuffer();
  const grain = await noise(500, 375, 30).resize(1000, 750).png().toBuffer();
  return sharp(shapes)
    .resize({ ...size, fit: "fill", kernel: "cubic" })
    .composite([{ input: grain, tile: true, blend: "soft-light" }])
    .jpeg({ quality: 90 })
    .toBuffer();
}
