import type { IncomingHttpHeaders } from "node:http";

/** What decides whether a request may see the dashboard. */
export interface Asked {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly remoteAddress?: string;
}

/**
 * Why a request may not see the dashboard, or `undefined`. Only this machine may, under a name of
 * loopback (a foreign Host is DNS rebinding) and from the dashboard's own pages: a foreign Origin or
 * fetch site is another site's script; actions take JSON and uploads are PUT, and no plain form can
 * send either.
 * A browser sends an Origin with every POST; curl sends none and may act.
 */
export function refusalOf(
  { method, headers, remoteAddress }: Asked,
  port: number,
): string | undefined {
  if (!isLoopback(remoteAddress)) return "The dashboard is for this machine only.";
  const hosts = ["127.0.0.1", "localhost", "[::1]"].flatMap((name) =>
    port === 80 ? [name, `${name}:80`] : [`${name}:${port}`],
  );
  const host = headers.host?.toLowerCase() ?? "";
  if (!hosts.includes(host))
    return `This Host is not the dashboard's; use http://127.0.0.1:${port}/_spillway/.`;
  const { origin } = headers;
  if (origin !== undefined && origin !== `http://${host}`) return "This Origin may not ask.";
  const site = headers["sec-fetch-site"];
  const navigates = headers["sec-fetch-dest"] === "document" && method === "GET";
  if (site !== undefined && site !== "same-origin" && site !== "none" && !navigates)
    return "Another site may not ask.";
  const type = headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  if (method === "POST" && type !== "application/json")
    return "An action needs content-type: application/json.";
  return undefined;
}

const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && /^(::ffff:)?127\.|^::1$/.test(address);
