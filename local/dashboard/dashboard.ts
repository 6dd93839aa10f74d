import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import path from "node:path";
import { type StateSources, sharedState, shown, stateReader } from "../state.ts";
import { refusalOf } from "./access.ts";
import { actions } from "./actions.ts";
import { letter, notAllowed, refused, security } from "./answers.ts";
import { getObject, putObject } from "./objects.ts";

/** Where the dashboard lives. */
export const dashboardPath = "/_spillway";

export interface DashboardOptions {
  /** The port that the host listens on. */
  readonly port: number;
  /** All that the page shows, and what may be done with it. */
  readonly sources: StateSources;
}

/**
 * The dashboard: a page for people, the same as JSON, and what may be done by hand.
 * @returns the answer to a request under {@link dashboardPath}
 */
export function dashboard({ port, sources }: DashboardOptions) {
  const files = pageFiles();
  const reader = stateReader(sources);
  const state = sharedState(reader.read);

  return async (asked: string, request: Request, incoming: IncomingMessage): Promise<Response> => {
    const refusal = refusalOf(
      {
        method: request.method,
        headers: incoming.headers,
        remoteAddress: incoming.socket.remoteAddress,
      },
      port,
    );
    if (refusal) return refused("denied", refusal);
    const rest = asked.slice(dashboardPath.length);
    if (rest === "")
      return new Response(null, { status: 308, headers: { location: `${dashboardPath}/` } });
    if (rest.startsWith("/api/")) return api(rest.slice("/api".length), request);
    if (!reads(request)) return notAllowed("GET, HEAD");
    const found = files.get(rest);
    if (!found) return refused("not-found", "The dashboard has no such page.");
    return new Response(found.body, { headers: { ...security, "content-type": found.type } });
  };

  async function api(rest: string, request: Request): Promise<Response> {
    for (const [form, act] of actions) {
      const parts = matched(form, rest);
      if (!parts) continue;
      if (request.method !== "POST") return notAllowed("POST");
      return act(sources, parts, request).finally(state.renew);
    }
    const [store, key] = matched(/^\/objects\/([^/]+)\/([^/]+)$/, rest) ?? [];
    if (store !== undefined && key !== undefined) return object(store, key, request);
    if (!reads(request)) return notAllowed("GET, HEAD");
    const [mail] = matched(/^\/mails\/([^/]+)\/html$/, rest) ?? [];
    if (mail !== undefined) return mailHtml(mail);
    if (rest === "/state") return stateJson(request);
    return refused("not-found", "The dashboard has no such address.");
  }

  async function stateJson(request: Request): Promise<Response> {
    const body = await state.text();
    const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    const headers = { ...security, etag };
    if (request.headers.get("if-none-match") === etag)
      return new Response(null, { status: 304, headers });
    return new Response(body, { headers: { ...headers, "content-type": "application/json" } });
  }

  async function object(name: string, key: string, request: Request): Promise<Response> {
    const source = sources.objects.get(name);
    if (!source) return refused("not-found", "There is no such object store.");
    if (reads(request)) return getObject(source, key, request);
    if (request.method !== "PUT") return notAllowed("GET, HEAD, PUT");
    return putObject(source, key, request).finally(() => {
      reader.objects.renew();
      state.renew();
    });
  }

  async function mailHtml(id: string): Promise<Response> {
    const mail = (await sources.mails(shown.mails)).find((one) => one.id === id);
    if (mail?.html === undefined) return refused("not-found", "There is no HTML of this mail.");
    // Links open in a tab of their own: what is on the other side may not replace the mail.
    const body = `<!doctype html><meta charset="utf-8"><base target="_blank">${mail.html}`;
    return new Response(body, {
      headers: { ...letter, "content-type": "text/html; charset=utf-8" },
    });
  }
}

const reads = ({ method }: Request): boolean => method === "GET" || method === "HEAD";

/** The groups of a path that has a form, decoded. */
const matched = (form: RegExp, rest: string): readonly string[] | undefined =>
  form.exec(rest)?.slice(1).map(decode);

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".css": "text/css",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
};

/** The page's own files by their addresses: these and no others. */
function pageFiles() {
  const folder = new URL("page/", import.meta.url);
  return new Map(
    readdirSync(folder).map((name) => [
      name === "index.html" ? "/" : `/${name}`,
      {
        body: readFileSync(new URL(name, folder), "utf8"),
        type: `${types[path.extname(name)]}; charset=utf-8`,
      },
    ]),
  );
}
