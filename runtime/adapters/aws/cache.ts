import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { SignatureV4 } from "@smithy/signature-v4";
import type { CacheAdapter } from "../cache.ts";
import { type Fault, faultsOf } from "../faults.ts";
import { valkey } from "../valkey.ts";
import { lazy } from "./client.ts";
import { answerOf } from "./errors.ts";
import { Sha256 } from "./sha256.ts";

export interface CacheOptions {
  readonly name: string;
  /** `rediss://<user>@<host>:<port>?group=<replication group's id>`: there is no password to it. */
  readonly location: string;
  /** Gives what stands for a password, for each new connection. Default: IAM's */
  readonly token?: () => Promise<string>;
  /** How often a connection shows a new one, in milliseconds. Default: 6 hours */
  readonly renewMs?: number;
}

const credentials = lazy(() => defaultProvider());

/**
 * The cache port on ElastiCache for Valkey, with IAM for a password and TLS with the server's name
 * checked. Needs elasticache:Connect on the replication group and on its user. One primary is
 * reached, by its name: cluster mode is off.
 * @throws `invalid` for a location that is none
 */
export function cache(options: CacheOptions): CacheAdapter {
  const { name, location, renewMs } = options;
  const fault = faultsOf("cache", name);
  const { host, port, user, group } = placeOf(fault, location);
  const token = options.token ?? (() => answerOf(fault, iamToken({ user, group })));
  return valkey({
    name,
    place: { host, port, tls: true, username: user, password: token },
    ...(renewMs === undefined ? {} : { renewMs }),
  });
}

function placeOf(fault: Fault, location: string) {
  const url = URL.canParse(location) ? new URL(location) : undefined;
  const user = decodeURIComponent(url?.username ?? "");
  const group = url?.searchParams.get("group") ?? "";
  if (url?.protocol !== "rediss:" || !url.hostname || !user || !group)
    throw fault("invalid", "its location is no rediss://user@host:port?group=id; deploy it");
  if (url.password !== "")
    throw fault("invalid", "its location has a password; IAM needs none, so leave it out");
  return { host: url.hostname, port: Number(url.port || 6379), user, group };
}

/**
 * A password that is good for 15 minutes: a signed request, without its scheme, that is never sent
 * ("Authenticating with IAM", ElastiCache user guide, read 2026-11).
 */
export async function iamToken({ user, group }: { readonly user: string; readonly group: string }) {
  const env = process.env;
  const region = env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? "";
  const signer = new SignatureV4({
    credentials: credentials(),
    region,
    service: "elasticache",
    sha256: Sha256,
  });
  const { query } = await signer.presign(
    {
      method: "GET",
      protocol: "http:",
      hostname: group,
      path: "/",
      headers: { host: group },
      query: { Action: "connect", User: user },
    },
    { expiresIn: 900 },
  );
  const parts = Object.entries(query ?? {}).map(
    ([name, value]) => `${name}=${encodeURIComponent(String(value))}`,
  );
  return `${group}/?${parts.join("&")}`;
}
