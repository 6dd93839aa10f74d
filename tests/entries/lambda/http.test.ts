import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AlbEvent, HttpResult, V2Event } from "../../../runtime/entries/lambda/events.ts";
import { lambdaHttp } from "../../../runtime/entries/lambda/http.ts";
import type { HttpContext, HttpHandler } from "../../../runtime/ports/http.ts";

const lambda = { awsRequestId: "lambda-1" };
const open = { auth: "none" } as const;

const v2 = (parts: Partial<V2Event> & { readonly method?: string } = {}): V2Event => {
  const { method = "POST", ...rest } = parts;
  return {
    rawPath: "/things",
    rawQueryString: "",
    headers: {},
    requestContext: {
      requestId: "api-1",
      domainName: "abc.execute-api.example",
      http: { method, sourceIp: "203.0.113.7" },
    },
    ...rest,
  };
};

const alb = (parts: Partial<AlbEvent> = {}): AlbEvent => ({
  httpMethod: "POST",
  path: "/things",
  multiValueHeaders: { host: ["shop.example"] },
  requestContext: { elb: { targetGroupArn: "arn" } },
  ...parts,
});

/** What a handler is given, taken apart. */
async function seenBy(event: V2Event | AlbEvent) {
  let seen: { request: Request; context: HttpContext; body: Buffer } | undefined;
  const handler: HttpHandler = {
    fetch: async (request, context) => {
      seen = { request, context, body: Buffer.from(await request.arrayBuffer()) };
      return new Response(null, { status: 204 });
    },
  };
  const result = await lambdaHttp(handler, open)(event, lambda);
  if (!seen) throw new Error(`the handler was not called: ${JSON.stringify(result)}`);
  return seen;
}

const answerOf = (response: () => Response, event: V2Event | AlbEvent) =>
  lambdaHttp({ fetch: response }, open)(event, lambda);

const bytesOf = ({ body, isBase64Encoded }: HttpResult) =>
  Buffer.from(body, isBase64Encoded ? "base64" : "utf8");

describe("an HTTP API's event", () => {
  test("becomes a request with the address as it was sent", async () => {
    const { request, context } = await seenBy(
      v2({ rawPath: "/things/a", rawQueryString: "b=1&a=%20x&b=2&flag" }),
    );
    expect(request.url).toBe("https://abc.execute-api.example/things/a?b=1&a=%20x&b=2&flag");
    expect(context).toMatchObject({
      requestId: "api-1",
      clientIp: "203.0.113.7",
      target: "/things/a?b=1&a=%20x&b=2&flag",
    });
  });

  test.each([
    ["/a?admin=true", "/a%3Fadmin=true"],
    ["/a#b", "/a%23b"],
    ["/100%", "/100%25"],
    ["/a\tb\n", "/a%09b%0A"],
    ["/a\\b", "/a%5Cb"],
    ["/ä", "/%C3%A4"],
    ["/a%2Fb", "/a%2Fb"],
    ["//evil.example/a", "//evil.example/a"],
  ])("whose path was decoded to %j is still one path", async (rawPath, pathname) => {
    const { request } = await seenBy(v2({ rawPath, rawQueryString: "q=1" }));
    expect(new URL(request.url)).toMatchObject({
      pathname,
      search: "?q=1",
      host: "abc.execute-api.example",
    });
  });

  test("joins its cookies to one header", async () => {
    const { request } = await seenBy(v2({ cookies: ["a=1", "b=2"] }));
    expect(request.headers.get("cookie")).toBe("a=1; b=2");
  });

  test("gets several cookies back one by one", async () => {
    const result = await answerOf(
      () =>
        new Response("{}", {
          headers: [
            ["content-type", "application/json"],
            ["set-cookie", "a=1; Path=/"],
            ["set-cookie", "b=2"],
          ],
        }),
      v2(),
    );
    expect(result.cookies).toEqual(["a=1; Path=/", "b=2"]);
    expect(result.headers).not.toHaveProperty("set-cookie");
  });
});

