import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type EcsOptions, ecsHttp } from "../../../runtime/entries/ecs/http.ts";
import { type HttpHandler, PortError } from "../../../runtime/ports/index.ts";
import { scriptedTwin } from "../../runtime/overflow/twin.ts";

/** A container whose handler answers what it was sent, `/held` only when the test says so. */
async function serve(options: Partial<EcsOptions> = {}) {
  const held = Promise.withResolvers<void>();
  const handler: HttpHandler = {
    async fetch(request) {
      if (new URL(request.url).pathname === "/held") await held.promise;
      return new Response(`here: ${await request.text()}`);
    },
  };
  const server = await ecsHttp(handler, { auth: "none", port: 0, host: "127.0.0.1", ...options });
  onTestFinished(async () => {
    held.resolve();
    await server.stop();
  });
  const url = `http://127.0.0.1:${server.port}`;
  const stands = () => server.admission?.();
  return { ...server, url, release: held.resolve, stands };
}

/** A connection that has sent these bytes, and goes on only when told to. */
async function open(port: number, bytes: string) {
  const socket: Socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  socket.write(bytes, "latin1");
  return { socket, closed, text: () => text };
}

const one = { floor: 1, ceiling: 1 };

describe("a container above its limit", () => {
  test("answers through its twin, with the headers of its own", async () => {
    const { twin, calls } = scriptedTwin();
    const { url, stands } = await serve({ admission: { ...one, twin } });
    const held = fetch(`${url}/held`);
    await expect.poll(() => stands()?.inFlight).toBe(1);
    const spilt = fetch(`${url}/x?y=1`, { method: "POST", body: "body" });
    await expect.poll(() => calls.length).toBe(1);
    calls[0]?.answer();
    const answer = await spilt;
    expect(await answer.text()).toBe("from the twin");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    const { rawPath, rawQueryString, body, requestContext } = JSON.parse(calls[0]?.payload ?? "");
    expect({ rawPath, rawQueryString, body }).toEqual({
      rawPath: "/x",
      rawQueryString: "y=1",
      body: "body",
    });
    expect(answer.headers.get("x-request-id")).toBe(requestContext.requestId);
    expect(requestContext.http.sourceIp).toBe("127.0.0.1");
    void held.catch(() => {});
  });

  test("spills nothing for who has no token, nor for what is too large or not there", async () => {
    const { twin, calls } = scriptedTwin();
    const verify = async (token: string) => {
      if (token === "good") return { sub: "ada" };
      throw new PortError("denied", "tokens: no; sign in");
    };
    const { url, stands } = await serve({
      auth: "jwt",
      verify,
      routes: ["GET /held", "POST /x"],
      maxBodyBytes: 10,
      admission: { ...one, twin },
    });
    const authorization = "Bearer good";
    void fetch(`${url}/held`, { headers: { authorization } }).catch(() => {});
    await expect.poll(() => stands()?.inFlight).toBe(1);
    const post = async (body: string, headers: Record<string, string> = {}, path = "/x") =>
      (await fetch(url + path, { method: "POST", body, headers })).status;
    expect(await post("x")).toBe(401);
    expect(await post("x", { authorization: "Bearer bad" })).toBe(401);
    expect(await post("longer than ten", { authorization })).toBe(413);
    expect(await post("x", { authorization }, "/none")).toBe(404);
    expect(calls).toEqual([]);
    const good = post("x", { authorization });
    await expect.poll(() => calls.length).toBe(1);
    expect(JSON.parse(calls[0]?.payload ?? "").headers.authorization).toBe("Bearer good");
    calls[0]?.answer();
    expect(await good).toBe(200);
  });

  test("stops waiting for the twin when its client has gone", async () => {
    const { twin, calls } = scriptedTwin();
    const { port, url, stands } = await serve({ admission: { ...one, twin } });
    void fetch(`${url}/held`).catch(() => {});
    await expect.poll(() => stands()?.inFlight).toBe(1);
    const client = await open(port, "GET /gone HTTP/1.1\r\nHost: a\r\n\r\n");
    await expect.poll(() => calls.length).toBe(1);
    client.socket.destroy();
    await expect.poll(() => calls[0]?.signal?.aborted).toBe(true);
    await expect.poll(() => stands()?.spilling).toBe(0);
  });

  test("says 503 and when to come again where there is no twin", async () => {
    const { url, stands } = await serve({ admission: { ...one, waitMs: 10 } });
    void fetch(`${url}/held`).catch(() => {});
    await expect.poll(() => stands()?.inFlight).toBe(1);
    const refused = await fetch(url);
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(await refused.json()).toMatchObject({ code: "unavailable" });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test("that drains waits for what its twin is doing", async () => {
    const { twin, calls } = scriptedTwin();
    const server = await serve({ admission: { ...one, twin } });
    const held = fetch(`${server.url}/held`);
    await expect.poll(() => server.stands()?.inFlight).toBe(1);
    const spilt = fetch(server.url);
    await expect.poll(() => calls.length).toBe(1);
    let cut: number | undefined;
    const stopped = server.stop().then((count) => {
      cut = count;
    });
    await expect.poll(() => fetch(server.url).catch(() => "refused")).toBe("refused");
    server.release();
    expect(await (await held).text()).toBe("here: ");
    expect(cut).toBeUndefined();
    calls[0]?.answer();
    expect(await (await spilt).text()).toBe("from the twin");
    await stopped;
    expect(cut).toBe(0);
  });

  test("writes its metrics when it ends", async () => {
    const lines = vi.spyOn(console, "log").mockImplementation(() => {});
    const { url, stop } = await serve({ metrics: { workload: "api" } });
    await fetch(url);
    await stop();
    expect(JSON.parse(String(lines.mock.lastCall?.[0]))).toMatchObject({
      workload: "api",
      admitted: 1,
    });
    lines.mockRestore();
  });
});

describe("a container under clients that mean harm", () => {
  const half = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf";

  test("gives nobody a place whose body has not come, and answers the others", async () => {
    const { port, url, stands } = await serve({ admission: one });
    const slow = await Promise.all(Array.from({ length: 50 }, () => open(port, half)));
    const answer = await fetch(url, { method: "POST", body: "whole" });
    expect(await answer.text()).toBe("here: whole");
    expect(stands()).toMatchObject({ inFlight: 0, admitted: 1, refused: 0 });
    slow[0]?.socket.write("x".repeat(96));
    await expect.poll(() => slow[0]?.text()).toContain("here: halfx");
  });

  test("ends who sends a head or a body too slowly", async () => {
    const { port } = await serve({ limits: { headersMs: 200, requestMs: 400 } });
    const head = await open(port, "GET / HTTP/1.1\r\nX-A: ");
    const body = await open(port, half);
    await Promise.all([head.closed, body.closed]);
    expect(head.text()).toMatch(/^HTTP\/1\.1 408/);
    expect(body.text()).not.toMatch(/^HTTP\/1\.1 200/);
  });

  test("ends the oldest of too many that say nothing, not who comes next nor who is answered", async () => {
    const { port, url, release, stands } = await serve({ limits: { connections: 32 } });
    const held = open(port, "GET /held HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    await expect.poll(() => stands()?.inFlight).toBe(1);
    const flood = await Promise.all(Array.from({ length: 200 }, () => open(port, "GET / HT")));
    expect((await fetch(url, { headers: { connection: "close" } })).status).toBe(200);
    await expect
      .poll(() => flood.filter(({ socket }) => !socket.destroyed).length)
      .toBeLessThanOrEqual(32);
    release();
    await (await held).closed;
    expect((await held).text()).toMatch(/^HTTP\/1\.1 200/);
  });

  test("refuses a head without end, and answers the others", async () => {
    const { port, url } = await serve();
    const flood = await open(port, `GET / HTTP/1.1\r\nHost: a\r\nX-A: ${"a".repeat(20_000)}`);
    await flood.closed;
    expect(flood.text()).toMatch(/^HTTP\/1\.1 431/);
    const many = "x: y\r\n".repeat(4_000);
    const heads = await open(port, `GET / HTTP/1.1\r\nHost: a\r\n${many}\r\n`);
    await heads.closed;
    expect(heads.text()).toMatch(/^HTTP\/1\.1 431/);
    expect((await fetch(url)).status).toBe(200);
  });

  test("gives up the slowest body beyond what all of them may hold, not who comes next", async () => {
    const { port, url } = await serve({ limits: { heldBytes: 1_000 } });
    const length = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
    const slow = await open(port, `${length}${"x".repeat(900)}`);
    const post = (bytes: number) => fetch(url, { method: "POST", body: "y".repeat(bytes) });
    await expect
      .poll(async () => [(await post(200)).status, slow.text().slice(0, 12)])
      .toEqual([200, "HTTP/1.1 503"]);
    expect((await post(1_001)).status).toBe(503);
    expect((await post(1_000)).status).toBe(200);
  });

  test("does not count bodies any more whose connection ended before their turn", async () => {
    const { port, url, release, stands } = await serve({ limits: { heldBytes: 1_000 } });
    const held = "GET /held HTTP/1.1\r\nHost: a\r\n\r\n";
    const body = `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n${"x".repeat(900)}`;
    const client = await open(port, held + body);
    await expect.poll(() => stands()?.admitted).toBe(2);
    client.socket.destroy();
    const post = () => fetch(url, { method: "POST", body: "y".repeat(1_000) });
    await expect.poll(async () => (await post()).status).toBe(200);
    release();
  });

  test("ends a body in chunks at the limit, and not when it ends", async () => {
    const { port } = await serve({ maxBodyBytes: 100 });
    const chunk = `80\r\n${"x".repeat(128)}\r\n`;
    const head = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const endless = await open(port, head + chunk);
    await endless.closed;
    expect(endless.text()).toMatch(/^HTTP\/1\.1 413/);
  });
});
