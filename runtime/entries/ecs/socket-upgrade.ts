import type { IncomingMessage } from "node:http";
import type { Verify } from "../../http/guard.ts";
import { Problem, unauthorized } from "../../http/problem.ts";
import { type Claims, isPortError } from "../../ports/index.ts";

/** What a host knows of a socket workload, from its declaration. */
export interface UpgradeOptions {
  /** Where sockets are opened; anything else is 404. */
  readonly path: string;
  /** Default: "jwt" */
  readonly auth?: "jwt" | "none";
  /** Needed with auth "jwt". */
  readonly verify?: Verify;
  /**
   * Pages that may open sockets, such as "https://shop.example"; "*" is all. A page of the host
   * itself may, and clients that are no browsers do not say. Default: all
   */
  readonly origins?: readonly string[];
}

/** The subprotocol that is spoken, offered by browsers beside the token's. */
export const socketProtocol = "spillway.v1";
const tokenPrefix = "bearer.";

/**
 * Checks that a request asks for a web socket, here, from a page that may.
 * @throws {Problem} 404, 426, 403
 */
export function checkUpgrade({ method, url, headers }: IncomingMessage, options: UpgradeOptions) {
  if (url?.split("?", 1)[0] !== options.path) throw new Problem("not-found");
  if (method !== "GET" || headers.upgrade?.toLowerCase() !== "websocket") throw upgradeNeeded();
  const { origin, host } = headers;
  const { origins = ["*"] } = options;
  if (origin === undefined || origins.includes("*") || origins.includes(origin)) return;
  if (URL.canParse(origin) && new URL(origin).host === host) return;
  throw new Problem("denied", { detail: "This page may not open sockets here." });
}

export const upgradeNeeded = () =>
  new Problem("invalid", {
    status: 426,
    detail: "Web sockets are opened here.",
    headers: { upgrade: "websocket", connection: "Upgrade, close" },
  });

/** The subprotocols of a request, in its order. */
const offered = ({ headers }: IncomingMessage): readonly string[] =>
  (headers["sec-websocket-protocol"] ?? "").split(",").flatMap((one) => one.trim() || []);

/**
 * Who asks: by the Authorization header, or, since browsers cannot set one, by a subprotocol
 * `bearer.<token>` beside {@link socketProtocol}. Never by the query, which is logged on its way.
 * @throws {Problem} 401, 503; 400 for a token with nothing beside it that could be agreed on
 */
export async function claimsOfUpgrade(
  request: IncomingMessage,
  { auth = "jwt", verify }: UpgradeOptions,
): Promise<Claims | undefined> {
  const protocols = offered(request);
  if (protocols.length > 0 && !protocols.includes(socketProtocol))
    throw new Problem("invalid", { detail: `Offer the subprotocol ${socketProtocol}.` });
  if (auth === "none" || !verify) return undefined;
  const inProtocols = protocols.find((one) => one.startsWith(tokenPrefix));
  const token =
    /^bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1] ??
    inProtocols?.slice(tokenPrefix.length);
  if (!token) throw unauthorized("A valid access token is needed.");
  try {
    return verify.known?.(token) ?? (await verify(token));
  } catch (error) {
    if (!isPortError(error, "denied")) throw error;
    throw unauthorized("The access token is not valid.", "invalid_token", error);
  }
}

/**
 * The client's address.
 * @param proxies that stand in front, each of which adds to X-Forwarded-For the address that it saw
 */
export function addressOf({ headers, socket }: IncomingMessage, proxies: number) {
  const seen = String(headers["x-forwarded-for"] ?? "")
    .split(",")
    .flatMap((one) => one.trim() || []);
  return (proxies > 0 ? seen.at(-proxies) : undefined) ?? socket.remoteAddress;
}
