import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import { ecsSocket } from "../../../runtime/entries/ecs/socket.ts";
import { socketsLine } from "../../../runtime/entries/ecs/socket-metrics.ts";
import { Problem } from "../../../runtime/http/problem.ts";
import { type Peer, PortError, type SocketHandler } from "../../../runtime/ports/index.ts";
import { connectTo, refusalOf, serve, verify } from "./sockets.ts";

const echo: SocketHandler = { message: (peer, message) => void peer.send({ echo: message }) };
const kB = "x".repeat(1_000);

describe("an upgrade", () => {
  test("is for who has a token, in the header or as a subprotocol, which is not repeated", async () => {
    const { port } = await serve(echo);
    const byHeader = connectTo(port);
    await byHeader.opened;
    byHeader.send([1, null]);
    await expect.poll(() => byHeader.told).toEqual([{ echo: [1, null] }]);

    const browser = new WebSocket(`ws://127.0.0.1:${port}/live`, ["bearer.ann", "spillway.v1"]);
    onTestFinished(() => browser.terminate());
    await once(browser, "open");
    expect(browser.protocol).toBe("spillway.v1");
  });

  test.each([
    ["no token", { headers: {} }, [401, "denied"]],
    ["one that is not valid", { token: "bad" }, [401, "denied"]],
    ["one that has expired", { token: "ann_1000" }, [401, "denied"]],
    [
      "one in the query",
      { headers: {}, path: "/live?token=ann&access_token=ann" },
      [401, "denied"],
    ],
    ["another path", { path: "/other" }, [404, "not-found"]],
    ["a page of somebody else's", { origin: "https://evil.example" }, [403, "denied"]],
    ["a page without an address", { origin: "null" }, [403, "denied"]],
  ])("with %s is refused", async (_, options, refusal) => {
    const { port, snapshot } = await serve(echo, { origins: ["https://shop.example"] });
    expect(await refusalOf(port, options)).toEqual(refusal);
    expect(snapshot()).toMatchObject({ connections: 0, refused: 1 });
  });

  test("that offers subprotocols needs one that is spoken", async () => {
    const { port } = await serve(echo);
    const client = new WebSocket(`ws://127.0.0.1:${port}/live`, ["bearer.ann"]);
    client.on("error", () => {});
    const [, response] = await once(client, "unexpected-response");
    expect(response.statusCode).toBe(400);
  });

  test("comes from a page that may, or from the host's own", async () => {
    const { port } = await serve(echo, { origins: ["https://shop.example"] });
    for (const origin of ["https://shop.example", `http://127.0.0.1:${port}`])
      await connectTo(port, { origin }).opened;
  });

  test("waits for the issuer's keys, and is a 503 where they cannot be had", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => log.mockRestore());
    const away = async () => Promise.reject(new PortError("unavailable", "keys at secret-host"));
    const { port } = await serve(echo, { verify: away });
    expect(await refusalOf(port)).toEqual([503, "unavailable"]);
  });

  test("is all that is answered, beside the load balancer", async () => {
    const { port } = await serve(echo);
    const statusOf = async (path: string, init: RequestInit = {}) =>
      (await fetch(`http://127.0.0.1:${port}${path}`, init)).status;
    expect(await statusOf("/healthz")).toBe(200);
    expect(await statusOf("/live")).toBe(426);
    expect(await statusOf("/live", { method: "POST", body: kB })).toBe(426);
    expect(await statusOf("/other")).toBe(404);
  });

  test("with auth none needs no token; a server cannot be made without a verifier", async () => {
    const { port } = await serve(echo, { auth: "none" });
    await connectTo(port, { headers: {} }).opened;
    await expect(ecsSocket(echo, { path: "/live" })).rejects.toThrow("without verify");
  });
});

