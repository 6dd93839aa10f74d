import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, request as call, type RequestOptions } from "node:http";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { type EcsServer, ecsHttp } from "../../../runtime/entries/ecs/http.ts";
import { createApp } from "../../../runtime/http/app.ts";

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly connection: string | undefined;
}

/** A request over a plain socket's HTTP, so that connections can be watched. */
function send(port: number, path: string, options: RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = call({ host: "127.0.0.1", port, path, ...options }, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      const { connection } = response.headers;
      resolve({ status: response.statusCode ?? 0, text, connection });
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}

/** What a server answers to bytes as they stand here. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.setTimeout(5000, () => socket.destroy(new Error("no answer")));
  socket.write(bytes, "latin1");
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    if (text.includes("\r\n\r\n")) socket.end();
  });
  await once(socket, "close");
  return text;
}

/** The fixture as a process of its own, as in a container. */
async function start(env: Record<string, string>) {
  const child = spawn(process.execPath, [fileURLToPath(new URL("server.ts", import.meta.url))], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const said = async () => String((await lines.next()).value);
  const exited = once(child, "exit");
  const [, port] = (await said()).split(" ");
  return { child, port: Number(port), said, exited };
}

describe("on SIGTERM", () => {
  test("a container finishes what is in flight, takes nothing new, and exits with 0", async () => {
    const { child, port, said, exited } = await start({ SLOW_MS: "600" });
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    // A connection that stays open after its answer must not hold up the exit.
    expect((await send(port, "/", { agent })).status).toBe(200);
    const slow = send(port, "/slow", { agent: new Agent({ keepAlive: true }) });
    expect(await said()).toBe("slow");

    child.kill("SIGTERM");
    await expect
      .poll(() => send(port, "/", { agent: false }).catch((error) => error.code))
      .toBe("ECONNREFUSED");
    const answer = await slow;
    expect(answer).toMatchObject({ status: 200, connection: "close" });
    expect(await exited).toEqual([0, null]);
  });

  test("a container that is idle exits at once", async () => {
    const { child, exited } = await start({});
    const before = performance.now();
    child.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
    expect(performance.now() - before).toBeLessThan(2000);
  });

  test("what is not done at the deadline is cut off, and the exit code says so", async () => {
    const { child, port, said, exited } = await start({ SLOW_MS: "60000", DRAIN_SECONDS: "0.3" });
    const slow = send(port, "/slow").catch((error) => error.code);
    expect(await said()).toBe("slow");
    child.kill("SIGTERM");
    expect(await slow).toBe("ECONNRESET");
    expect(await exited).toEqual([1, null]);
  });
});

describe("while it drains", () => {
  /** A server that holds one request until it is released; and a client with half a request. */
  async function draining(half: string) {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    const handler = {
      fetch: async () => {
        arrive();
        await held;
        return new Response("done");
      },
    };
    const server = await ecsHttp(handler, { auth: "none", port: 0, host: "127.0.0.1" });
    const slow = send(server.port, "/slow", { agent: new Agent({ keepAlive: true }) });
    await arrived;
    const socket = connect(server.port, "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString();
    });
    socket.write(half);
    // The server has read it once it answers a later connection.
    await send(server.port, "/healthz", { agent: false });
    const stopped = server.stop();
    return { socket, stopped, slow, release, closed: once(socket, "close"), text: () => text };
  }

  test("it is not ready, and closes each connection behind its answer", async () => {
    const one = await draining("GET /healthz HTTP/1.1\r\n");
    one.socket.write("Host: a\r\n\r\n");
    await one.closed;
    expect(one.text()).toMatch(/^HTTP\/1\.1 503 [\s\S]*Connection: close/i);
    one.release();
    expect(await one.slow).toMatchObject({ status: 200, connection: "close" });
    expect(await one.stopped).toBe(0);
  });

  test("stopping twice is stopping once", async () => {
    const server = await ecsHttp(createApp(), { auth: "none", port: 0, host: "127.0.0.1" });
    expect(await Promise.all([server.stop(), server.stop()])).toEqual([0, 0]);
  });
});

describe("a container's server", async () => {
  const app = createApp()
    .get("/me", (c) => c.json({ ip: c.env.clientIp, id: c.env.requestId, target: c.env.target }))
    .get("/cached", (c) => c.body("kept", 200, { "cache-control": "max-age=60" }))
    .post("/length", async (c) => c.text(String((await c.req.arrayBuffer()).byteLength)));
  const server: EcsServer = await ecsHttp(app, {
    auth: "none",
    port: 0,
    host: "127.0.0.1",
    maxBodyBytes: 1000,
    routes: ["GET /me", "GET /cached", "POST /length"],
  });
  const { port } = server;
  afterAll(() => server.stop());
  const status = (text: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);

  test("is ready", async () => {
    expect(await send(port, "/healthz")).toMatchObject({ status: 200, text: "ok" });
  });

  test("knows the client as the load balancer saw it", async () => {
    const { text } = await send(port, "/me?a=%20'b'", {
      headers: { "x-forwarded-for": "198.51.100.1, 203.0.113.7", "x-amzn-trace-id": "Root=1-a-b" },
    });
    expect(JSON.parse(text)).toEqual({
      ip: "203.0.113.7",
      id: "Root=1-a-b",
      target: "/me?a=%20'b'",
    });
  });

  test("makes a request id where there is none that is fit for a log", async () => {
    const { text } = await send(port, "/me", { headers: { "x-amzn-trace-id": 'a"b c' } });
    expect(JSON.parse(text).id).toMatch(/^[\da-f-]{36}$/);
  });

  test("puts its own headers on every answer, the handler's caching before them", async () => {
    const cached = await fetch(`http://127.0.0.1:${port}/cached`);
    expect(cached.headers.get("cache-control")).toBe("max-age=60");
    const missing = await fetch(`http://127.0.0.1:${port}/none`);
    expect(missing.status).toBe(404);
    expect(missing.headers.get("cache-control")).toBe("no-store");
    for (const { headers } of [cached, missing]) {
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("x-request-id")).toMatch(/^[\da-f-]{36}$/);
    }
  });

  test("takes bodies with a length and bodies in chunks, up to the limit", async () => {
    const sized = (n: number) =>
      raw(port, `POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: ${n}\r\n\r\n${"x".repeat(n)}`);
    const chunked = (n: number) =>
      raw(
        port,
        `POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${n.toString(16)}\r\n${"x".repeat(n)}\r\n0\r\n\r\n`,
      );
    expect(
      await Promise.all([sized(1000), chunked(1000)].map(async (a) => status(await a))),
    ).toEqual([200, 200]);
    expect(
      await Promise.all([sized(1001), chunked(1001)].map(async (a) => status(await a))),
    ).toEqual([413, 413]);
  });

  test.each([
    ["a malformed escape", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["a target that is no path", "GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["an asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["a Host that is none", "GET /me HTTP/1.1\r\nHost: a b/c?\r\n\r\n", 400],
    ["no Host", "GET /me HTTP/1.1\r\n\r\n", 400],
    ["bytes that are no HTTP", "\x16\x03\x01\x02\r\n\r\n", 400],
    [
      "both length and chunks",
      "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    ["a method without a route", "TRACE /me HTTP/1.1\r\nHost: a\r\n\r\n", 405],
    ["a path without a route", "GET /none HTTP/1.1\r\nHost: a\r\n\r\n", 404],
    ["a whole address as target", "GET http://b/me HTTP/1.1\r\nHost: a\r\n\r\n", 200],
  ])("answers %s without falling over", async (_, bytes, expected) => {
    const text = await raw(port, bytes);
    expect(status(text)).toBe(expected);
    expect(text).not.toMatch(/node_modules|\.ts:/);
  });
});
