import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { SignatureV4 } from "@smithy/signature-v4";
import type { ObjectStore } from "../../ports/index.ts";
import { type Fault, faultsOf } from "../faults.ts";
import { checkContentType, checkObjectKey, checkWhole } from "../limits.ts";
import { lazy } from "./client.ts";
import { Sha256 } from "./sha256.ts";

type Credentials = ReturnType<typeof defaultProvider>;

export interface ObjectUrlOptions {
  readonly name: string;
  /** The bucket's name. */
  readonly location: string;
  /** Default: as the SDK finds them */
  readonly credentials?: Credentials;
  /** Default: AWS_REGION */
  readonly region?: string;
  /** Base URL of an S3 that knows buckets by path. Default: AWS_ENDPOINT_URL, else Amazon's own */
  readonly endpoint?: string;
}

const shared = lazy(() => defaultProvider());
/** What one multipart form may hold (Amazon S3, "Uploading objects", read 2026-11): 5 GB. */
const mostBytes = 5_368_709_120;
/** Twelve hours, as long as the longest session of a role (AWS STS, read 2026-11). */
export const longestSeconds = 43_200;

/**
 * The part of the object store port that lets clients without credentials read and write an S3
 * bucket: signed here, without a call and without the S3 client. What a signature allows is what
 * its signer may do: s3:PutObject for signPut, s3:GetObject for signGet.
 */
export function objectUrls(options: ObjectUrlOptions): Pick<ObjectStore, "signPut" | "signGet"> {
  const { name, location: bucket } = options;
  const fault = faultsOf("object store", name);
  const place = () => placeOf(fault, bucket, options);
  const credentialsOf = async () => {
    try {
      return await (options.credentials ?? shared())();
    } catch (cause) {
      throw fault("unavailable", "no credentials to sign with; give the role that runs it", cause);
    }
  };
  const signerOf = (credentials: Awaited<ReturnType<Credentials>>, region: string) =>
    new SignatureV4({
      credentials,
      region,
      service: "s3",
      sha256: Sha256,
      // S3 takes paths as they are (SigV4, "Create a canonical request").
      uriEscapePath: false,
    });

  return {
    async signPut(key, { contentType, maxBytes, expiresSeconds }) {
      checkObjectKey(fault, key);
      checkContentType(fault, contentType);
      checkWhole(fault, "maxBytes", maxBytes, 0, mostBytes);
      checkWhole(fault, "expiresSeconds", expiresSeconds, 1, longestSeconds);
      const { url, region } = place();
      const credentials = await credentialsOf();
      const signingDate = new Date();
      const stamp = signingDate.toISOString().replace(/[-:]|\.\d+/g, "");
      const scope = `${stamp.slice(0, 8)}/${region}/s3/aws4_request`;
      const given = {
        key,
        "Content-Type": contentType,
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": `${credentials.accessKeyId}/${scope}`,
        "x-amz-date": stamp,
        ...(credentials.sessionToken && { "x-amz-security-token": credentials.sessionToken }),
      };
      // Each field of the form must be a condition; "eq" holds for keys with "$" in them as well.
      const conditions = [
        { bucket },
        ...Object.entries(given).map(([field, value]) => ["eq", `$${field}`, value]),
        ["content-length-range", 0, maxBytes],
      ];
      const expiration = new Date(signingDate.getTime() + expiresSeconds * 1000).toISOString();
      const policy = Buffer.from(JSON.stringify({ expiration, conditions })).toString("base64");
      const signature = await signerOf(credentials, region).sign(policy, { signingDate });
      return { url: `${url}/`, fields: { ...given, policy, "x-amz-signature": signature } };
    },

    async signGet(key, { expiresSeconds, fileName }) {
      checkObjectKey(fault, key);
      checkWhole(fault, "expiresSeconds", expiresSeconds, 1, longestSeconds);
      const { url, region } = place();
      const base = new URL(url);
      const path = `${base.pathname.replace(/\/+$/, "")}/${escaped(key)}`;
      const signed = await signerOf(await credentialsOf(), region).presign(
        {
          method: "GET",
          protocol: base.protocol,
          hostname: base.hostname,
          ...(base.port && { port: Number(base.port) }),
          path,
          headers: { host: base.host },
          query: fileName === undefined ? {} : { "response-content-disposition": saveAs(fileName) },
        },
        { expiresIn: expiresSeconds },
      );
      const query = Object.entries(signed.query ?? {}).map(
        ([part, value]) => `${encode(part)}=${encode(String(value))}`,
      );
      return `${base.origin}${path}?${query.join("&")}`;
    },
  };
}

/** Where a bucket is, without a trailing slash, and the region that is signed for. */
function placeOf(fault: Fault, bucket: string, options: ObjectUrlOptions) {
  const env = process.env;
  const region = options.region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION;
  if (!region) throw fault("unavailable", "no region; set AWS_REGION");
  const endpoint = options.endpoint ?? env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL;
  const url = endpoint
    ? `${endpoint.replace(/\/+$/, "")}/${bucket}`
    : `https://${bucket}.s3.${region}.amazonaws.com`;
  return { url, region };
}

/** As RFC 3986 has it, which SigV4 signs: `encodeURIComponent` leaves five characters more. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
const escaped = (key: string): string => key.split("/").map(encode).join("/");

/** A header that names a file for every browser (RFC 6266): the plain name, and the real one. */
export function saveAs(fileName: string): string {
  const simple = fileName.replace(/[^\x20-\x7e]|["\\]/g, "_");
  return `attachment; filename="${simple}"; filename*=UTF-8''${encode(fileName.toWellFormed())}`;
}
