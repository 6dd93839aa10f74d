import { Problem, type ProblemCode } from "../../runtime/http/problem.ts";
import { isPortError } from "../../runtime/ports/index.ts";

const policy = (directives: Readonly<Record<string, string>>): string =>
  Object.entries(directives)
    .map(([name, value]) => `${name} ${value}`.trim())
    .join("; ");

const common = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

/** Of the page and its API. Own files only, no inline code: what a document holds cannot become a script. */
export const security = {
  ...common,
  "content-security-policy": policy({
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "frame-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
  }),
  "x-frame-options": "DENY",
  "cache-control": "no-store",
};

/** Of what strangers stored: a browser shows it or saves it, and runs nothing of it. */
export const stored = {
  ...common,
  "content-security-policy": policy({
    "default-src": "'none'",
    sandbox: "",
    "frame-ancestors": "'none'",
  }),
  "x-frame-options": "DENY",
  "cache-control": "private, no-cache",
};

/**
 * Of a mail's HTML, in a frame of the page: styles and inlined pictures, no script, nothing from
 * elsewhere. A click on a link opens it in a tab of its own.
 */
export const letter = {
  ...common,
  "content-security-policy": policy({
    "default-src": "'none'",
    "style-src": "'unsafe-inline'",
    "img-src": "data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'self'",
    sandbox: "allow-popups allow-popups-to-escape-sandbox",
  }),
  "x-frame-options": "SAMEORIGIN",
  "cache-control": "no-store",
};

export const refused = (code: ProblemCode, detail: string): Response =>
  new Problem(code, { detail, headers: security }).toResponse();

export const notAllowed = (allow: string): Response =>
  new Problem("invalid", {
    status: 405,
    detail: `Send it as ${allow}.`,
    headers: { ...security, allow },
  }).toResponse();

export const json = (status: number, body: object): Response =>
  new Response(JSON.stringify(body), {
    status,
    headers: { ...security, "content-type": "application/json" },
  });

/** The answer to a port's error: who works on this machine may read all of it. */
export function refusedBy(error: unknown): Response {
  if (isPortError(error)) return refused(error.code, error.message);
  throw error;
}

/**
 * A body of at most so many bytes, whatever its header says.
 * @returns undefined where it is larger
 */
export async function bodyOf(request: Request, most: number): Promise<Buffer | undefined> {
  if (Number(request.headers.get("content-length")) > most) return undefined;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > most) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
