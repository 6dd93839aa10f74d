import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { type FakeReplica, fakeReplica, gatewayTo, inOrder } from "./replicas.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Says 101 and then what it hears. */
async function echo(): Promise<FakeReplica & { readonly open: Set<Socket> }> {
  const open = new Set<Socket>();
  const made = await fakeReplica((_, outgoing) => outgoing.writeHead(404).end("no upgrade"));
  made.server.on("upgrade", (incoming, socket: Socket, head) => {
    made.asked.push(incoming);
    open.add(socket);
    socket.on("close", () => open.delete(socket)).on("error", () => {});
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n",
    );
    socket.write(head);
    socket.pipe(socket);
  });
  ends.push(() => {
    for (const one of open) one.destroy();
    made.close();
  });
  return Object.assign(made, { open });
}
const opened = async (...given: Parameters<typeof gatewayTo>) => {
  const made = await gatewayTo(...given);
  ends.push(() => {
    made.sockets.close();
    return made.drain();
  });
  return made;
};

/** A client by hand: what it has heard, and whether the other side has ended. */
function client(port: number, path = "/live", headers: readonly string[] = []) {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  ends.push(() => socket.destroy());
  const heard = { text: "", ended: false, closed: false };
  socket.on("data", (chunk) => {
    heard.text += chunk;
  });
  socket.on("end", () => {
    heard.ended = true;
  });
  socket.on("close", () => {
    heard.closed = true;
  });
  socket.on("error", () => {});
  const lines = ["Host: here", "Connection: Upgrade", "Upgrade: echo", ...headers];
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
  return { socket, heard };
}
const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]);

describe("an upgrade", () => {
  test("is passed on with its head, and then bytes in both directions", async () => {
    const replica = await echo();
    const { port, sockets } = await opened(inOrder([replica]));
    const { socket, heard } = client(port, "/live?room=1", [
      "Sec-WebSocket-Key: abc",
      "X-Forwarded-For: 192.0.2.7",
      "X-Amzn-Trace-Id: forged",
    ]);
    await expect.poll(() => statusOf(heard.text)).toBe(101);
    socket.write("over and back");
    await expect.poll(() => heard.text).toContain("over and back");
    const [asked] = replica.asked;
    expect(asked?.url).toBe("/live?room=1");
    expect(asked?.headers).toMatchObject({
      "sec-websocket-key": "abc",
      "x-forwarded-for": "192.0.2.7, 127.0.0.1",
      "x-forwarded-proto": "http",
    });
    expect(asked?.headers["x-amzn-trace-id"]).not.toBe("forged");
    expect(sockets.count()).toBe(1);
  });

  test("may bring its first bytes with it", async () => {
    const { port } = await opened(inOrder([await echo()]));
    const { socket, heard } = client(port);
    socket.write("early");
    await expect.poll(() => heard.text).toContain("\r\n\r\nearly");
  });

  test("counts as its replica's for as long as it is open", async () => {
    const replica = await echo();
    const { port } = await opened(inOrder([replica]));
    const { socket, heard } = client(port);
    await expect.poll(() => statusOf(heard.text)).toBe(101);
    expect(replica.inFlight).toBe(1);
    socket.destroy();
    await expect.poll(() => replica.inFlight).toBe(0);
  });

  test("of another path is a request like any other", async () => {
    const { port } = await opened(inOrder([await echo()]));
    const { heard } = client(port, "/elsewhere");
    await expect.poll(() => statusOf(heard.text)).toBe(404);
    expect(heard.text).toContain('"code":"not-found"');
  });

  test("is a 503 that says why where no replica is healthy", async () => {
    const { port } = await opened(inOrder([], "there is no licence here"));
    const { heard } = client(port);
    await expect.poll(() => heard.closed || heard.ended).toBe(true);
    expect(statusOf(heard.text)).toBe(503);
    expect(heard.text).toMatch(/retry-after: 1\r\n/);
    expect(heard.text).toContain("No replica is healthy: there is no licence here");
  });

  test("is a 502 where the replica does not answer it in time", async () => {
    const silent = await fakeReplica(() => {});
    silent.server.on("upgrade", () => {});
    ends.push(silent.close);
    const { port } = await opened(inOrder([silent]), { answerMs: 200 });
    const { heard } = client(port);
    await expect.poll(() => statusOf(heard.text)).toBe(502);
  });

  test("with a head that is too large is refused", async () => {
    const replica = await echo();
    const { port } = await opened(inOrder([replica]));
    const { heard } = client(port, "/live", [`X-Large: ${"x".repeat(20_000)}`]);
    await expect.poll(() => statusOf(heard.text)).toBe(431);
    expect(replica.asked).toHaveLength(0);
  });

  test("over the bound is a 503, until another has ended", async () => {
    const { port, sockets } = await opened(inOrder([await echo()]), { most: 2 });
    const [first, second] = [client(port), client(port)];
    await expect.poll(() => sockets.count()).toBe(2);
    const third = client(port);
    await expect.poll(() => statusOf(third.heard.text)).toBe(503);
    first.socket.destroy();
    await expect.poll(() => sockets.count()).toBe(1);
    const fourth = client(port);
    await expect.poll(() => statusOf(fourth.heard.text)).toBe(101);
    expect(second.heard.closed).toBe(false);
  });
});

