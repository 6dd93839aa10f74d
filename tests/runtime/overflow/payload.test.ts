import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toRequest, toResult, type V2Event } from "../../../runtime/entries/lambda/events.ts";
import {
  canTravel,
  maxPayloadBytes,
  payloadOf,
  responseOf,
} from "../../../runtime/overflow/payload.ts";

const context = { requestId: "r-1", clientIp: "203.0.113.7" };
const event = { rawPath: "/", requestContext: { http: { method: "GET" } } } satisfies V2Event;

/** What the function's own entry makes of a request that was handed on. */
async function arrived(request: Request, target: string, body: Uint8Array) {
  const payload = payloadOf(request, { ...context, target }, body);
  const { request: seen, context: given } = toRequest(JSON.parse(payload ?? ""), "none");
  return { seen, given, body: new Uint8Array(await seen.arrayBuffer()) };
}

describe("a request that is handed on", () => {
  test("arrives as it was: method, path, query, headers and every byte", async () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9._~!$&'()*+,;=:@-]{1,12}$/);
    const path = fc
      .array(segment, { maxLength: 4 })
      .filter((parts) => !parts.some((part) => part === "." || part === ".."))
      .map((parts) => `/${parts.join("/")}`);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("POST", "PUT", "PATCH", "DELETE"),
        path,
        fc.webQueryParameters(),
        fc.uint8Array({ maxLength: 400 }),
        fc.stringMatching(/^[!-~]{0,40}$/),
        async (method, pathname, query, body, value) => {
          const target = query ? `${pathname}?${query}` : pathname;
          const headers = { host: "shop.example", "x-value": value, authorization: "Bearer a.b.c" };
          const request = new Request(`http://shop.example${target}`, { method, headers });
          const there = await arrived(request, target, body);
          expect(there.seen.method).toBe(method);
          expect(new URL(there.seen.url).pathname).toBe(new URL(request.url).pathname);
          expect(new URL(there.seen.url).search).toBe(new URL(request.url).search);
          expect(there.body).toEqual(body);
          expect(there.seen.headers.get("x-value")).toBe(value);
          expect(there.seen.headers.get("authorization")).toBe("Bearer a.b.c");
          expect(there.given).toMatchObject({ ...context, target });
        },
      ),
    );
  });

  test("keeps its cookies, and what its client called it", async () => {
    const request = new Request("http://a.example/x", {
      headers: { host: "a.example", cookie: "one=1; two=2" },
    });
    const { seen } = await arrived(request, "/x?a=%20'b'", new Uint8Array());
    expect(seen.headers.get("cookie")).toBe("one=1; two=2");
    expect(new URL(seen.url).host).toBe("a.example");
  });

  test("leaves what belongs to its connection behind", async () => {
    const headers = {
      connection: "keep-alive, x-hop",
      "x-hop": "1",
      "keep-alive": "timeout=5",
      "transfer-encoding": "chunked",
      te: "trailers",
      "proxy-authorization": "Basic x",
      expect: "100-continue",
      accept: "text/html",
    };
    const request = { method: "GET", url: "http://a/x", headers: new Headers(headers) };
    const { seen } = await arrived(request as Request, "/x", new Uint8Array());
    expect(Object.fromEntries(seen.headers)).toEqual({ accept: "text/html" });
  });

  test("is refused when its JSON would be over 6 MB, and not before", () => {
    const request = new Request("http://a/x", { method: "POST" });
    const sized = (bytes: number, fill: number) =>
      payloadOf(request, context, new Uint8Array(bytes).fill(fill));
    const text = "a".charCodeAt(0);
    expect(sized(maxPayloadBytes - 1_000, text)?.length).toBeLessThanOrEqual(maxPayloadBytes);
    expect(sized(maxPayloadBytes, text)).toBeUndefined();
    // Base64 takes four bytes for three, a quote in JSON two for one.
    expect(sized(4_718_000, 0xff)).toBeDefined();
    expect(sized(4_719_000, 0xff)).toBeUndefined();
    expect(sized(3_200_000, '"'.charCodeAt(0))).toBeUndefined();
  });

  test.each([
    [{ headers: { upgrade: "websocket" } }, false],
    [{ headers: { accept: "text/event-stream" } }, false],
    [{ method: "POST", headers: { "content-length": `${maxPayloadBytes + 1}` } }, false],
    [{ method: "POST", headers: { "content-length": "10" } }, true],
    [{}, true],
  ])("with %j can travel: %s", (init, expected) => {
    expect(canTravel(new Request("http://a/x", init))).toBe(expected);
  });
});

describe("an answer that comes back", () => {
  test("is what the function's own entry has sent: status, headers, cookies and bytes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 200, max: 599 }),
        fc.uint8Array({ maxLength: 400 }),
        fc.constantFrom("text/plain", "application/json", "image/png"),
        async (status, bytes, type) => {
          const body = [204, 205, 304].includes(status) || bytes.length === 0 ? null : bytes;
          const headers = new Headers({ "content-type": type, "x-a": "1" });
          headers.append("set-cookie", "a=1; Path=/");
          headers.append("set-cookie", "b=2");
          const sent = new Response(body && Buffer.from(body), { status, headers });
          const back = responseOf(JSON.stringify(await toResult(event, sent)));
          expect(back.status).toBe(status);
          expect([...back.headers]).toEqual([...headers]);
          expect(new Uint8Array(await back.arrayBuffer())).toEqual(body ?? new Uint8Array());
        },
      ),
    );
  });

  test.each([
    "",
    "null",
    "no",
    '{"errorMessage":"x"}',
    '{"statusCode":99}',
    '{"statusCode":"200"}',
  ])("that is %j is none", (answer) => {
    expect(() => responseOf(answer)).toThrow(TypeError);
  });
});
