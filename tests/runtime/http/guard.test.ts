import { describe, expect, test, vi } from "vitest";
import { createApp } from "../../../runtime/http/app.ts";
import { type GuardOptions, guard } from "../../../runtime/http/guard.ts";
import { PortError } from "../../../runtime/ports/errors.ts";
import type { HttpHandler } from "../../../runtime/ports/http.ts";

type Content = ConstructorParameters<typeof Response>[0];

const context = { requestId: "r-1" };
const url = "https://shop.example/things";

const echo: HttpHandler = {
  fetch: async (request, { claims }) =>
    Response.json({ body: await request.text(), claims: claims ?? null }),
};

const send = (options: GuardOptions, request: Request, handler = echo) =>
  Promise.resolve(guard(handler, options).fetch(request, context));

const verify = async (token: string) => {
  if (token === "down") throw new PortError("unavailable", "tokens: keys cannot be read");
  if (token !== "good") throw new PortError("denied", "tokens: not valid");
  return { sub: "u-1" };
};

const bearer = (authorization: string) => new Request(url, { headers: { authorization } });

describe("a guarded handler with auth jwt", () => {
  test("gets the claims of the token", async () => {
    const response = await send({ verify }, bearer("Bearer good"));
    expect(await response.json()).toMatchObject({ claims: { sub: "u-1" } });
  });

  test("takes the scheme in any case", async () => {
    expect((await send({ verify }, bearer("bearer good"))).status).toBe(200);
  });

  test.each(["", "good", "Basic good", "Bearer", "Bearer good good"])(
    "answers %j with a 401 that asks for a token",
    async (authorization) => {
      const response = await send({ verify }, bearer(authorization));
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
    },
  );

  test("says of a bad token that it is bad", async () => {
    const response = await send({ verify }, bearer("Bearer bad"));
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe('Bearer error="invalid_token"');
    expect(await response.json()).toMatchObject({ code: "denied" });
  });

  test("is a 503 while the keys cannot be read", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const response = await send({ verify }, bearer("Bearer down"));
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: "unavailable" });
  });

  test("never believes claims that came from outside", async () => {
    const forged = { requestId: "r-1", claims: { sub: "someone-else" } };
    const response = await guard(echo, { verify }).fetch(bearer("Bearer good"), forged);
    expect(await response.json()).toMatchObject({ claims: { sub: "u-1" } });
  });

  test("does not wait for a token that the verifier knows", () => {
    const known = (token: string) => (token === "good" ? { sub: "u-2" } : undefined);
    const handler: HttpHandler = { fetch: (_, { claims }) => Response.json(claims) };
    const guarded = guard(handler, { verify: Object.assign(verify.bind(null), { known }) });
    expect(guarded.fetch(bearer("Bearer good"), context)).toBeInstanceOf(Response);
    expect(guarded.fetch(bearer("Bearer bad"), context)).toBeInstanceOf(Promise);
  });

  test("cannot be made without a verifier", () => {
    expect(() => guard(echo, { auth: "jwt" })).toThrow(/give a tokenVerifier/);
  });

  test("does not read the body before the token is known to be good", async () => {
    let read = false;
    const body = new ReadableStream(
      {
        pull: (controller) => {
          read = true;
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const request = new Request(url, { method: "POST", body, duplex: "half" });
    expect((await send({ verify }, request)).status).toBe(401);
    expect(read).toBe(false);
  });
});

describe("a guarded handler with a body limit", () => {
  const limited = { auth: "none", maxBodyBytes: 10 } as const;
  const post = (body: Content, headers: Record<string, string> = {}) =>
    new Request(url, { method: "POST", body, headers, duplex: "half" } as RequestInit);
  const drip = (chunks: number) => {
    let left = chunks;
    return new ReadableStream({
      pull: (controller) =>
        left-- > 0 ? controller.enqueue(new Uint8Array(4)) : controller.close(),
    });
  };

  test("gets a body of exactly the limit, byte for byte", async () => {
    expect(await (await send(limited, post("0123456789"))).json()).toMatchObject({
      body: "0123456789",
    });
  });

  test("refuses one byte more", async () => {
    const response = await send(limited, post("01234567890"));
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: "too-large" });
  });

  test("refuses by Content-Length before anything is read", async () => {
    expect((await send(limited, post("x", { "content-length": "11" }))).status).toBe(413);
  });

  test("counts a stream that has no length, and stops reading it", async () => {
    const endless = drip(1_000_000);
    expect((await send(limited, post(endless))).status).toBe(413);
    expect((await send(limited, post(drip(2)))).status).toBe(200);
  });

  test("counts although the length was given too small", async () => {
    const lying = post("01234567890", { "content-length": "3" });
    expect((await send(limited, lying)).status).toBe(413);
  });

  test("is a 400 where the body breaks off", async () => {
    const broken = new ReadableStream({ start: (c) => c.error(new Error("gone")) });
    expect((await send(limited, post(broken))).status).toBe(400);
  });

  test("is 1 MiB unless it says otherwise", async () => {
    const open = { auth: "none" } as const;
    expect((await send(open, post(new Uint8Array(1_048_576)))).status).toBe(200);
    expect((await send(open, post(new Uint8Array(1_048_577)))).status).toBe(413);
  });
});

