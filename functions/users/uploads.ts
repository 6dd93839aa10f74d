import { createHash } from "node:crypto";
import * as z from "zod/mini";
import type { JsonObject, ObjectStore } from "../../runtime/ports/index.ts";

/** The most that system.ts lets a client store at once, in bytes. */
const maxBytes = 20 * 1024 * 1024;
/** How long a form can be used, in seconds. */
export const formSeconds = 900;
/** How long links of an answer can be followed, in seconds. */
const linkSeconds = 3600;
const contentTypes = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"] as const;

/** What a client says of the file that it will upload. */
export const newUpload = z.strictObject({
  name: z.string().check(z.minLength(1), z.maxLength(255)),
  contentType: z.enum(contentTypes),
  bytes: z.int().check(z.minimum(1), z.maximum(maxBytes)),
});

/** An upload, as its row holds it. */
export const upload = z.object({
  id: z.string(),
  key: z.string(),
  owner: z.string(),
  contentType: z.string(),
  maxBytes: z.number(),
  expiresAt: z.string(),
  at: z.string(),
});
export type Upload = z.infer<typeof upload>;

// Controls, halves of pairs, line separators, marks that turn the direction of text around.
const unseen =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/gu;
const maxNameBytes = 200;

/**
 * A file's name as the last part of a key: of a path only its end, without what cannot be seen,
 * and at most 200 bytes of UTF-8. Its ending survives the cut.
 */
export function safeName(given: string): string {
  const last = given.replace(unseen, "").normalize("NFC").split(/[/\\]/).at(-1) ?? "";
  const name = last.trim().replace(/^\.+/, "").trim() || "image";
  if (Buffer.byteLength(name) <= maxNameBytes) return name;
  const [ending = ""] = /\.[A-Za-z0-9]{1,8}$/.exec(name) ?? [];
  let cut = "";
  for (const character of name) {
    if (Buffer.byteLength(cut + character + ending) > maxNameBytes) break;
    cut += character;
  }
  return cut + ending;
}

/** The key of an upload: nobody else's, and no other upload's. */
export function keyOf(owner: string, id: string, name: string): string {
  const folder = /^[\w-]{1,128}$/.test(owner)
    ? owner
    : createHash("sha256").update(owner).digest("hex");
  return `uploads/${folder}/${id}/${safeName(name)}`;
}

const version = z.string();
const imageRow = z.object({
  version,
  bytes: z.number(),
  width: z.number(),
  height: z.number(),
  contentType: z.string(),
  animated: z.optional(z.boolean()),
  still: z.optional(z.string()),
  sizes: z.array(
    z.object({
      name: z.string(),
      key: z.string(),
      width: z.number(),
      height: z.number(),
      bytes: z.number(),
    }),
  ),
});
const scanRow = z.object({ version, status: z.string(), reason: z.optional(z.string()) });
const refusedRow = z.object({ version, reason: z.string() });
const labelRow = z.object({ version, label: z.string() });

/** What is known of an upload's object. */
export interface Rows {
  readonly image?: JsonObject | undefined;
  readonly scan?: JsonObject | undefined;
  readonly refused?: JsonObject | undefined;
  readonly label?: JsonObject | undefined;
}

type Status =
  | { readonly status: "pending" | "processing" | "scanning" | "infected" }
  | { readonly status: "refused"; readonly reason: string }
  | { readonly status: "ready"; readonly image: z.infer<typeof imageRow> };

/**
 * How far an upload is. A form can be used again while it is valid: what counts is the newest
 * version, and only a scan of that very version makes it ready.
 */
export function statusOf(rows: Rows): Status {
  const image = rows.image && imageRow.parse(rows.image);
  const scan = rows.scan && scanRow.parse(rows.scan);
  const refused = rows.refused && refusedRow.parse(rows.refused);
  const isLatest = (row: { version: string }) =>
    [image, scan, refused].every((other) => !other || other.version <= row.version);
  if (scan && isLatest(scan) && scan.status === "infected") return { status: "infected" };
  if (scan && isLatest(scan) && scan.status === "unscanned")
    return { status: "refused", reason: scan.reason ?? "it could not be scanned" };
  if (image && isLatest(image))
    return scan?.version === image.version && scan.status === "clean"
      ? { status: "ready", image }
      : { status: "scanning" };
  if (refused && isLatest(refused)) return { status: "refused", reason: refused.reason };
  return { status: scan ? "processing" : "pending" };
}

/**
 * What a client is told of its upload. Links are in it once the scan found nothing; the original's
 * only once the form has expired, since until then another file could take its place behind the
 * link without having been scanned.
 */
export async function answerOf(
  { id, key, contentType, expiresAt }: Upload,
  rows: Rows,
  media: Pick<ObjectStore, "signGet">,
  now: Date,
): Promise<JsonObject> {
  const found = statusOf(rows);
  const about = { id, contentType, expiresAt };
  if (found.status !== "ready") return { ...about, ...found };
  const { width, height, bytes, sizes, animated, still, contentType: told } = found.image;
  const label = rows.label && labelRow.parse(rows.label);
  const link = (object: string) => media.signGet(object, { expiresSeconds: linkSeconds });
  return {
    ...about,
    status: "ready",
    contentType: told,
    width,
    height,
    bytes,
    ...(animated !== undefined && { animated }),
    ...(still !== undefined && { still }),
    ...(label?.version === found.image.version && { label: label.label }),
    sizes: await Promise.all(
      sizes.map(async ({ key: object, ...size }) => ({ ...size, url: await link(object) })),
    ),
    ...(expiresAt <= now.toISOString() && { original: { url: await link(key) } }),
    linksExpireAt: after(now, linkSeconds),
  };
}

export const after = (now: Date, seconds: number): string =>
  new Date(now.getTime() + seconds * 1000).toISOString();
