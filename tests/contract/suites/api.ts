import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Api, ApiRequest } from "../../../runtime/ports/index.ts";
import { refusal } from "./refusal.ts";

/** Somebody else's API: answers what a test wants, and remembers what it was asked. */
export interface Provider {
  readonly requests: Request[];
  readonly bodies: string[];
  /** How it answers from now on. `undefined`: not at all */
  answer: () => Response | undefined;
  fetch(request: Request): Promise<Response>;
}

export function providerOf(): Provider {
  const provider: Provider = {
    requests: [],
    bodies: [],
    answer: () => Response.json({ id: "1" }, { status: 201 }),
    async fetch(request) {
      provider.requests.push(request);
      provider.bodies.push(await request.text());
      return provider.answer() ?? new Promise(() => {});
    },
  };
  return provider;
}

export interface ApiParts {
  /** That asks the provider, with the token. */
  readonly api: Api;
  close(): Promise<void>;
}

/** What every Api does, the same on every adapter. */
export function apiContract(
  title: string,
  { make }: { readonly make: (provider: Provider, token: string) => Promise<ApiParts> },
): void {
  describe(title, () => {
    const token = "sk_live-secret";
    const provider = providerOf();
    let parts: ApiParts;
    beforeAll(async () => {
      parts = await make(provider, token);
    });
    beforeEach(() => {
      provider.requests.length = 0;
      provider.bodies.length = 0;
      provider.answer = () => Response.json({ id: "1" }, { status: 201 });
    });
    afterAll(() => parts?.close());

    const get: ApiRequest = { method: "GET", path: "/v1/things" };
    const asked = () => {
      const request = provider.requests.at(-1);
      const { pathname = "", search = "" } = request ? new URL(request.url) : {};
      const header = (name: string) => request?.headers.get(name);
      return {
        method: request?.method,
        path: pathname + search,
        header,
        body: provider.bodies.at(-1),
      };
    };

    it("sends JSON with the token and the key, and gives status and body", async () => {
      const answer = await parts.api.request({
        method: "POST",
        path: "/v1/things?dry=1",
        body: { amount: 1, note: "ünder 😀" },
        idempotencyKey: "order-1:pay",
      });
      expect(answer).toEqual({ status: 201, body: { id: "1" } });
      const { method, path, header, body } = asked();
      expect([method, path]).toEqual(["POST", expect.stringMatching(/\/v1\/things\?dry=1$/)]);
      expect(header("authorization")).toBe(`Bearer ${token}`);
      expect(header("idempotency-key")).toBe("order-1:pay");
      expect(header("content-type")).toBe("application/json");
      expect(JSON.parse(body ?? "")).toEqual({ amount: 1, note: "ünder 😀" });
    });

    it("sends no key, no body and no type of one, where there is none", async () => {
      await parts.api.request(get);
      const { header, body } = asked();
      expect([header("idempotency-key"), header("content-type"), body]).toEqual([null, null, ""]);
    });

    it.each(["PUT", "PATCH", "DELETE"] as const)("sends %s with a body", async (method) => {
      await parts.api.request({ method, path: "/v1/things/1", body: [1] });
      expect(asked()).toMatchObject({ method, body: "[1]" });
    });

    it.each([200, 400, 401, 402, 404, 409, 422])("gives %i as the answer", async (status) => {
      provider.answer = () => Response.json({ error: { code: "so" } }, { status });
      expect(await parts.api.request(get)).toEqual({ status, body: { error: { code: "so" } } });
    });

    it.each([
      ["no content", () => new Response(null, { status: 204 })],
      ["text", () => new Response("fine")],
      ["broken JSON", () => new Response("{", { headers: { "content-type": "application/json" } })],
    ])("gives null as the body of an answer with %s", async (_, answer) => {
      provider.answer = answer;
      expect(await parts.api.request(get)).toMatchObject({ body: null });
    });

    it("reads problem documents and their like as JSON", async () => {
      const headers = { "content-type": "application/problem+json; charset=utf-8" };
      provider.answer = () => new Response('{"code":"so"}', { status: 409, headers });
      expect(await parts.api.request(get)).toEqual({ status: 409, body: { code: "so" } });
    });

    it.each([
      [429, "throttled"],
      [500, "unavailable"],
      [503, "unavailable"],
    ])("refuses %i as %s", async (status, code) => {
      provider.answer = () => Response.json({}, { status });
      expect(await refusal(parts.api.request(get))).toBe(code);
    });

    it("is unavailable where no answer comes in time", async () => {
      provider.answer = () => undefined;
      expect(await refusal(parts.api.request({ ...get, timeoutMs: 200 }))).toBe("unavailable");
    });

    it("is unavailable where an answer begins and does not end in time", async () => {
      provider.answer = () =>
        new Response(new ReadableStream({ start: (to) => to.enqueue(new Uint8Array(8)) }));
      expect(await refusal(parts.api.request({ ...get, timeoutMs: 200 }))).toBe("unavailable");
    });

    it("gives an answer of 1 MiB, and refuses a longer one as too-large", async () => {
      provider.answer = () => Response.json("x".repeat(1_048_574));
      expect((await parts.api.request(get)).body).toHaveLength(1_048_574);
      provider.answer = () => Response.json("x".repeat(1_048_575));
      expect(await refusal(parts.api.request(get))).toBe("too-large");
    });

    it("follows no redirect, which would take the token along", async () => {
      const headers = { location: "/elsewhere" };
      provider.answer = () => new Response(null, { status: 307, headers });
      expect(await parts.api.request(get)).toEqual({ status: 307, body: null });
      expect(provider.requests).toHaveLength(1);
    });

    it.each([
      "v1/things",
      "",
      "//other.example/v1",
      "/../../v1",
      "/v1/../../secret",
      "/v1/%2e%2e/%2e%2e/secret",
      "/v1\\..\\..\\x",
      "/v1 x",
      "/v1\n",
      "/v1#part",
      "/ü",
    ])("refuses the path %j as invalid", async (path) => {
      expect(await refusal(parts.api.request({ method: "GET", path }))).toBe("invalid");
      expect(provider.requests).toEqual([]);
    });

    it.each<[string, Partial<ApiRequest>]>([
      ["an empty key", { idempotencyKey: "" }],
      ["a key that adds a header", { idempotencyKey: "1\r\nx: y" }],
      ["a key of 256 characters", { idempotencyKey: "x".repeat(256) }],
      ["a body that JSON cannot hold", { body: Number.NaN }],
      ["0 ms", { timeoutMs: 0 }],
    ])("refuses %s as invalid", async (_, part) => {
      const request: ApiRequest = { method: "POST", path: "/v1/things", ...part };
      expect(await refusal(parts.api.request(request))).toBe("invalid");
      expect(provider.requests).toEqual([]);
    });

    it("refuses a body over 1 MiB as too-large", async () => {
      const request: ApiRequest = {
        method: "POST",
        path: "/v1/things",
        body: "x".repeat(1_048_575),
      };
      expect(await refusal(parts.api.request(request))).toBe("too-large");
    });

    it("names the token in no error", async () => {
      for (const answer of [() => new Response(token, { status: 500 }), () => undefined]) {
        provider.answer = answer;
        const failing = parts.api.request({ ...get, timeoutMs: 200 });
        const failure = await failing.catch((error: unknown) => error);
        for (let one = failure; one instanceof Error; one = one.cause)
          expect(`${one.message} ${one.stack} ${JSON.stringify(one)}`).not.toContain(token);
        expect(failure).toBeInstanceOf(Error);
      }
    });
  });
}