describe("a handler", () => {
  test("has one message of a peer at a time, in their order, once it was opened", async () => {
    const seen: unknown[] = [];
    const step = Promise.withResolvers<void>();
    const { port } = await serve({
      open: () => step.promise,
      async message(_, message) {
        seen.push(`begin ${message}`);
        await Promise.resolve();
        seen.push(`end ${message}`);
      },
    });
    const client = connectTo(port);
    await client.opened;
    for (const n of [1, 2, 3]) client.send(n);
    expect(seen).toEqual([]);
    step.resolve();
    await expect.poll(() => seen).toEqual([1, 2, 3].flatMap((n) => [`begin ${n}`, `end ${n}`]));
  });

  test("is told of the user, and that the socket is gone", async () => {
    const left: Peer[] = [];
    const { port } = await serve({ ...echo, close: (peer) => void left.push(peer) });
    const client = connectTo(port, { token: "bea" });
    await client.opened;
    client.socket.terminate();
    await expect
      .poll(() => left)
      .toMatchObject([{ claims: { sub: "bea" }, clientIp: "127.0.0.1" }]);
    expect(left[0]?.send("to nobody")).toBe(false);
  });

  test("answers what it throws by its code, and says nothing of the inside", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => log.mockRestore());
    const errors = [
      new Problem("denied", { detail: "Not yours." }),
      new PortError("unavailable", "cache: at secret-host"),
      new Error("secret"),
    ];
    const { port } = await serve({
      message() {
        throw errors.shift();
      },
    });
    const client = connectTo(port);
    await client.opened;
    for (const n of [1, 2, 3]) client.send(n);
    await expect
      .poll(() => client.told)
      .toMatchObject([
        { type: "error", code: "denied", detail: "Not yours." },
        { type: "error", code: "unavailable" },
        { type: "error", code: "internal" },
      ]);
    expect(JSON.stringify(client.told)).not.toContain("secret");
    expect(log).toHaveBeenCalledTimes(2);
  });

  test.each([
    ["refuses", new Problem("denied"), 1008],
    ["fails", new Error("secret"), 1011],
  ])("that %s to open closes", async (_, error, code) => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => log.mockRestore());
    const { port } = await serve({ ...echo, open: () => Promise.reject(error) });
    expect(await connectTo(port).closed).toEqual([code, expect.not.stringContaining("secret")]);
  });
});

describe("a token that expires", () => {
  test("closes its socket with a code of its own", async () => {
    const { port } = await serve(echo);
    const inTwoSeconds = Math.ceil(Date.now() / 1000) + 1;
    const client = connectTo(port, { token: `ann_${inTwoSeconds}` });
    await client.opened;
    expect(await client.closed).toEqual([4401, "the access token has expired"]);
  });
});

describe("a half-open peer", () => {
  test("is ended after a ping that it did not answer; others stay", async () => {
    const { port, snapshot } = await serve(echo, { heartbeatSeconds: 0.5 });
    const dead = connectTo(port, { autoPong: false, token: "dead" });
    const alive = connectTo(port);
    await Promise.all([dead.opened, alive.opened]);
    expect((await dead.closed)[0]).toBe(1006);
    await expect.poll(() => snapshot().connections).toBe(1);
    alive.send("still");
    await expect.poll(() => alive.told).toEqual([{ echo: "still" }]);
  });
});