describe("a load balancer's event", () => {
  test("becomes a request with each value of a header, and the query as it was encoded", async () => {
    const { request, context } = await seenBy(
      alb({
        path: "/things/a%20b",
        multiValueQueryStringParameters: { a: ["%20x", "2"], flag: [""] },
        multiValueHeaders: {
          host: ["shop.example"],
          accept: ["text/html", "application/json"],
          cookie: ["a=1", "b=2"],
          "x-forwarded-for": ["198.51.100.1, 203.0.113.7"],
          "x-amzn-trace-id": ["Root=1-67891233-abcdef012345678912345678"],
        },
      }),
    );
    expect(request.url).toBe("https://shop.example/things/a%20b?a=%20x&a=2&flag=");
    expect(request.headers.get("accept")).toBe("text/html, application/json");
    expect(request.headers.get("cookie")).toBe("a=1; b=2");
    expect(context).toMatchObject({
      clientIp: "203.0.113.7",
      requestId: "Root=1-67891233-abcdef012345678912345678",
    });
  });

  test("may have single values only", async () => {
    const { request, context } = await seenBy(
      alb({
        multiValueHeaders: undefined,
        headers: { host: "shop.example", accept: "text/html" },
        queryStringParameters: { a: "1" },
      }),
    );
    expect(request.url).toBe("https://shop.example/things?a=1");
    expect(request.headers.get("accept")).toBe("text/html");
    expect(context.requestId).toBe("lambda-1");
  });

  test("is answered in its own shape", async () => {
    const response = () =>
      new Response("{}", {
        headers: [
          ["content-type", "application/json"],
          ["set-cookie", "a=1"],
          ["set-cookie", "b=2"],
        ],
      });
    const many = await answerOf(response, alb());
    expect(many.multiValueHeaders).toMatchObject({
      "content-type": ["application/json"],
      "set-cookie": ["a=1", "b=2"],
    });
    expect(many.headers).toBeUndefined();
    const single = await answerOf(response, alb({ multiValueHeaders: undefined, headers: {} }));
    expect(single.headers).toMatchObject({
      "content-type": "application/json",
      "set-cookie": "b=2",
    });
    expect(single.multiValueHeaders).toBeUndefined();
  });
});

const shapes = [
  ["an HTTP API", v2],
  ["a load balancer", alb],
] as const;

