import { parseRoute, type Route } from "../../spec/routes.ts";
import { type GuardOptions, guard } from "../http/guard.ts";
import type { HttpHandler } from "../ports/http.ts";

/** What a generated entry tells its host of an HTTP workload. */
export interface HostOptions extends Pick<GuardOptions, "auth" | "verify" | "maxBodyBytes"> {
  /** As declared, such as "GET /users/{id}": anything else is 404 or 405. Default: no check */
  readonly routes?: readonly string[];
}

/**
 * A workload behind its guard, on a host that holds bodies to their Content-Length.
 * @throws {Error} for a route that cannot be read, and as `guard`
 */
export const hosted = (
  handler: HttpHandler,
  { routes, ...options }: HostOptions,
  host: Pick<GuardOptions, "headersAreSet"> = {},
): HttpHandler =>
  guard(handler, {
    ...options,
    ...host,
    lengthIsChecked: true,
    ...(routes && { methodsAt: methodsAt(routes) }),
  });

/** The methods that routes offer at a path. */
export function methodsAt(routes: readonly string[]): (path: string) => readonly string[] {
  const known = routes.map((text) => {
    const route = parseRoute(text);
    if (typeof route === "string") throw new Error(`Route "${text}": ${route}`);
    return route;
  });
  return (path) => {
    const parts = path === "/" ? [] : path.slice(1).split("/");
    return [...new Set(known.filter((route) => fits(route, parts)).map(({ method }) => method))];
  };
}

function fits({ segments }: Route, parts: readonly string[]): boolean {
  const rest = segments.at(-1)?.endsWith("+}") ?? false;
  if (rest ? parts.length < segments.length : parts.length !== segments.length) return false;
  return segments.every((segment, index) =>
    segment.startsWith("{") ? parts[index] !== "" : segment === parts[index],
  );
}