describe("a hostile client", () => {
  test.each<[string, (socket: WebSocket) => void, number]>([
    [
      "a message that is too large",
      (socket) => socket.send(JSON.stringify("x".repeat(20_000))),
      1009,
    ],
    ["what is no JSON", (socket) => socket.send("{"), 1007],
    ["bytes", (socket) => socket.send(Buffer.from("{}")), 1003],
    [
      "a flood",
      (socket) => {
        for (let n = 0; n < 200; n++) socket.send("1");
      },
      1008,
    ],
  ])("that sends %s is closed, and nobody else", async (_, harm, code) => {
    const { port } = await serve(echo);
    const [other, client] = [connectTo(port), connectTo(port)];
    await Promise.all([other.opened, client.opened]);
    harm(client.socket);
    expect((await client.closed)[0]).toBe(code);
    other.send("unharmed");
    await expect.poll(() => other.told).toEqual([{ echo: "unharmed" }]);
  });

  test("that speaks no web socket ends its own, whatever it sends", async () => {
    const { port, snapshot } = await serve(echo, { auth: "none" });
    const client = connectTo(port);
    await client.opened;
    const line = fc.oneof(
      fc.constantFrom(
        "Sec-WebSocket-Version: 12",
        "Sec-WebSocket-Key: short",
        "Sec-WebSocket-Protocol: ,,",
        "Sec-WebSocket-Protocol: spillway.v1, spillway.v1",
        'Sec-WebSocket-Extensions: permessage-deflate; x="',
        "Upgrade: h2c",
        "Content-Length: 5",
        "Origin: http://[",
      ),
      fc.constant("X-Odd: 1"),
    );
    const sent = fc.record({
      lines: fc.array(line, { maxLength: 2 }),
      frames: fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        // A masked text whose length is up to 2 ** 63.
        fc.uint8Array({ minLength: 12, maxLength: 12 }).map((one) => [0x81, 0xff, ...one]),
        // Fragments that never end.
        fc.constant(Array.from({ length: 500 }, () => [0x01, 0x80, 0, 0, 0, 0]).flat()),
      ),
    });
    await fc.assert(
      fc.asyncProperty(sent, async ({ lines, frames }) => {
        const socket = connect(port, "127.0.0.1");
        socket.on("error", () => {}).resume();
        const head = [
          "GET /live HTTP/1.1",
          "Host: a",
          "Connection: Upgrade",
          "Upgrade: websocket",
          "Sec-WebSocket-Version: 13",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
          ...lines,
        ];
        socket.write(`${head.join("\r\n")}\r\n\r\n`);
        socket.write(Uint8Array.from(frames));
        await new Promise(setImmediate);
        socket.destroy();
        await once(socket, "close");
      }),
      { numRuns: 150 },
    );
    await expect.poll(() => snapshot().connections, { timeout: 10_000 }).toBe(1);
    client.send("unharmed");
    await expect.poll(() => client.told).toEqual([{ echo: "unharmed" }]);
  });

  test("that sends while its message is in work is left with what it sends", async () => {
    let begun = 0;
    const held = Promise.withResolvers<void>();
    const { port } = await serve(
      {
        message: () => {
          begun += 1;
          return held.promise;
        },
      },
      { limits: { burst: 1e9, messageBytes: 1e6 } },
    );
    const client = connectTo(port);
    await client.opened;
    const large = JSON.stringify("x".repeat(900_000));
    for (let n = 0; n < 60; n++) client.socket.send(large);
    await expect.poll(() => begun).toBe(1);
    // The kernel has some of the 54 MB; most stays where it came from.
    await expect.poll(() => client.socket.bufferedAmount).toBeLessThan(54_000_000);
    for (let round = 0; round < 20; round++) await new Promise(setImmediate);
    expect(client.socket.bufferedAmount).toBeGreaterThan(30_000_000);
    expect(begun).toBe(1);
    held.resolve();
    await expect.poll(() => begun, { timeout: 20_000 }).toBe(60);
  });

  test("that reads nothing is closed, with bounded bytes waiting for it", async () => {
    const peers: Peer[] = [];
    const { port, snapshot } = await serve(
      { ...echo, open: (peer) => void peers.push(peer) },
      { limits: { bufferedBytes: 100_000, closeMs: 100 } },
    );
    const client = connectTo(port);
    await client.opened;
    client.socket.pause();
    await expect.poll(() => peers.length).toBe(1);
    let most = 0;
    // What the kernel takes is not waiting here.
    for (let n = 0; n < 50_000 && snapshot().behind === 0; n++) {
      peers[0]?.send({ n, kB });
      most = Math.max(most, peers[0]?.buffered ?? 0);
      if (n % 50 === 0) await new Promise(setImmediate);
    }
    expect(snapshot().behind).toBe(1);
    expect(most).toBeLessThanOrEqual(100_000);
    await expect.poll(() => snapshot().connections).toBe(0);
    client.socket.resume();
    expect((await client.closed)[0]).not.toBe(1000);
  });

  test("that makes no room in time is closed as behind; who makes room is waited for", async () => {
    const peers: Peer[] = [];
    const { port, snapshot } = await serve(
      { ...echo, open: (peer) => void peers.push(peer) },
      { limits: { drainMs: 200, closeMs: 100, bufferedBytes: 1_000_000 } },
    );
    const client = connectTo(port);
    await client.opened;
    await expect.poll(() => peers.length).toBe(1);
    const [peer] = peers as [Peer];
    const fill = async () => {
      while (peer.send(kB)) await new Promise(setImmediate);
    };
    client.socket.pause();
    await fill();
    const waiting = peer.drained();
    client.socket.resume();
    expect(await waiting).toBe(true);
    client.socket.pause();
    await fill();
    expect(await peer.drained()).toBe(false);
    expect(snapshot().behind).toBe(1);
  });

  test("cannot make all that waits more than is granted together", async () => {
    const peers: Peer[] = [];
    const { port, snapshot } = await serve(
      { ...echo, open: (peer) => void peers.push(peer) },
      { limits: { heldBytes: 150_000, bufferedBytes: 100_000, closeMs: 100 } },
    );
    const clients = [1, 2, 3, 4].map(() => connectTo(port));
    await Promise.all(clients.map(({ opened }) => opened));
    for (const { socket } of clients) socket.pause();
    await expect.poll(() => peers.length).toBe(4);
    for (let n = 0; n < 50_000 && snapshot().behind < 4; n++) {
      for (const peer of peers) peer.send({ n, kB });
      const held = peers.reduce((sum, { buffered }) => sum + buffered, 0);
      expect(held).toBeLessThanOrEqual(150_000);
      if (n % 50 === 0) await new Promise(setImmediate);
    }
    expect(snapshot().behind).toBe(4);
  });
});

