import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from "jose";
import type { Verify } from "./http/guard.ts";
import { PortError } from "./ports/errors.ts";
import type { Claims } from "./ports/http.ts";

export interface TokenOptions {
  /** The `iss` that tokens must have. */
  readonly issuer: string;
  /** The client id: tokens must name it as `client_id` (Amazon Cognito) or in `aud`. */
  readonly audience: string;
  /** Where the issuer's keys are: a URL, or a function for an issuer in this process. */
  readonly jwks: string | (() => JSONWebKeySet | Promise<JSONWebKeySet>);
  /** Verified tokens that are remembered. Default: 10,000 */
  readonly cacheSize?: number;
}

/** Signatures with a public key only: a shared secret could be forged from the key set. */
const algorithms = ["RS256", "PS256", "ES256", "EdDSA"];
const maxTokenLength = 16_384;
/** How far this clock and the issuer's may be apart, in seconds. */
const clockTolerance = 5;

/**
 * Checks access tokens (OIDC JWTs) against the issuer's keys. Keys are kept for ten minutes and
 * fetched again for an unknown key id, at most twice a minute. A verified token is remembered until
 * it expires.
 * @returns verify: the token's claims; throws PortError `denied` for a token that is not valid,
 *   `unavailable` where the keys cannot be fetched. Its `known` gives those of a token that is
 *   remembered, at once
 */
export function tokenVerifier(options: TokenOptions): Verify {
  const { issuer, audience, jwks, cacheSize = 10_000 } = options;
  const keys = typeof jwks === "string" ? remoteKeys(jwks) : localKeys(jwks);
  const seen = new Map<string, { readonly claims: Claims; readonly until: number }>();

  const check = async (token: string): Promise<Claims> => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms,
        issuer,
        clockTolerance,
        requiredClaims: ["exp", "sub"],
      });
      return claimsFrom(payload, audience);
    } catch (error) {
      throw asPortError(error);
    }
  };

  const remember = (key: string, claims: Claims, now: number) => {
    const until = Number(claims.exp);
    if (until <= now || cacheSize < 1) return;
    // Oldest first: a Map keeps the order of insertion.
    for (const oldest of seen.keys()) {
      if (seen.size < cacheSize) break;
      seen.delete(oldest);
    }
    seen.set(key, { claims, until });
  };

  const known = (token: string): Claims | undefined => {
    if (token.length > maxTokenLength) return undefined;
    const entry = seen.get(token);
    return entry && entry.until > Date.now() / 1000 ? entry.claims : undefined;
  };
  const verify = async (token: string): Promise<Claims> => {
    if (token.length > maxTokenLength)
      throw denied(`${token.length} characters; send a shorter one`);
    const remembered = known(token);
    if (remembered) return remembered;
    seen.delete(token);
    const claims = await check(token);
    remember(token, claims, Date.now() / 1000);
    return claims;
  };
  return Object.assign(verify, { known });
}

const remoteKeys = (url: string): JWTVerifyGetKey =>
  createRemoteJWKSet(new URL(url), { timeoutDuration: 3000 });

function localKeys(read: () => JSONWebKeySet | Promise<JSONWebKeySet>): JWTVerifyGetKey {
  let last: { readonly set: JSONWebKeySet; readonly keys: JWTVerifyGetKey } | undefined;
  return async (header, token) => {
    const set = await read();
    if (last?.set !== set) last = { set, keys: createLocalJWKSet(set) };
    return last.keys(header, token);
  };
}

function claimsFrom(payload: JWTPayload, audience: string): Claims {
  const { sub, aud, client_id: clientId, token_use: use } = payload;
  if (typeof sub !== "string" || sub === "") throw denied("no subject; sign in again");
  if (use !== "access") throw denied("no access token; send the access token");
  if (clientId !== audience && ![aud].flat().includes(audience))
    throw denied("made for another client; sign in to this one");
  return Object.freeze({ ...payload, sub });
}

const denied = (text: string, cause?: unknown) =>
  new PortError("denied", `tokens: ${text}`, { cause });

/** What jose throws when it is the token that is at fault, not the way to the keys. */
const tokenFaults = [
  errors.JWTClaimValidationFailed,
  errors.JWTExpired,
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
];

function asPortError(error: unknown): PortError {
  if (error instanceof PortError) return error;
  if (tokenFaults.some((fault) => error instanceof fault))
    return denied("the token does not hold; sign in again", error);
  return new PortError("unavailable", "tokens: the issuer's keys cannot be read; try again", {
    cause: error,
  });
}
