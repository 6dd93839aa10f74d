import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterAll, describe, expect, it } from "vitest";
import { api } from "../../../runtime/adapters/aws/api.ts";
import { apiContract, providerOf } from "../suites/api.ts";
import { listening } from "../suites/provider.ts";
import { refusal } from "../suites/refusal.ts";
import { emulator } from "./emulator.ts";
import { createSecret } from "./resources.ts";

apiContract("aws api", {
  async make(provider, token) {
    const client = new SecretsManagerClient(emulator);
    const { url, close } = await listening(provider.fetch);
    const secret = { name: "key", location: await createSecret(client, token) };
    return {
      api: api({ name: "payments", location: `${url}/base/`, secret, client }),
      async close() {
        client.destroy();
        await close();
      },
    };
  },
});

describe("aws api, as it is declared", () => {
  const client = new SecretsManagerClient(emulator);
  afterAll(() => client.destroy());

  it("keeps below the path of its base URL", async () => {
    const provider = providerOf();
    const { url, close } = await listening(provider.fetch);
    await api({ name: "a", location: `${url}/base` }).request({ method: "GET", path: "/v1" });
    await close();
    expect(provider.requests.map((request) => new URL(request.url).pathname)).toEqual(["/base/v1"]);
  });

  it("sends no token where none is declared", async () => {
    const provider = providerOf();
    const { url, close } = await listening(provider.fetch);
    await api({ name: "a", location: url }).request({ method: "GET", path: "/v1" });
    await close();
    expect(provider.requests[0]?.headers.get("authorization")).toBeNull();
  });

  it.each([
    "http://api.example.com",
    "ftp://api.example.com",
    "api.example.com",
    "https://a:b@c.d",
    "https://c.d/?e",
  ])("refuses the base URL %j at the start", (location) => {
    expect(() => api({ name: "payments", location })).toThrow(
      'api "payments": its URL is not https, or no base; correct it in system.ts',
    );
  });

  it("is unavailable where its secret can stand in no header, and does not repeat it", async () => {
    const provider = providerOf();
    const { url, close } = await listening(provider.fetch);
    const secret = { name: "key", location: await createSecret(client, "two\nlines") };
    const failure = await api({ name: "a", location: url, secret, client })
      .request({ method: "GET", path: "/v1" })
      .catch((error: unknown) => error);
    await close();
    expect(await refusal(Promise.reject(failure))).toBe("unavailable");
    expect(String(failure)).not.toContain("two");
    expect(provider.requests).toEqual([]);
  });

  it("is unavailable where nobody listens", async () => {
    const { url, close } = await listening(providerOf().fetch);
    await close();
    const asking = api({ name: "a", location: url }).request({ method: "GET", path: "/v1" });
    await expect(asking).rejects.toThrow("no answer (ECONNREFUSED); try again later");
    expect(await refusal(asking)).toBe("unavailable");
  });
});
