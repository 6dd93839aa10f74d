import { createHash } from "node:crypto";

/** Longest edge of each size that is made, in pixels. */
export const sizes = { thumb: 150, medium: 600, large: 1200 } as const;
export type SizeName = keyof typeof sizes;

/**
 * The most that is read, as system.ts allows for uploads; pixels count over all frames. 50 million
 * are 200 MB of RGBA at the worst: a fifth of the function's memory.
 */
export const limits = { bytes: 20 * 1024 * 1024, pixels: 50_000_000, frames: 1_000 } as const;

const formats = {
  jpeg: "image/jpeg",
  png: "image/png",
  gif: "image/gif",
  webp: "image/webp",
  avif: "image/avif",
} as const;
export type Format = keyof typeof formats;

export const contentTypeOf = (format: Format): string => formats[format];

const ascii = (body: Uint8Array, from: number, to: number): string =>
  Buffer.from(body.subarray(from, to)).toString("latin1");

/**
 * What the first bytes say that it is, whatever its name and its declared type say. Decoders see
 * nothing that is not on the list.
 */
export function formatOf(body: Uint8Array): Format | undefined {
  if (ascii(body, 0, 3) === "\xff\xd8\xff") return "jpeg";
  if (ascii(body, 0, 8) === "\x89PNG\r\n\x1a\n") return "png";
  if (/^GIF8[79]a$/.test(ascii(body, 0, 6))) return "gif";
  if (ascii(body, 0, 4) === "RIFF" && ascii(body, 8, 12) === "WEBP") return "webp";
  // ISO base media: the brands follow the word "ftyp", four characters each.
  if (ascii(body, 4, 8) === "ftyp" && /^(?:.{4})*?avi[fs]/s.test(ascii(body, 8, 64))) return "avif";
  return undefined;
}

/** What a header tells of an image; height and pixels of one frame. */
export interface Header {
  readonly format: Format;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** EXIF: 1 to 8; from 5 on it lies on its side. */
  readonly orientation: number;
}

/** How an image is decoded, or why it is not. */
export type Decoding =
  | { readonly refused: string }
  | { readonly animated: boolean; readonly still?: string };

/**
 * Decides by the header alone, before a pixel is decoded. An animation stays one where all its
 * frames are within the limits; else it is its first frame, and `still` says why.
 */
export function decodingOf({ format, width, height, frames, orientation }: Header): Decoding {
  const pixels = width * height;
  if (!(pixels > 0)) return { refused: "it has no pixels" };
  if (pixels > limits.pixels)
    return { refused: `it has ${width} x ${height} pixels; at most ${limits.pixels} are decoded` };
  if (frames <= 1 || (format !== "gif" && format !== "webp")) return { animated: false };
  const still = stillBecause();
  return still === undefined ? { animated: true } : { animated: false, still };

  function stillBecause(): string | undefined {
    if (frames > limits.frames) return `it has ${frames} frames; at most ${limits.frames} are kept`;
    if (pixels * frames > limits.pixels)
      return `its ${frames} frames have ${pixels * frames} pixels; at most ${limits.pixels} are decoded`;
    if (orientation >= 5) return "its frames lie on their side; animations are not turned";
    return undefined;
  }
}

export const uploads = "uploads/";
const processed = "processed/";
/** The longest key of an object store, in bytes of UTF-8. */
const maxKeyBytes = 1024;

/**
 * Where a size of an image lies: one key for each content, so that versions never overwrite each
 * other and the same version always gives the same key. A name that is too long becomes its hash.
 * @param key of the original, below `uploads/`
 * @param hash of its content, in hexadecimal
 */
export function keyOf(size: SizeName, key: string, hash: string): string {
  const name = (stem: string) => `${processed}${size}/${stem}.${hash.slice(0, 32)}.webp`;
  const stem = key.slice(uploads.length);
  return Buffer.byteLength(name(stem)) <= maxKeyBytes
    ? name(stem)
    : name(createHash("sha256").update(stem).digest("hex"));
}
