import { createHash, randomBytes, randomUUID } from "node:crypto";
import {
  type CryptoKey,
  calculateJwkThumbprint,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from "jose";
import type { Pool } from "pg";

const algorithm = "RS256";

interface SigningKey {
  readonly id: string;
  readonly key: CryptoKey;
  readonly jwks: JSONWebKeySet;
}

/** Signs the tokens of one identity. Its key is made once and kept in the database. */
export interface TokenIssuer {
  jwks(): Promise<JSONWebKeySet>;
  sign(claims: JWTPayload, lifeSeconds: number): Promise<string>;
  /** The claims of a token that was signed here and holds. Throws what jose throws. */
  verify(token: string): Promise<JWTPayload>;
}

/**
 * @param name of the identity: the key is kept under it
 * @param issuer the `iss` of the tokens
 */
export function tokenIssuer({
  name,
  pool,
  issuer,
}: {
  name: string;
  pool: Pool;
  issuer: string;
}): TokenIssuer {
  let known: Promise<SigningKey> | undefined;
  const signingKey = () => {
    known ??= keptKey(pool, name);
    known.catch(() => {
      known = undefined;
    });
    return known;
  };
  return {
    jwks: async () => (await signingKey()).jwks,
    async sign(claims, lifeSeconds) {
      const { id, key } = await signingKey();
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({
        ...claims,
        iss: issuer,
        iat: now,
        exp: now + lifeSeconds,
        jti: randomUUID(),
      })
        .setProtectedHeader({ alg: algorithm, kid: id })
        .sign(key);
    },
    async verify(token) {
      const keys = createLocalJWKSet((await signingKey()).jwks);
      return (await jwtVerify(token, keys, { issuer, algorithms: [algorithm] })).payload;
    },
  };
}

async function keptKey(pool: Pool, name: string): Promise<SigningKey> {
  const stored = (await storedKey(pool, name)) ?? (await makeKey(pool, name));
  if (!stored) throw new Error("the signing key that was just stored is gone");
  const { kty, n, e } = stored;
  const id = await calculateJwkThumbprint(stored);
  return {
    id,
    key: (await importJWK(stored, algorithm)) as CryptoKey,
    jwks: { keys: [{ kty, n, e, kid: id, alg: algorithm, use: "sig" }] },
  };
}

async function storedKey(pool: Pool, name: string): Promise<JWK | undefined> {
  const { rows } = await pool.query<{ key: JWK }>(
    "select private_key as key from spillway.signing_keys where identity = $1",
    [name],
  );
  return rows[0]?.key;
}

/** Of several processes that make one at the same time, the first wins. */
async function makeKey(pool: Pool, name: string): Promise<JWK | undefined> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  await pool.query(
    "insert into spillway.signing_keys (identity, private_key) values ($1, $2) on conflict do nothing",
    [name, JSON.stringify(await exportJWK(privateKey))],
  );
  return storedKey(pool, name);
}

/** A secret for a client: 256 random bits, of which the database sees the hash alone. */
export function newSecret(): { secret: string; hash: Buffer } {
  const secret = randomBytes(32).toString("base64url");
  return { secret, hash: hashOf(secret) };
}

export const hashOf = (secret: string): Buffer => createHash("sha256").update(secret).digest();

/** What a client reads first (OpenID Connect Discovery 1.0); keys are at `jwks_uri`. */
export const openidConfiguration = (issuer: string) => ({
  issuer,
  jwks_uri: `${issuer}/.well-known/jwks.json`,
  response_types_supported: ["token", "id_token"],
  subject_types_supported: ["public"],
  id_token_signing_alg_values_supported: [algorithm],
});
