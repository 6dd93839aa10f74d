import { subtle } from "node:crypto";
import {
  isPortError,
  type JsonObject,
  type ObjectHandler,
  type ObjectStored,
  PortError,
} from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";
import { decode, type Pixels } from "./pixels.ts";
import { contentTypeOf, keyOf, limits, type SizeName, sizes, uploads } from "./plan.ts";

/**
 * Makes three sizes of each image below `uploads/`, writes its row, and sends it on to be scanned
 * and labelled. The row comes last: once it is there, everything else was done. What no retry can
 * help is noted in the catalog, for whoever waits for it, and goes to the dead letters.
 */
export const create =
  ({ media, catalog, scanning, labelling }: PortsOf<"thumbnails">): ObjectHandler =>
  async (stored) => {
    const { key, etag, version } = stored;
    // Its own output, and the empty objects that consoles make for folders.
    if (!key.startsWith(uploads) || (key.endsWith("/") && stored.bytes === 0)) return;
    const row = { pk: `IMAGE#${key}`, sk: "META" };
    const known = await catalog.get(row);
    if (typeof known?.version === "string" && known.version >= version) return;

    try {
      checkBytes(stored.bytes);
      const original = await media.get(key);
      // Removed meanwhile, or replaced: then an event for the newer one is on its way.
      if (original?.etag !== etag) return;
      checkBytes(original.bytes);
      const [image, hash] = await Promise.all([decode(original.body), sha256(original.body)]);
      const made = await Promise.all(
        Object.entries(sizes).map(async ([name, edge]) => {
          const size = keyOf(name as SizeName, key, hash);
          const { data, width, height } = await image.webp(edge);
          await media.put(size, data, { contentType: "image/webp" });
          return { name, key: size, width, height, bytes: data.byteLength };
        }),
      );
      const next = { key, etag, version };
      const small = keyOf("thumb", key, hash);
      await Promise.all([scanning.send(next), labelling.send({ ...next, small })]);
      const document = documentOf(stored, original.bytes, hash, image, made);
      await unlessNewer(catalog.put(row, document, { ifNewer: "version" }));
    } catch (error) {
      if (!isPortError(error, "invalid") && !isPortError(error, "too-large")) throw error;
      // What the decoder said, in brackets, is for operators.
      const reason = error.message.replace(/ \(.*\)$/s, "");
      const at = new Date().toISOString();
      const refusal = { reason, etag, version, at };
      await unlessNewer(catalog.put({ ...row, sk: "REFUSED" }, refusal, { ifNewer: "version" }));
      throw new PortError(
        error.code,
        `thumbnails ${JSON.stringify(key)}: ${error.message}; upload another file`,
        { cause: error },
      );
    }
  };

/** Beside the decoder, on another thread: 20 MB would hold up everything else. */
const sha256 = async (body: Uint8Array): Promise<string> =>
  Buffer.from(await subtle.digest("SHA-256", body as Uint8Array<ArrayBuffer>)).toString("hex");

function checkBytes(bytes: number): void {
  if (bytes > limits.bytes)
    throw new PortError("too-large", `it has ${bytes} bytes; at most ${limits.bytes} are read`);
}

function documentOf(
  { key, version }: ObjectStored,
  bytes: number,
  hash: string,
  { header, decoding }: Pixels,
  made: readonly JsonObject[],
): JsonObject {
  const { width, height, format, frames } = header;
  return {
    key,
    name: key.slice(key.lastIndexOf("/") + 1),
    bytes,
    width,
    height,
    hash,
    contentType: contentTypeOf(format),
    sizes: made,
    ...(decoding.animated && { animated: true }),
    ...(decoding.still !== undefined && { animated: false, frames, still: decoding.still }),
    version,
    at: new Date().toISOString(),
  };
}

/** A row of a newer version stands: this one has nothing to add. */
async function unlessNewer(put: Promise<void>): Promise<void> {
  await put.catch((error) => {
    if (!isPortError(error, "conflict")) throw error;
  });
}
