import { describe, expect, it } from "vitest";
import { api } from "../../../runtime/adapters/local/api.ts";
import { apiContract, providerOf } from "../suites/api.ts";
import { listening } from "../suites/provider.ts";
import { refusal } from "../suites/refusal.ts";

apiContract("local api, its stand-in in this process", {
  make: async (sandbox, token) => ({
    api: api({ name: "payments", sandbox, token: async () => token }),
    close: async () => {},
  }),
});

apiContract("local api, behind a URL", {
  async make(provider, token) {
    const { url, close } = await listening(provider.fetch);
    return { api: api({ name: "payments", url, token: async () => token }), close };
  },
});

describe("a local api", () => {
  const get = { method: "GET", path: "/v1" } as const;

  it("asks behind the URL where there is a stand-in too", async () => {
    const [sandbox, provider] = [providerOf(), providerOf()];
    const { url, close } = await listening(provider.fetch);
    await api({ name: "a", sandbox, url }).request(get);
    await close();
    expect([sandbox.requests.length, provider.requests.length]).toEqual([0, 1]);
  });

  it("is unavailable with neither, and so reaches nobody's real provider", async () => {
    expect(await refusal(api({ name: "a" }).request(get))).toBe("unavailable");
  });

  it("is unavailable where its stand-in throws", async () => {
    const sandbox = {
      fetch: () => {
        throw new Error("bug");
      },
    };
    expect(await refusal(api({ name: "a", sandbox }).request(get))).toBe("unavailable");
  });
});
