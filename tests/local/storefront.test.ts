import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { githubSecret, type Started, start, storefront, temporary } from "./harness.ts";

describe("npm start, with curl", () => {
  const data = temporary();
  let host: Started;
  beforeAll(async () => {
    host = await start(storefront, data.folder, { SPILLWAY_SECRET_GITHUB_WEBHOOK: githubSecret });
  });
  afterAll(async () => {
    expect(await host.end()).toBe(0);
    data.remove();
  });

  test("a user signs up, confirms with the mailed code, signs in, and keeps a profile", async () => {
    const email = "ada@example.com";
    const password = "Analytical-Engine-1";
    expect((await host.post("/api/auth/sign-up", { email, password })).status).toBe(201);
    expect((await host.post("/api/auth/sign-in", { email, password })).status).toBe(409);
    const mail = (await host.state()).mails.find(({ to }) => to === email);
    const code = /\b\d{6}\b/.exec(mail?.text ?? "")?.[0];
    expect((await host.post("/api/auth/confirm", { email, code })).status).toBe(204);

    const signedIn = await host.post("/api/auth/sign-in", { email, password });
    const { accessToken } = (await signedIn.json()) as { accessToken: string };
    const authorization = `Bearer ${accessToken}`;
    const made = await host.post("/users", { name: "Ada" }, { authorization });
    expect(made.status).toBe(201);
    const { id } = (await made.json()) as { id: string };
    const read = await fetch(`${host.url}/users/${id}`, { headers: { authorization } });
    expect(await read.json()).toMatchObject({ id, name: "Ada" });

    expect((await fetch(`${host.url}/users/${id}`)).status).toBe(401);
    const forged = `Bearer ${accessToken.slice(0, -8)}AAAAAAAA`;
    const refused = await fetch(`${host.url}/users/${id}`, { headers: { authorization: forged } });
    expect(refused.status).toBe(401);

    // The hook after the confirmation, through the queue, to the mailer.
    const welcomed = ({ mails }: { mails: readonly { to: string }[] }) =>
      mails.filter(({ to }) => to === email).length === 2;
    await host.until(welcomed);
  });

  test("the issuer's documents stand at the well-known addresses", async () => {
    const document = await fetch(`${host.url}/.well-known/openid-configuration`);
    expect(await document.json()).toMatchObject({
      issuer: host.url,
      jwks_uri: `${host.url}/.well-known/jwks.json`,
    });
    const { keys } = (await (await fetch(`${host.url}/.well-known/jwks.json`)).json()) as {
      keys: object[];
    };
    expect(keys[0]).toMatchObject({ kty: "RSA", use: "sig" });
    expect(keys[0]).not.toHaveProperty("d");
  });

  test("GitHub's documented example is accepted, with one byte changed it is not", async () => {
    const signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    const headers = { "x-hub-signature-256": signature };
    expect((await host.post("/webhooks/github", "Hello, World!", headers)).status).toBe(200);
    expect((await host.post("/webhooks/github", "Hello, World?", headers)).status).toBe(401);
    await host.until(({ tables }) =>
      tables.some(({ items }) => items.some(({ pk }) => pk.startsWith("WEBHOOK#github#"))),
    );
  });

  test("every workload is placed, with its reasons", async () => {
    const { workloads } = await host.state();
    expect(workloads.filter(({ because }) => because.length < 4)).toEqual([]);
    expect(workloads.find(({ name }) => name === "users")).toMatchObject({
      status: "running",
      host: "function",
      trigger: "4 routes",
    });
    expect(workloads.find(({ name }) => name === "presence")).toMatchObject({
      status: "running",
      host: "container",
    });
  });
});
