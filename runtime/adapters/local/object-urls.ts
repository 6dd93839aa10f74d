import { createHmac, timingSafeEqual } from "node:crypto";
import type { ObjectStore } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { checkContentType, checkObjectKey, checkWhole } from "../limits.ts";

/** What signs a store's URLs, and where they lead. */
export interface UrlSigning {
  /** Of this store, without a trailing slash: `http://127.0.0.1:8787/_objects/media`. */
  readonly base: string;
  /** The key of the signatures: a secret of this machine. */
  readonly key: () => Promise<string>;
}

/** What a form may store. */
export interface PutGrant {
  readonly key: string;
  readonly contentType: string;
  readonly maxBytes: number;
}

/** What a URL may read. */
export interface GetGrant {
  readonly key: string;
  readonly fileName?: string;
}

interface Signed {
  readonly store: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

const longestSeconds = 43_200;
const mostBytes = 5_368_709_120;

/**
 * The part of the object store port for clients without credentials: URLs of this machine's
 * gateway, which say what they allow and are signed with HMAC-SHA-256.
 */
export function objectUrls(
  name: string,
  { base, key: secret }: UrlSigning,
): Pick<ObjectStore, "signPut" | "signGet"> {
  const fault = faultsOf("object store", name);
  const signed = async (verb: Verb, grant: object, expiresSeconds: number) => {
    checkWhole(fault, "expiresSeconds", expiresSeconds, 1, longestSeconds);
    const expires = Date.now() + expiresSeconds * 1000;
    const text = JSON.stringify({ ...grant, store: name, expires } satisfies Signed);
    const policy = Buffer.from(text).toString("base64url");
    return { policy, signature: signatureOf(await secret(), verb, policy) };
  };
  return {
    async signPut(key, { contentType, maxBytes, expiresSeconds }) {
      checkObjectKey(fault, key);
      checkContentType(fault, contentType);
      checkWhole(fault, "maxBytes", maxBytes, 0, mostBytes);
      const grant: PutGrant = { key, contentType, maxBytes };
      const form = await signed("put", grant, expiresSeconds);
      return { url: `${base}/`, fields: { key, "Content-Type": contentType, ...form } };
    },
    async signGet(key, { expiresSeconds, fileName }) {
      checkObjectKey(fault, key);
      const query = await signed("get", { key, fileName } satisfies GetGrant, expiresSeconds);
      const path = key.split("/").map(encodeURIComponent).join("/");
      return `${base}/${path}?${new URLSearchParams(query)}`;
    },
  };
}

type Verb = "put" | "get";

const signatureOf = (secret: string, verb: Verb, policy: string): string =>
  createHmac("sha256", secret).update(`${verb}.${policy}`).digest("base64url");

/**
 * What a policy allows, where its signature is this store's and its time is not over.
 * @param fields `policy` and `signature` as the client sent them
 */
export async function grantOf<V extends Verb>(
  name: string,
  secret: UrlSigning["key"],
  verb: V,
  fields: { readonly policy?: string | null; readonly signature?: string | null },
): Promise<(V extends "put" ? PutGrant : GetGrant) | undefined> {
  const { policy, signature } = fields;
  if (!policy || !signature) return undefined;
  const expected = Buffer.from(signatureOf(await secret(), verb, policy));
  const given = Buffer.from(signature);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) return undefined;
  const grant = JSON.parse(Buffer.from(policy, "base64url").toString()) as Signed;
  return grant.store === name && grant.expires > Date.now() ? (grant as never) : undefined;
}