describe.each(shapes)("behind %s", (_, eventWith: (parts: object) => V2Event | AlbEvent) => {
  test("any body arrives byte for byte, and goes back so", async () => {
    const echo: HttpHandler = {
      fetch: async (request) =>
        new Response(await request.arrayBuffer(), {
          headers: { "content-type": request.headers.get("x-as") ?? "" },
        }),
    };
    const run = lambdaHttp(echo, open);
    const types = fc.constantFrom("application/json", "text/plain", "image/png", "");
    const round = fc.asyncProperty(
      fc.uint8Array({ maxLength: 300 }),
      types,
      async (bytes, type) => {
        const body = Buffer.from(bytes).toString("base64");
        const headers = { "x-as": type };
        const result = await run(
          eventWith({
            body,
            isBase64Encoded: true,
            headers,
            multiValueHeaders: { "x-as": [type] },
          }),
          lambda,
        );
        expect(result.statusCode).toBe(200);
        expect(bytesOf(result).equals(bytes)).toBe(true);
      },
    );
    await fc.assert(round, { numRuns: 300 });
  });

  test("a text body arrives as its UTF-8", async () => {
    const texts = fc.string({ unit: "binary", maxLength: 100 });
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const { body } = await seenBy(eventWith({ body: text, isBase64Encoded: false }));
        expect(body.equals(Buffer.from(text))).toBe(true);
      }),
    );
  });

  test("the length is the body's own, whatever the client says", async () => {
    const { request } = await seenBy(
      eventWith({
        body: "12345",
        headers: { "content-length": "3" },
        multiValueHeaders: { "content-length": ["3"] },
      }),
    );
    expect(request.headers.get("content-length")).toBe("5");
  });

  test("a body over the limit is a 413", async () => {
    const run = lambdaHttp({ fetch: () => new Response() }, { ...open, maxBodyBytes: 4 });
    expect((await run(eventWith({ body: "12345" }), lambda)).statusCode).toBe(413);
    expect((await run(eventWith({ body: "1234" }), lambda)).statusCode).toBe(200);
  });

  test("text stays readable, bytes are base64, nothing is empty", async () => {
    const json = await answerOf(() => Response.json({ name: "Jörg" }), eventWith({}));
    expect(json).toMatchObject({ body: '{"name":"Jörg"}', isBase64Encoded: false });
    const image = new Uint8Array([0xff, 0xd8, 0, 1]);
    const binary = await answerOf(
      () => new Response(image, { headers: { "content-type": "image/jpeg" } }),
      eventWith({}),
    );
    expect(binary).toMatchObject({ body: "/9gAAQ==", isBase64Encoded: true });
    const packed = await answerOf(
      () =>
        new Response("abc", {
          headers: { "content-type": "text/plain", "content-encoding": "br" },
        }),
      eventWith({}),
    );
    expect(packed.isBase64Encoded).toBe(true);
    const nothing = await answerOf(() => new Response(null, { status: 204 }), eventWith({}));
    expect(nothing).toMatchObject({ statusCode: 204, body: "", isBase64Encoded: false });
  });

  test.each([
    ["a method that no request can have", { method: "CONNECT", httpMethod: "CONNECT" }],
    ["a method that is no token", { method: "G T", httpMethod: "G T" }],
    [
      "a header with a line end",
      { headers: { "x-a": "a\r\nb" }, multiValueHeaders: { "x-a": ["a\r\nb"] } },
    ],
    [
      "a header whose name is none",
      { headers: { "a b": "c" }, multiValueHeaders: { "a b": ["c"] } },
    ],
  ])("%s is a 400", async (_case, parts) => {
    expect((await answerOf(() => new Response(), eventWith(parts))).statusCode).toBe(400);
  });

  test("a header beyond Latin-1 arrives as its UTF-8 bytes", async () => {
    const { request } = await seenBy(
      eventWith({ headers: { "x-name": "日本" }, multiValueHeaders: { "x-name": ["日本"] } }),
    );
    const raw = Buffer.from(request.headers.get("x-name") ?? "", "latin1");
    expect(raw.toString("utf8")).toBe("日本");
  });
});

describe("routes and hosts", () => {
  test("what is not declared is a 404, another method a 405", async () => {
    const run = lambdaHttp(
      { fetch: () => new Response() },
      { ...open, routes: ["GET /things/{id}", "GET /files/{path+}", "ANY /all"] },
    );
    const status = async (method: string, rawPath: string) =>
      (await run(v2({ method, rawPath }), lambda)).statusCode;
    expect(await status("GET", "/things/1")).toBe(200);
    expect(await status("POST", "/things/1")).toBe(405);
    expect(await status("GET", "/things/1/2")).toBe(404);
    expect(await status("GET", "/things/")).toBe(404);
    expect(await status("GET", "/files/a/b/c")).toBe(200);
    expect(await status("GET", "/files")).toBe(404);
    expect(await status("DELETE", "/all")).toBe(200);
  });

  test("a Host header cannot move the path", async () => {
    const event = alb({ multiValueHeaders: { host: ["evil.example/other?"] } });
    expect((await answerOf(() => new Response(), event)).statusCode).toBe(400);
  });

  test("a route that cannot be read is refused at start", () => {
    expect(() =>
      lambdaHttp({ fetch: () => new Response() }, { ...open, routes: ["things"] }),
    ).toThrow(/Route "things"/);
  });

  test("a malformed escape that a load balancer passes on is a 400", async () => {
    const event = alb({ path: "/things/%zz" });
    expect((await answerOf(() => new Response(), event)).statusCode).toBe(400);
  });
});
