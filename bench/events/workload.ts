import { createHash } from "node:crypto";
import { create } from "../../functions/thumbnails/index.ts";
import type { ObjectStored, StoredObject } from "../../runtime/ports/index.ts";

/** An upload, and the event that tells of it. */
export interface StoredPhoto {
  readonly event: ObjectStored;
  readonly object: StoredObject;
}

export function storedPhoto(body: Uint8Array): StoredPhoto {
  const key = "uploads/photo.jpg";
  const etag = createHash("sha256").update(body).digest("hex");
  const { byteLength: bytes } = body;
  const object = { key, body, bytes, etag, contentType: "image/jpeg", modified: new Date() };
  return { event: { key, bytes, etag, version: "1" }, object };
}

/**
 * Has the workload work on an upload as a host would, with ports in memory: what it costs by itself.
 * @returns the sizes that it stored
 * @throws {Error} where it did not do all that it should
 */
export async function sizesOf({ object, event }: StoredPhoto): Promise<readonly Uint8Array[]> {
  const made: Uint8Array[] = [];
  let rows = 0;
  const handler = create({
    media: {
      get: async () => object,
      put: async (_, body) => void made.push(body as Uint8Array),
    },
    catalog: {
      get: async () => undefined,
      put: async () => void rows++,
    },
    scanning: { send: async () => ({ id: "1" }) },
    labelling: { send: async () => ({ id: "1" }) },
  });
  await handler(event, { id: "1", receives: 1 });
  if (made.length !== 3 || rows !== 1)
    throw new Error(`bench: the photo gave ${made.length} sizes and ${rows} rows`);
  return made;
}
