import type { Folder } from "../../spec/index.ts";
import { bodyOf, json, refused, refusedBy, stored } from "./answers.ts";
import { acceptsUploads, type ObjectSource, pictureType } from "./listing.ts";

/** Largest upload into a folder that names no limit, in bytes. */
const mostBytes = 100 * 1024 * 1024;

/** Shows a picture in place; everything else is saved as a file. */
export async function getObject(
  { store }: ObjectSource,
  key: string,
  request: Request,
): Promise<Response> {
  const object = await store.get(key).catch(refusedBy);
  if (object instanceof Response) return object;
  if (!object) return refused("not-found", "There is no such object.");
  const etag = `"${object.etag}"`;
  const headers = { ...stored, etag };
  if (request.headers.get("if-none-match") === etag)
    return new Response(null, { status: 304, headers });
  const picture = pictureType(object.contentType);
  const name = encodeURIComponent(key.slice(key.lastIndexOf("/") + 1).toWellFormed());
  return new Response(request.method === "HEAD" ? null : new Uint8Array(object.body), {
    headers: {
      ...headers,
      "content-type": picture ?? "application/octet-stream",
      ...(!picture && { "content-disposition": `attachment; filename*=UTF-8''${name}` }),
    },
  });
}

/** Stores an upload in a folder that takes it, as a client with a signed URL would. */
export async function putObject(
  { store, folders }: ObjectSource,
  key: string,
  request: Request,
): Promise<Response> {
  const folder = Object.values(folders).find(
    (one) => acceptsUploads(one) && key.startsWith(one.prefix) && key !== one.prefix,
  );
  if (!folder) return refused("denied", "No folder takes uploads under this key.");
  const contentType = request.headers.get("content-type") ?? "application/octet-stream";
  if (!accepts(folder, contentType))
    return refused(
      "invalid",
      `It is of type ${contentType}; the folder takes ${folder.contentTypes?.join(", ")}.`,
    );
  const most = folder.maxBytes ?? mostBytes;
  const body = await bodyOf(request, most);
  if (!body) return refused("too-large", `It is larger than ${most} bytes.`);
  const fault = await store.put(key, body, { contentType }).catch(refusedBy);
  return fault ?? json(201, { key, bytes: body.byteLength });
}

/** Whether a folder takes a media type; `image/*` stands for all of one kind. */
export function accepts({ contentTypes }: Folder, contentType: string): boolean {
  const type = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
  return (
    contentTypes === undefined ||
    contentTypes.some((one) => {
      const wanted = one.toLowerCase();
      return (
        wanted === "*/*" ||
        wanted === type ||
        (wanted.endsWith("/*") && type.startsWith(wanted.slice(0, -1)))
      );
    })
  );
}