describe("a web socket", () => {
  test("ends at the replica when its client goes", async () => {
    const replica = await echo();
    const { port } = await opened(inOrder([replica]));
    const { socket } = client(port);
    await expect.poll(() => replica.open.size).toBe(1);
    socket.destroy();
    await expect.poll(() => replica.open.size).toBe(0);
  });

  test("ends at the client when its replica goes", async () => {
    const replica = await echo();
    const { port, sockets } = await opened(inOrder([replica]), { lingerMs: 200 });
    const { heard } = client(port);
    await expect.poll(() => statusOf(heard.text)).toBe(101);
    for (const one of replica.open) one.destroy();
    await expect.poll(() => heard.ended || heard.closed).toBe(true);
    await expect.poll(() => sockets.count()).toBe(0);
  });

  test("whose client says that it is done, and goes on listening, is ended all the same", async () => {
    const replica = await echo();
    replica.server.removeAllListeners("upgrade");
    // Says hello, and never goodbye.
    replica.server.on("upgrade", (_, socket: Socket) => {
      replica.open.add(socket);
      socket.on("end", () => replica.open.delete(socket)).on("error", () => {});
      socket.resume();
      socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    });
    const { port, sockets } = await opened(inOrder([replica]), { lingerMs: 200 });
    const { socket, heard } = client(port);
    await expect.poll(() => statusOf(heard.text)).toBe(101);
    socket.end();
    // The replica is told, and whether it answers or not, both ends are gone soon after.
    await expect.poll(() => replica.open.size).toBe(0);
    await expect.poll(() => [sockets.count(), heard.closed]).toEqual([0, true]);
  });

  test("takes no more from a side than the other reads", async () => {
    const replica = await echo();
    replica.server.removeAllListeners("upgrade");
    replica.server.on("upgrade", (_, socket: Socket) => {
      replica.open.add(socket);
      socket.on("close", () => replica.open.delete(socket)).on("error", () => {});
      socket.pause();
      socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    });
    const { port } = await opened(inOrder([replica]));
    const { socket, heard } = client(port);
    await expect.poll(() => statusOf(heard.text)).toBe(101);
    const chunk = Buffer.alloc(65_536);
    const wanted = 64 * 1_048_576;
    let sent = 0;
    while (sent < wanted) {
      sent += chunk.length;
      if (socket.write(chunk)) continue;
      const isDrained = await Promise.race([
        new Promise((resolve) => socket.once("drain", () => resolve(true))),
        sleep(1_000, false),
      ]);
      if (!isDrained) break;
    }
    expect(sent).toBeLessThan(wanted);
  });

  test("does not keep the host from stopping once its replica has ended it", async () => {
    const replica = await echo();
    const made = await opened(inOrder([replica]), { lingerMs: 200 });
    const { heard } = client(made.port);
    await expect.poll(() => statusOf(heard.text)).toBe(101);
    const drained = made.drain();
    for (const one of replica.open) one.end();
    await drained;
    expect(heard.ended || heard.closed).toBe(true);
  });
});
