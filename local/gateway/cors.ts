import type { Cors } from "../../spec/index.ts";

type Headers = Readonly<Record<string, string>>;

/** What the edge answers to browsers of other origins. */
export interface CorsRules {
  /** The answer to a preflight (204); without CORS headers where the origin may do nothing. */
  preflight(origin: string): Headers;
  /** What is added to every other answer. */
  headers(origin: string | undefined): Headers;
}

/**
 * The edge's CORS rules as it declares them: API Gateway's behaviour, with `Vary` so that caches
 * keep origins apart. A wildcard never goes with credentials (spec/ refuses the pair at load).
 */
export function corsRules(cors: Cors): CorsRules {
  const any = cors.origins.includes("*") && !cors.credentials;
  const allowed = new Set(cors.origins);
  const vary: Headers = any ? {} : { vary: "Origin" };
  const grant = (origin: string): Headers => ({
    ...vary,
    "access-control-allow-origin": any ? "*" : origin,
    ...(cors.credentials ? { "access-control-allow-credentials": "true" } : {}),
  });
  const more: Headers = {
    ...(cors.methods?.length ? { "access-control-allow-methods": cors.methods.join(",") } : {}),
    ...(cors.headers?.length ? { "access-control-allow-headers": cors.headers.join(",") } : {}),
    ...(cors.maxAgeSeconds === undefined
      ? {}
      : { "access-control-max-age": String(cors.maxAgeSeconds) }),
  };
  const may = (origin: string) => any || allowed.has(origin);
  return {
    preflight: (origin) => (may(origin) ? { ...grant(origin), ...more } : vary),
    headers: (origin) => (origin !== undefined && may(origin) ? grant(origin) : vary),
  };
}
