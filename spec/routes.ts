/** Methods that a route may name; ANY stands for all of them. */
export const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"] as const;

export interface Route {
  readonly method: (typeof methods)[number];
  readonly path: string;
  /** Path cut at "/"; a parameter is `{name}`, the rest of the path `{name+}`. */
  readonly segments: readonly string[];
}

const segmentPattern = /^(?:[A-Za-z0-9._~-]+|\{[A-Za-z][A-Za-z0-9_]*\+?\})$/;

/**
 * Reads `GET /users/{id}`.
 * @returns the route, or what is wrong with it and what to write instead
 */
export function parseRoute(text: string): Route | string {
  const [method, path, ...rest] = text.split(" ");
  if (!method || !path || rest.length > 0) return 'write it as "GET /users/{id}"';
  if (!(methods as readonly string[]).includes(method))
    return `method ${method} is unknown; use one of ${methods.join(", ")}`;
  if (!path.startsWith("/")) return `path ${path} does not start with "/"`;
  const segments = path === "/" ? [] : path.slice(1).split("/");
  for (const [index, segment] of segments.entries()) {
    if (!segmentPattern.test(segment))
      return `path segment "${segment}" is neither plain text nor {name}`;
    if (segment.endsWith("+}") && index < segments.length - 1)
      return `${segment} takes the rest of the path; put it last`;
  }
  const names = segments.filter((s) => s.startsWith("{")).map((s) => s.replace("+}", "}"));
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice) return `parameter ${twice} stands twice; rename one`;
  return { method: method as Route["method"], path, segments };
}

/** A route's path with its parameters' names left out: two routes with one key are one route. */
export const routeKey = (route: Route): string =>
  `${route.method} /${route.segments.map((s) => (s.startsWith("{") ? (s.endsWith("+}") ? "{+}" : "{}") : s)).join("/")}`;
