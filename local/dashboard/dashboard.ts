import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Problem, type ProblemCode } from "../../runtime/http/problem.ts";
import { isPortError, type QueueAdmin } from "../../runtime/ports/index.ts";
import type { SharedState } from "../state.ts";
import { refusalOf } from "./access.ts";

/** Where the dashboard lives. */
export const dashboardPath = "/_spillway";

export interface DashboardOptions {
  /** The port that the host listens on. */
  readonly port: number;
  /** All that the page shows. */
  readonly state: SharedState;
  readonly queues: ReadonlyMap<string, QueueAdmin>;
}

/** Own files only, no inline code, no frames: what a document holds cannot become a script. */
const security = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

const refused = (code: ProblemCode, detail: string) =>
  new Problem(code, { detail, headers: security }).toResponse();

const notAllowed = (allow: string) =>
  new Problem("invalid", {
    status: 405,
    detail: `Send it as ${allow}.`,
    headers: { ...security, allow },
  }).toResponse();

const types = { html: "text/html", css: "text/css", js: "text/javascript", svg: "image/svg+xml" };
const file = (name: string, type: keyof typeof types) => ({
  body: readFileSync(new URL(name, import.meta.url), "utf8"),
  type: `${types[type]}; charset=utf-8`,
});

const action = /^\/api\/queues\/([^/]+)\/dead-letters\/([^/]+)\/(redrive|discard)$/;

/**
 * The dashboard: a page for people, the same as JSON, and what may be done with dead letters.
 * @returns the answer to a request under {@link dashboardPath}
 */
export function dashboard(options: DashboardOptions) {
  const files = new Map([
    ["/", file("page.html", "html")],
    ["/page.css", file("page.css", "css")],
    ["/page.js", file("page.js", "js")],
    ["/icon.svg", file("icon.svg", "svg")],
  ]);

  return async (path: string, request: Request, incoming: IncomingMessage): Promise<Response> => {
    const refusal = refusalOf(
      {
        method: request.method,
        headers: incoming.headers,
        remoteAddress: incoming.socket.remoteAddress,
      },
      options.port,
    );
    if (refusal) return refused("denied", refusal);
    const rest = path.slice(dashboardPath.length);
    if (rest === "")
      return new Response(null, { status: 308, headers: { location: `${dashboardPath}/` } });
    const match = action.exec(rest);
    if (match) return act(request, match);
    if (request.method !== "GET" && request.method !== "HEAD") return notAllowed("GET, HEAD");
    if (rest === "/api/state") return state(request);
    const found = files.get(rest);
    if (!found) return refused("not-found", "The dashboard has no such page.");
    return new Response(found.body, { headers: { ...security, "content-type": found.type } });
  };

  async function state(request: Request): Promise<Response> {
    const body = await options.state.text();
    const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    const headers = { ...security, etag };
    if (request.headers.get("if-none-match") === etag)
      return new Response(null, { status: 304, headers });
    return new Response(body, { headers: { ...headers, "content-type": "application/json" } });
  }

  async function act(request: Request, match: RegExpExecArray): Promise<Response> {
    if (request.method !== "POST") return notAllowed("POST");
    const [, name = "", id = "", verb] = match.map(decode);
    const queue = options.queues.get(name);
    if (!queue) return refused("not-found", "There is no such queue.");
    try {
      await (verb === "redrive" ? queue.redrive(id) : queue.discard(id));
    } catch (error) {
      if (isPortError(error, "not-found"))
        return refused("not-found", "This dead letter is gone already.");
      throw error;
    } finally {
      options.state.renew();
    }
    return new Response(null, { status: 204, headers: security });
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