describe("a flood of sockets", () => {
  test("is bounded by user, by address and in all, and others are let in again", async () => {
    const limits = { sockets: 5, perUser: 2, perIp: 4 };
    const { port, snapshot } = await serve(echo, { limits, proxies: 2 });
    const from = (token: string, ip: string) => ({
      token,
      // As two proxies see it; what the client said itself stands before.
      headers: { authorization: `Bearer ${token}`, "x-forwarded-for": `6.6.6.6, ${ip}, 10.0.0.1` },
    });
    const first = connectTo(port, from("ann", "1.1.1.1"));
    await Promise.all([first.opened, connectTo(port, from("ann", "1.1.1.1")).opened]);
    expect(await refusalOf(port, from("ann", "2.2.2.2"))).toEqual([429, "throttled"]);
    await connectTo(port, from("bea", "1.1.1.1")).opened;
    await connectTo(port, from("bea", "1.1.1.1")).opened;
    expect(await refusalOf(port, from("cat", "1.1.1.1"))).toEqual([429, "throttled"]);
    await connectTo(port, from("cat", "2.2.2.2")).opened;
    expect(await refusalOf(port, from("dan", "3.3.3.3"))).toEqual([503, "unavailable"]);
    first.socket.close();
    await expect.poll(() => snapshot().connections).toBe(4);
    await connectTo(port, from("dan", "3.3.3.3")).opened;
  });

  test("that never becomes one ends the oldest of itself, not the sockets", async () => {
    const { port } = await serve(echo, { limits: { handshakes: 8 } });
    const client = connectTo(port);
    await client.opened;
    const flood = Array.from({ length: 50 }, () => connect(port, "127.0.0.1"));
    onTestFinished(() => flood.forEach((one) => void one.destroy()));
    for (const one of flood) one.on("error", () => {}).write("GET /live HTTP/1.1\r\n");
    await expect.poll(() => flood.filter(({ closed }) => closed).length).toBeGreaterThan(40);
    client.send("unharmed");
    await expect.poll(() => client.told).toEqual([{ echo: "unharmed" }]);
    await connectTo(port, { token: "bea" }).opened;
  });

  /** A verifier that answers when its keys come, and what it was asked. */
  function waitingForKeys() {
    const { promise: keys, resolve: keysCame } = Promise.withResolvers<void>();
    const asked: string[] = [];
    const checked = async (token: string) => {
      asked.push(token);
      await keys;
      return verify(token);
    };
    return { asked, keysCame, verify: checked };
  }

  test("that never becomes one does not push out who has asked and is being checked", async () => {
    const { asked, keysCame, verify } = waitingForKeys();
    const { port } = await serve(echo, { verify, limits: { handshakes: 8 } });
    const client = connectTo(port);
    await expect.poll(() => asked).toEqual(["ann"]);
    const flood = Array.from({ length: 50 }, () => connect(port, "127.0.0.1"));
    onTestFinished(() => flood.forEach((one) => void one.destroy()));
    for (const one of flood) one.on("error", () => {}).write("GET /live HTTP/1.1\r\n");
    await expect.poll(() => flood.filter(({ closed }) => closed).length).toBeGreaterThan(40);
    keysCame();
    await client.opened;
  });

  test("that waits to be checked is bounded, and others are checked when it is through", async () => {
    const { asked, keysCame, verify } = waitingForKeys();
    const { port } = await serve(echo, { verify, limits: { checks: 2 } });
    const clients = ["ann", "bea"].map((token) => connectTo(port, { token }));
    await expect.poll(() => asked.length).toBe(2);
    expect(await refusalOf(port, { token: "cai" })).toEqual([503, "unavailable"]);
    keysCame();
    await Promise.all(clients.map(({ opened }) => opened));
    await connectTo(port, { token: "cai" }).opened;
    expect(asked.toSorted()).toEqual(["ann", "bea", "cai"]);
  });

  test("that stops in the middle of its head is ended", async () => {
    const { port } = await serve(echo, { limits: { headersMs: 100 } });
    const slow = connect(port, "127.0.0.1");
    slow.write("GET /live HTTP/1.1\r\nUpgrade: websocket\r\n");
    slow.resume();
    await once(slow, "close");
  });
});

