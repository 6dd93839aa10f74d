import { grantOf, type UrlSigning } from "../runtime/adapters/local/object-urls.ts";
import { Problem } from "../runtime/http/problem.ts";
import { isPortError, type ObjectStore } from "../runtime/ports/index.ts";
import { corsRules } from "./gateway/cors.ts";

/** Where signed URLs lead: `/_objects/<store>/…`. */
export const objectsPath = "/_objects";

/** A store whose URLs are answered here. */
export interface ServedStore {
  readonly store: Pick<ObjectStore, "get" | "put">;
  readonly key: UrlSigning["key"];
  /** Largest object that a form may bring, in bytes; more is not even read. */
  readonly maxBytes: number;
}

/** Fields and boundaries around a form's file, in bytes. */
const aroundFile = 65_536;
/** What is served came from clients: a browser shows it, and runs nothing of it. */
const headers = {
  "cache-control": "private, no-store",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  "cross-origin-resource-policy": "cross-origin",
  "x-content-type-options": "nosniff",
};
const denied = () =>
  new Problem("denied", {
    detail: "The signature does not fit, or its time is over; ask for a new one.",
    headers,
  }).toResponse();
const invalid = (detail: string) => new Problem("invalid", { detail, headers }).toResponse();
const tooLarge = () =>
  new Problem("too-large", { detail: "It is larger than was agreed.", headers }).toResponse();

/**
 * Answers signed URLs as S3 does: a form's file is stored by POST, an object is read by GET.
 * @param origins whose pages may do so beside the host's own: the edge's
 * @returns the answer, or undefined for a path that is not one of these
 */
export function objectRequests(
  stores: ReadonlyMap<string, ServedStore>,
  origins: readonly string[] = [],
) {
  const cors = corsRules({ origins, methods: ["GET", "HEAD", "POST"] });
  const answer = (served: ServedStore, name: string, rest: readonly string[], request: Request) => {
    if (request.method === "POST" && rest.join("/") === "") return upload(name, served, request);
    if (request.method === "GET" || request.method === "HEAD")
      return download(name, served, rest, request);
    return Promise.resolve(invalid("Send a form by POST, or GET a signed URL."));
  };
  return (path: string, request: Request): Promise<Response> | undefined => {
    const [, root, name = "", ...rest] = path.split("/");
    const served = stores.get(name);
    if (`/${root}` !== objectsPath || !served) return undefined;
    const origin = request.headers.get("origin") ?? undefined;
    if (request.method === "OPTIONS" && origin !== undefined)
      return Promise.resolve(new Response(null, { status: 204, headers: cors.preflight(origin) }));
    return answer(served, name, rest, request).then((response) => {
      for (const [header, value] of Object.entries(cors.headers(origin)))
        response.headers.set(header, value);
      return response;
    });
  };
}

async function upload(name: string, { store, key, maxBytes }: ServedStore, request: Request) {
  const body = await bounded(request, maxBytes + aroundFile);
  if (body === "too-large") return tooLarge();
  const form = await new Response(body, {
    headers: { "content-type": request.headers.get("content-type") ?? "" },
  })
    .formData()
    .catch(() => undefined);
  if (!form) return invalid("Send multipart/form-data, with the fields as given, then the file.");
  const text = (field: string) => {
    const value = form.get(field);
    return typeof value === "string" ? value : undefined;
  };
  const grant = await grantOf(name, key, "put", {
    policy: text("policy"),
    signature: text("signature"),
  });
  if (!grant || text("key") !== grant.key || text("Content-Type") !== grant.contentType)
    return denied();
  const file = form.get("file");
  if (!(file instanceof Blob)) return invalid('The form has no "file".');
  if (file.size > grant.maxBytes) return tooLarge();
  const { contentType } = grant;
  await store.put(grant.key, new Uint8Array(await file.arrayBuffer()), { contentType });
  return new Response(null, { status: 204, headers });
}

async function download(
  name: string,
  { store, key }: ServedStore,
  parts: readonly string[],
  request: Request,
) {
  const { searchParams } = new URL(request.url);
  const grant = await grantOf(name, key, "get", {
    policy: searchParams.get("policy"),
    signature: searchParams.get("signature"),
  });
  if (!grant || decoded(parts) !== grant.key) return denied();
  const object = await store.get(grant.key).catch((error: unknown) => {
    if (isPortError(error, "invalid")) return undefined;
    throw error;
  });
  if (!object)
    return new Problem("not-found", { detail: "There is no such object.", headers }).toResponse();
  const { fileName } = grant;
  return new Response(request.method === "HEAD" ? null : new Uint8Array(object.body), {
    headers: {
      ...headers,
      "content-type": object.contentType,
      "content-length": String(object.bytes),
      etag: `"${object.etag}"`,
      ...(fileName !== undefined && {
        "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(fileName.toWellFormed())}`,
      }),
    },
  });
}

function decoded(parts: readonly string[]): string | undefined {
  try {
    return parts.map(decodeURIComponent).join("/");
  } catch {
    return undefined;
  }
}

/** A body of at most so many bytes, whatever its header says. */
async function bounded(request: Request, most: number): Promise<Buffer | "too-large"> {
  if (Number(request.headers.get("content-length")) > most) return "too-large";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > most) return "too-large";
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
