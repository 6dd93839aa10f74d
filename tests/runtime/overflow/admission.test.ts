import { describe, expect, test, vi } from "vitest";
import { type AdmissionOptions, admission } from "../../../runtime/overflow/admission.ts";
import type { HttpHandler } from "../../../runtime/ports/index.ts";
import { scriptedTwin } from "./twin.ts";

/** A container with room for one request, which ends when the test says so. */
function container(options: AdmissionOptions = {}) {
  const begun: { request: Request; end(status?: number): void }[] = [];
  const handler: HttpHandler = {
    fetch(request) {
      const { promise, resolve } = Promise.withResolvers<Response>();
      begun.push({ request, end: (status = 200) => resolve(new Response("local", { status })) });
      return promise;
    },
  };
  const one = admission(handler, { floor: 1, ceiling: 1, ...options });
  const ask = async (init: RequestInit = {}, path = "/a") => {
    const request = new Request(`http://a${path}`, init);
    const response = await one.handler.fetch(request, { requestId: "r", target: path });
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  return { ...one, ask, begun };
}
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

describe("a request below the limit", () => {
  test("is answered here, and never by the twin", async () => {
    const { twin, calls } = scriptedTwin();
    const { ask, begun, snapshot } = container({ twin });
    const answer = ask();
    begun[0]?.end();
    expect(await answer).toMatchObject({ status: 200, text: "local" });
    expect(calls).toEqual([]);
    expect(snapshot()).toMatchObject({ admitted: 1, spilled: 0, refused: 0, inFlight: 0 });
  });

  test("gives its place back however it ends", async () => {
    const failing = admission(
      { fetch: () => Promise.reject(new Error("broken")) },
      { floor: 1, ceiling: 1 },
    );
    const throwing = admission(
      {
        fetch() {
          throw new Error("broken");
        },
      },
      { floor: 1, ceiling: 1 },
    );
    const request = new Request("http://a/");
    for (let i = 0; i < 3; i++) {
      await expect(failing.handler.fetch(request, { requestId: "r" })).rejects.toThrow("broken");
      expect(() => throwing.handler.fetch(request, { requestId: "r" })).toThrow("broken");
    }
    expect(failing.snapshot().inFlight + throwing.snapshot().inFlight).toBe(0);
  });
});

describe("a request above the limit", () => {
  test("goes to the twin at once, with its body and its token, and is begun there alone", async () => {
    const { twin, calls } = scriptedTwin();
    const { ask, begun, snapshot } = container({ twin });
    const first = ask();
    const second = ask({
      method: "POST",
      body: '{"a":1}',
      headers: { authorization: "Bearer t", "content-type": "application/json" },
    });
    await settle();
    expect(JSON.parse(calls[0]?.payload ?? "")).toMatchObject({
      rawPath: "/a",
      body: '{"a":1}',
      headers: { authorization: "Bearer t" },
      requestContext: { requestId: "r", http: { method: "POST" } },
    });
    calls[0]?.answer();
    expect(await second).toMatchObject({ status: 200, text: "from the twin" });
    expect(begun).toHaveLength(1);
    begun[0]?.end();
    await first;
    expect(snapshot()).toMatchObject({ admitted: 1, spilled: 1, refused: 0, spilling: 0 });
  });

  test.each(["throttled", "denied", "too-large", "invalid"] as const)(
    "that the twin has not begun (%s) waits for a place here, with its body",
    async (code) => {
      vi.spyOn(console, "error").mockImplementation(() => {});
      const { twin, calls } = scriptedTwin();
      const { ask, begun, snapshot } = container({ twin });
      void ask();
      const second = ask({ method: "POST", body: "kept" });
      await settle();
      calls[0]?.fail(code);
      await settle();
      begun[0]?.end();
      await settle();
      expect(await begun[1]?.request.text()).toBe("kept");
      begun[1]?.end();
      expect(await second).toMatchObject({ status: 200, text: "local" });
      expect(calls).toHaveLength(1);
      expect(snapshot()).toMatchObject({ admitted: 2, spilled: 0, refused: 0 });
      vi.restoreAllMocks();
    },
  );

  test("that the twin may have begun is begun by nobody again, and its failure is logged", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { twin, calls } = scriptedTwin();
    const { ask, begun, snapshot } = container({ twin });
    void ask();
    const second = ask({ method: "POST", body: "once" });
    await settle();
    calls[0]?.fail("unavailable");
    const { status, text, headers } = await second;
    expect(status).toBe(502);
    expect(JSON.parse(text)).toMatchObject({ code: "unavailable", requestId: "r" });
    expect(headers.get("retry-after")).toBeNull();
    expect(JSON.parse(String(log.mock.lastCall?.[0]))).toMatchObject({
      requestId: "r",
      status: 502,
    });
    log.mockRestore();
    expect(begun).toHaveLength(1);
    expect(calls).toHaveLength(1);
    expect(snapshot()).toMatchObject({ spilled: 1, spilledFailed: 1 });
  });

  test("whose client has gone is not waited for any more", async () => {
    const { twin, calls } = scriptedTwin();
    const { ask, snapshot } = container({ twin });
    void ask();
    const client = new AbortController();
    const second = ask({ signal: client.signal });
    await settle();
    client.abort();
    await second;
    expect(calls[0]?.signal?.aborted).toBe(true);
    expect(snapshot()).toMatchObject({ spilling: 0, breaker: "closed", refused: 0 });
  });

  test("whose client goes while it waits leaves the line, and the next gets the place", async () => {
    const { ask, begun, snapshot } = container({ waiting: 2 });
    void ask();
    const client = new AbortController();
    const gone = ask({ signal: client.signal }, "/gone");
    const next = ask({}, "/next");
    await settle();
    expect(snapshot().waiting).toBe(2);
    client.abort();
    await gone;
    begun[0]?.end();
    await settle();
    expect(begun.map(({ request }) => new URL(request.url).pathname)).toEqual(["/a", "/next"]);
    begun[1]?.end();
    expect(await next).toMatchObject({ status: 200 });
    expect(snapshot()).toMatchObject({ inFlight: 0, waiting: 0, refused: 0 });
  });

  test("is refused with Retry-After where no place comes in time", async () => {
    const { ask, snapshot } = container({ waitMs: 20 });
    void ask();
    const { status, text, headers } = await ask();
    expect(status).toBe(503);
    expect(headers.get("content-type")).toBe("application/problem+json");
    expect(Number(headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(JSON.parse(text)).toMatchObject({ status: 503, code: "unavailable" });
    expect(snapshot()).toMatchObject({ admitted: 1, refused: 1 });
  });

  test("is refused at once where its deadline leaves no time to wait", async () => {
    const { ask, begun } = container({ deadlineMs: 0 });
    void ask();
    expect((await ask()).status).toBe(503);
    expect(begun).toHaveLength(1);
  });

  test.each([
    ["asks for a stream", { headers: { accept: "text/event-stream" } }],
    ["asks for another protocol", { headers: { upgrade: "h2c" } }],
    ["is too large for a call", { method: "POST", body: "\u0000".repeat(1_100_000) }],
  ])("that %s is never spilled", async (_, init) => {
    const { twin, calls } = scriptedTwin();
    const { ask } = container({ twin, waitMs: 20 });
    void ask();
    expect((await ask(init)).status).toBe(503);
    expect(calls).toEqual([]);
  });

  test("is not spilled beyond so many calls at a time", async () => {
    const { twin, calls } = scriptedTwin();
    const { ask } = container({ twin, maxSpilling: 1, waitMs: 20 });
    void ask();
    const spilt = ask();
    await settle();
    expect((await ask()).status).toBe(503);
    expect(calls).toHaveLength(1);
    calls[0]?.answer();
    expect((await spilt).status).toBe(200);
  });
});

describe("the twin", () => {
  test("is left alone for a while when it fails, and asked again then", async () => {
    let time = 0;
    const { twin, calls } = scriptedTwin();
    const { ask, snapshot } = container({
      twin,
      waitMs: 0,
      now: () => time,
      breaker: { volume: 3, openMs: 1_000 },
    });
    void ask();
    for (let i = 0; i < 3; i++) {
      const answer = ask();
      await settle();
      calls[i]?.answer("down", 503);
      expect((await answer).status).toBe(503);
    }
    expect(snapshot().breaker).toBe("open");
    const { status, headers } = await ask();
    expect([status, headers.get("retry-after")]).toEqual([503, "1"]);
    expect(calls).toHaveLength(3);
    time = 1_000;
    const probe = ask();
    await settle();
    calls[3]?.answer();
    expect((await probe).text).toBe("from the twin");
    expect(snapshot().breaker).toBe("closed");
  });

  test("is not asked beyond its budget, in which calls that it refused do not count", async () => {
    const { twin, calls } = scriptedTwin();
    const { ask, snapshot } = container({ twin, waitMs: 20, budget: { perHour: 1 } });
    void ask();
    const throttled = ask();
    await settle();
    calls[0]?.fail("throttled");
    expect((await throttled).status).toBe(503);
    const spilt = ask();
    await settle();
    calls[1]?.answer();
    expect((await spilt).status).toBe(200);
    expect((await ask()).status).toBe(503);
    expect(calls).toHaveLength(2);
    expect(snapshot()).toMatchObject({ spilled: 1, refused: 2, budgetShare: 1 });
  });
});