describe("on SIGTERM", () => {
  test("a container is not ready, sends its sockets elsewhere, and exits with 0", async () => {
    const program = fileURLToPath(new URL("socket-server.ts", import.meta.url));
    const child = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const exited = once(child, "exit");
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const port = Number(String((await lines.next()).value).split(" ")[1]);
    const clients = Array.from({ length: 20 }, () => connectTo(port));
    await Promise.all(clients.map(({ opened }) => opened));
    child.kill("SIGTERM");
    for (const { closed } of clients)
      expect(await closed).toEqual([1001, "the server stops; resume"]);
    expect(await exited).toEqual([0, null]);
  });

  test("sockets are closed one after the other; who does not answer is cut off", async () => {
    let stopped = 0;
    const handler = { ...echo, stop: async () => void stopped++ };
    const server = await serve(handler, { drainSeconds: 0.5 });
    const clients = Array.from({ length: 40 }, (_, n) =>
      connectTo(server.port, { token: `u${n}` }),
    );
    await Promise.all(clients.map(({ opened }) => opened));
    const [hung] = clients;
    hung?.socket.pause();
    const isOpen = ({ socket }: { socket: WebSocket }) => socket.readyState === socket.OPEN;
    const leftAtFirst = Promise.race(
      clients.map(({ closed }) => closed.then(() => clients.filter(isOpen).length)),
    );
    expect(await server.stop()).toBe(1);
    expect(await leftAtFirst).toBeGreaterThan(20);
    expect(clients.filter(isOpen)).toEqual([hung]);
    expect(stopped).toBe(1);
    await expect(fetch(`http://127.0.0.1:${server.port}/healthz`)).rejects.toThrow();
  });
});

test("open sockets are reported in a line from which CloudWatch makes a metric", () => {
  const before = { connections: 9, refused: 2, behind: 1 };
  const line = socketsLine("presence")(before, { connections: 7, refused: 5, behind: 1 }, 1000);
  expect(JSON.parse(line)).toMatchObject({
    _aws: {
      Timestamp: 1000,
      CloudWatchMetrics: [{ Namespace: "Spillway", Dimensions: [["workload"]] }],
    },
    workload: "presence",
    Connections: 7,
    SocketsRefused: 3,
    SocketsBehind: 0,
  });
});

test("the fixture's tokens are checked", async () => {
  await expect(verify("bad")).rejects.toMatchObject({ code: "denied" });
});
