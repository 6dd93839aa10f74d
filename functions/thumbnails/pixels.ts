import sharp, { type Sharp } from "sharp";
import { PortError } from "../../runtime/ports/index.ts";
import { type Decoding, decodingOf, formatOf, type Header, limits, sizes } from "./plan.ts";

// Hosts work on several images at once: more threads for each would only wait for each other.
sharp.concurrency(1);
// No image is decoded twice: what libvips remembers of one is of no use to the next.
sharp.cache(false);
// Whatever gets past the look at the first bytes meets no other decoder either.
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({
  operation: ["Jpeg", "Png", "Nsgif", "Webp", "Heif"].map((name) => `VipsForeignLoad${name}`),
});

/** An image, decoded to the largest size that is made of it. */
export interface Pixels {
  /** Of the original, upright; of one frame. */
  readonly header: Header;
  readonly decoding: Exclude<Decoding, { refused: string }>;
  /** One size of it as WebP, without metadata. */
  webp(edge: number): Promise<{ data: Uint8Array; width: number; height: number }>;
}

/** Largest of `sizes`: what the others are made of. */
const largest = Math.max(...Object.values(sizes));
const inside = (edge: number) =>
  ({ width: edge, height: edge, fit: "inside", withoutEnlargement: true }) as const;

/**
 * Decodes an image once. JPEGs are shrunk while they are decoded, so that a photo of 12 million
 * pixels never stands in memory as a whole.
 * @throws {PortError} `invalid` with the reason: no image, not whole, or over the limits
 */
export async function decode(body: Uint8Array): Promise<Pixels> {
  const format = formatOf(body);
  if (!format) throw refused("it is no JPEG, PNG, GIF, WebP or AVIF");
  // Reads the header only, so that what is too large is told by its size.
  const found = await content(sharp(body, { limitInputPixels: false }).metadata());
  const { width, height } = found.autoOrient;
  const { pages: frames = 1, orientation = 1, delay, loop } = found;
  const header: Header = { format, width, height, frames, orientation };
  const decoding = decodingOf(header);
  if ("refused" in decoding) throw refused(decoding.refused);

  const { animated } = decoding;
  const { data, info } = await content(
    sharp(body, { failOn: "error", limitInputPixels: limits.pixels, animated })
      .autoOrient()
      .resize(inside(largest))
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true }),
  );
  const { channels, pageHeight } = info;
  const raw = { width: info.width, height: info.height, channels, pageHeight };
  const opened = (): Sharp =>
    sharp(data, { raw, ...(pageHeight !== undefined && { pages: -1 }), limitInputPixels: false });
  const timing = animated ? { delay, loop } : {};

  return {
    header,
    decoding,
    async webp(edge) {
      const made = await opened()
        .resize(inside(edge))
        .webp({ quality: 85, ...timing })
        .toBuffer({ resolveWithObject: true });
      const { width, height, pageHeight = height } = made.info;
      return { data: made.data, width, height: pageHeight };
    },
  };
}

const refused = (reason: string, cause?: unknown) => new PortError("invalid", reason, { cause });

/** What a decoder says is the file's fault, but for what the host lacks: that is tried again. */
async function content<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const [said = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    if (/memory|allocat|timeout/i.test(said)) throw error;
    throw refused(`it is damaged or cut short (${said.slice(0, 200)})`, error);
  }
}
