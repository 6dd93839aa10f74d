import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { tokenVerifier } from "../../runtime/tokens.ts";

const issuer = "https://issuer.example/pool";
const audience = "client-1";

const { privateKey, publicKey } = await generateKeyPair("RS256");
const jwk = { ...(await exportJWK(publicKey)), kid: "k-1", alg: "RS256", use: "sig" };
const keySet = { keys: [jwk] };
const access = { sub: "u-1", client_id: audience, token_use: "access" };

const sign = (claims: JWTPayload = access, { iss = issuer, exp = "5m" as string | number } = {}) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: "RS256", kid: "k-1" })
    .setIssuer(iss)
    .setIssuedAt()
    .setExpirationTime(exp)
    .sign(privateKey);

const verifier = (cacheSize?: number) => {
  const jwks = vi.fn(() => keySet);
  return { jwks, verify: tokenVerifier({ issuer, audience, jwks, cacheSize }) };
};

describe("an access token", () => {
  test("gives its claims", async () => {
    expect(await verifier().verify(await sign())).toMatchObject({ sub: "u-1" });
  });

  test("may name its client as aud", async () => {
    const token = await sign({ sub: "u-1", aud: ["other", audience], token_use: "access" });
    expect(await verifier().verify(token)).toMatchObject({ sub: "u-1" });
  });

  const now = Math.floor(Date.now() / 1000);
  test.each<[string, () => string | Promise<string>]>([
    ["no token at all", () => "hello"],
    ["empty", () => ""],
    ["very long", () => "a".repeat(20_000)],
    ["of another issuer", () => sign(access, { iss: "https://evil.example" })],
    ["for another client", () => sign({ ...access, client_id: "client-2" })],
    ["for no client", () => sign({ sub: "u-1", token_use: "access" })],
    ["an id token", () => sign({ ...access, token_use: "id", aud: audience })],
    ["without a subject", () => sign({ client_id: audience, token_use: "access" })],
    ["with an empty subject", () => sign({ ...access, sub: "" })],
    ["expired", () => sign(access, { exp: now - 60 })],
    ["not valid yet", () => sign({ ...access, nbf: now + 600 })],
    ["unsigned", () => new UnsecuredJWT({ ...access, iss: issuer, exp: now + 60 }).encode()],
    ["changed", async () => (await sign()).replace(/\.[^.]+\./, `.${btoa('{"sub":"u-2"}')}.`)],
    [
      "without an end",
      () =>
        new SignJWT(access)
          .setProtectedHeader({ alg: "RS256", kid: "k-1" })
          .setIssuer(issuer)
          .sign(privateKey),
    ],
    [
      "signed with the public key as a shared secret",
      () =>
        new SignJWT(access)
          .setProtectedHeader({ alg: "HS256", kid: "k-1" })
          .setIssuer(issuer)
          .setExpirationTime("5m")
          .sign(new TextEncoder().encode(JSON.stringify(jwk))),
    ],
    [
      "signed by somebody else",
      async () =>
        new SignJWT(access)
          .setProtectedHeader({ alg: "RS256", kid: "k-1" })
          .setIssuer(issuer)
          .setExpirationTime("5m")
          .sign((await generateKeyPair("RS256")).privateKey),
    ],
    [
      "signed by a key that the issuer does not list",
      () =>
        new SignJWT(access)
          .setProtectedHeader({ alg: "RS256", kid: "k-2" })
          .setIssuer(issuer)
          .setExpirationTime("5m")
          .sign(privateKey),
    ],
  ])("that is %s is denied", async (_, make) => {
    const token = await make();
    await expect(verifier().verify(token)).rejects.toMatchObject({ code: "denied" });
  });

  test("is checked once while it lasts", async () => {
    const { jwks, verify } = verifier();
    const token = await sign();
    await verify(token);
    await verify(token);
    expect(jwks).toHaveBeenCalledTimes(1);
  });

  test("is known at once after it was checked, and until it ends", async () => {
    const { verify } = verifier();
    const token = await sign();
    expect(verify.known?.(token)).toBeUndefined();
    await verify(token);
    expect(verify.known?.(token)).toMatchObject({ sub: "u-1" });
    vi.useFakeTimers({ now: Date.now() + 6 * 60_000, toFake: ["Date"] });
    expect(verify.known?.(token)).toBeUndefined();
    vi.useRealTimers();
  });

  test("is remembered no longer than it lasts", async () => {
    const { verify } = verifier();
    const token = await sign();
    await verify(token);
    vi.useFakeTimers({ now: Date.now() + 6 * 60_000, toFake: ["Date"] });
    await expect(verify(token)).rejects.toMatchObject({ code: "denied" });
    vi.useRealTimers();
  });

  test("makes room for the newest: the oldest is checked again", async () => {
    const { jwks, verify } = verifier(2);
    const tokens = await Promise.all(["a", "b", "c"].map((sub) => sign({ ...access, sub })));
    for (const token of tokens) await verify(token);
    await verify(tokens[2] as string);
    expect(jwks).toHaveBeenCalledTimes(3);
    await verify(tokens[0] as string);
    expect(jwks).toHaveBeenCalledTimes(4);
  });

  test("that was denied is not remembered as good", async () => {
    const { verify } = verifier();
    const token = await sign({ ...access, client_id: "client-2" });
    await expect(verify(token)).rejects.toMatchObject({ code: "denied" });
    await expect(verify(token)).rejects.toMatchObject({ code: "denied" });
  });
});

describe("keys behind an address", () => {
  let server: Server;
  let status = 200;
  let body = JSON.stringify(keySet);
  let asked = 0;
  beforeAll(async () => {
    server = createServer((_, response) => {
      asked += 1;
      response.writeHead(status, { "content-type": "application/json" }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => server.close());
  const at = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;

  test("are fetched once for many tokens", async () => {
    const verify = tokenVerifier({ issuer, audience, jwks: at() });
    asked = 0;
    const tokens = await Promise.all(["a", "b", "c"].map((sub) => sign({ ...access, sub })));
    await Promise.all(tokens.map(verify));
    expect(asked).toBe(1);
  });

  test.each([
    ["answers 500", 500, "oops"],
    ["answers no JSON", 200, "<html>"],
    ["answers no key set", 200, "{}"],
  ])("are unavailable where it %s", async (_, code, text) => {
    const verify = tokenVerifier({ issuer, audience, jwks: at() });
    [status, body] = [code, text];
    await expect(verify(await sign())).rejects.toMatchObject({ code: "unavailable" });
    [status, body] = [200, JSON.stringify(keySet)];
    expect(await verify(await sign())).toMatchObject({ sub: "u-1" });
  });

  test("are unavailable where nobody listens", async () => {
    const verify = tokenVerifier({ issuer, audience, jwks: "http://127.0.0.1:1/jwks.json" });
    await expect(verify(await sign())).rejects.toMatchObject({ code: "unavailable" });
  });
});
