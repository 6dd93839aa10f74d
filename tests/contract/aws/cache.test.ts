import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { cache, iamToken } from "../../../runtime/adapters/aws/cache.ts";
import { isPortError } from "../../../runtime/ports/index.ts";
import { motoVenv } from "../../../tools/moto.ts";
import { startValkey } from "../../../tools/valkey.ts";
import { openDoor } from "../door.ts";
import { cacheContract } from "../suites/cache.ts";
import { refusal } from "../suites/refusal.ts";
import { trustedCertificate } from "./authority.ts";

/** A server as ElastiCache is: TLS, a name to check, and a user whose password is a token. */
async function startElastiCache() {
  const password = "token-1";
  const user = ["--user", "app", "on", `>${password}`, "~*", "&*", "+@all"];
  const server = await startValkey([...user, "--user", "default", "off"]);
  const door = await openDoor(server.port, { tls: await trustedCertificate() });
  const at = (host: string) => `rediss://app@${host}:${door.port}?group=live`;
  let minted = 0;
  const token = async () => {
    minted++;
    return password;
  };
  return {
    at,
    token,
    minted: () => minted,
    cut: door.cut,
    stop: server.stop,
    start: server.start,
    hang: server.freeze,
    resume: server.thaw,
    async close() {
      await door.close();
      await server.stop();
    },
  };
}

cacheContract("aws cache", {
  async start() {
    const { at, token, ...server } = await startElastiCache();
    return { ...server, open: () => cache({ name: "live", location: at("localhost"), token }) };
  },
});

describe("what connects to ElastiCache", () => {
  let server: Awaited<ReturnType<typeof startElastiCache>>;
  const opened: { close(): Promise<void> }[] = [];
  const open = (options: Partial<Parameters<typeof cache>[0]> = {}) => {
    const { at, token } = server;
    const port = cache({ name: "live", location: at("localhost"), token, ...options });
    opened.push(port);
    return port;
  };
  beforeAll(async () => {
    server = await startElastiCache();
  });
  afterAll(async () => {
    await Promise.all(opened.map((one) => one.close()));
    await server?.close();
  });
  afterEach(() => vi.unstubAllEnvs());

  it("asks for a token for each new connection, not for each call", async () => {
    const live = open();
    const before = server.minted();
    for (const n of [1, 2, 3]) await live.set("k", n, { ttlSeconds: 60 });
    expect(server.minted() - before).toBe(1);
    server.cut();
    await expect.poll(() => refusal(live.get("k"))).toBe("nothing refused");
    expect(server.minted() - before).toBe(2);
  });

  it("shows a new token again and again, and loses no message by it", async () => {
    const live = open({ renewMs: 100 });
    const heard: unknown[] = [];
    const onMissed = vi.fn();
    await live.subscribe("c", (message) => heard.push(message), { onMissed });
    const before = server.minted();
    for (let n = 0; n < 20; n++) {
      await live.publish("c", n);
      await new Promise((done) => setTimeout(done, 25));
    }
    await expect.poll(() => heard.length).toBe(20);
    expect(server.minted() - before).toBeGreaterThanOrEqual(4);
    expect(onMissed).not.toHaveBeenCalled();
  });

  it("makes another connection where a new token is not taken", async () => {
    let password = "token-1";
    const live = open({ renewMs: 100, token: async () => password });
    await live.get("k");
    password = "token-2";
    await expect.poll(() => refusal(live.get("k")), { timeout: 5_000 }).toBe("denied");
    password = "token-1";
    await expect.poll(() => refusal(live.get("k")), { timeout: 5_000 }).toBe("nothing refused");
  });

  it("refuses a server whose certificate is for another name", async () => {
    const live = open({ location: server.at("127.0.0.1") });
    expect(await refusal(live.get("k"))).toBe("unavailable");
  });

  it("is denied with a token that is good no more, which no error shows", async () => {
    const live = open({ token: async () => "stale-token" });
    const error = await live.get("k").catch((thrown: unknown) => thrown);
    expect(isPortError(error, "denied")).toBe(true);
    const { message, cause } = error as Error;
    expect(`${message} ${JSON.stringify(cause)} ${(cause as Error).message}`).not.toContain(
      "stale",
    );
  });

  it("says that it has no credentials where there are none", async () => {
    for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"])
      vi.stubEnv(name, "");
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    vi.stubEnv("AWS_REGION", "eu-central-1");
    const live = cache({ name: "live", location: server.at("localhost") });
    opened.push(live);
    expect(await refusal(live.get("k"))).toBe("denied");
  });

  it.each([
    ["no URL", "live.internal"],
    ["no TLS", "redis://app@live:6379?group=live"],
    ["no user", "rediss://live:6379?group=live"],
    ["no group", "rediss://app@live:6379"],
    ["a password", "rediss://app:geheim@live:6379?group=live"],
  ])("refuses a location with %s, and does not repeat it", (_, location) => {
    expect(() => cache({ name: "live", location })).toThrow(
      /^cache "live": its location(?!.*geheim)/,
    );
  });
});

describe("the token", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("is a signed request to connect as the user, without a scheme, for 15 minutes", async () => {
    const env = {
      AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
      AWS_SECRET_ACCESS_KEY: "geheim",
      AWS_SESSION_TOKEN: "session/+=",
      AWS_REGION: "eu-central-1",
    };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const token = await iamToken({ user: "app", group: "shop-live" });
    expect(token).toMatch(/^shop-live\/\?Action=connect&/);
    expect(token).not.toContain("geheim");
    const query = Object.fromEntries(new URL(`http://${token}`).searchParams);
    expect(query).toMatchObject({
      Action: "connect",
      User: "app",
      "X-Amz-Expires": "900",
      "X-Amz-SignedHeaders": "host",
      "X-Amz-Security-Token": "session/+=",
    });
    expect(query["X-Amz-Signature"]).toBe(await signedByBotocore(env, query["X-Amz-Date"] ?? ""));
  });
});

/** The signature of the same request by another hand: the one that AWS' own examples use. */
async function signedByBotocore(env: Record<string, string>, date: string): Promise<string> {
  const program = `
import sys
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
key, secret, session, region, date = sys.argv[1:]
request = AWSRequest("GET", "http://shop-live/", params={"Action": "connect", "User": "app"})
request.context["timestamp"] = date
auth = SigV4QueryAuth(Credentials(key, secret, session), "elasticache", region, expires=900)
auth._modify_request_before_signing(request)
print(auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request))
`;
  const python = join(await motoVenv(), "python");
  const { stdout } = await promisify(execFile)(python, [
    "-c",
    program,
    ...Object.values(env),
    date,
  ]);
  return stdout.trim();
}