describe("a guarded handler", () => {
  const open = { auth: "none" } as const;

  test.each(["/%", "/%zz", "/a%2", "/%E0%A4%A", "/%ff", "/%C0%AF"])(
    "is a 400 for the path %s",
    async (path) => {
      const response = await send(open, new Request(`https://shop.example${path}`));
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "invalid" });
    },
  );

  test("does not mind the query", async () => {
    expect((await send(open, new Request(`${url}?q=%zz#%`))).status).toBe(200);
  });

  test("answers what is offered: 404 for other paths, 405 for other methods", async () => {
    const options = {
      auth: "none",
      methodsAt: (path: string) => (path === "/things" ? ["GET", "POST"] : []),
    } as const;
    const status = async (method: string, path: string) =>
      (await send(options, new Request(`https://shop.example${path}`, { method }))).status;
    expect(await status("GET", "/things")).toBe(200);
    expect(await status("HEAD", "/things")).toBe(200);
    expect(await status("GET", "/other")).toBe(404);
    const refused = await send(options, new Request(url, { method: "DELETE" }));
    expect(refused.status).toBe(405);
    expect(refused.headers.get("allow")).toBe("GET, POST");
  });

  test.each([
    [
      "throws at once",
      () => {
        throw new Error("SELECT secret FROM t");
      },
    ],
    [
      "throws later",
      async () => {
        throw new Error("SELECT secret FROM t");
      },
    ],
  ])("that %s is a 500 that says nothing of the inside, and is logged", async (_, fetch) => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const response = await send(open, new Request(url), { fetch });
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(JSON.parse(text)).toMatchObject({ code: "internal", requestId: "r-1" });
    expect(text).not.toMatch(/secret|guard\.test/);
    expect(log.mock.lastCall?.[0]).toMatch(/"requestId":"r-1".*SELECT secret/);
  });

  test.each([
    ["not-found", 404],
    ["conflict", 409],
    ["denied", 403],
    ["throttled", 429],
    ["unavailable", 503],
    ["invalid", 400],
    ["too-large", 413],
  ] as const)("turns a port's %s into %i", async (code, status) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const fetch = () => Promise.reject(new PortError(code, "table catalog: internal detail"));
    const response = await send(open, new Request(url), { fetch });
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ status, code });
    expect(text).not.toContain("catalog");
  });

  test("adds its headers to every answer, and keeps the handler's", async () => {
    const app = createApp().get("/things", (c) =>
      c.json({}, 200, { "cache-control": "max-age=60" }),
    );
    const good = await send(open, new Request(url), app);
    expect(good.headers.get("cache-control")).toBe("max-age=60");
    const missing = await send(open, new Request(`${url}/none`), app);
    expect(missing.status).toBe(404);
    expect(missing.headers.get("cache-control")).toBe("no-store");
    for (const { headers } of [good, missing]) {
      expect(headers.get("x-request-id")).toBe("r-1");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
  });

  test("may hand on an answer whose headers cannot be changed", async () => {
    const response = await send(open, new Request(url), {
      fetch: () => Response.redirect("https://shop.example/else", 302),
    });
    expect(response.status).toBe(302);
    expect(response.headers.get("x-request-id")).toBe("r-1");
  });
});
