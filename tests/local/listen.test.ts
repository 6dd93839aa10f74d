import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { listen } from "../../local/listen.ts";
import type { ServerLimits } from "../../runtime/entries/ecs/limits.ts";

/** A gateway that reads bodies and says how long they were; `/held` is answered when released. */
async function serve(limits: Partial<ServerLimits>) {
  const listening = await listen(0, limits);
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  listening.serve(async (incoming, outgoing) => {
    let bytes = 0;
    try {
      for await (const chunk of incoming) bytes += chunk.length;
    } catch {
      return;
    }
    if (incoming.url === "/held") await released;
    outgoing.end(`${bytes}`);
  });
  onTestFinished(async () => {
    release();
    await listening.drain();
  });
  return { ...listening, release };
}

/** A client that has sent these bytes, and what it was told. */
async function open(port: number, bytes: string) {
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  let text = "";
  socket.on("error", () => {}).on("data", (chunk) => (text += chunk));
  await once(socket, "connect");
  await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
  return { socket, text: () => text };
}

const head = (path: string) => `POST ${path} HTTP/1.1\r\nHost: a\r\n`;
const chunked = (path: string, bytes: number) =>
  `${head(path)}Transfer-Encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n${"x".repeat(bytes)}\r\n`;
const ended = (clients: readonly { socket: { closed: boolean } }[]) =>
  clients.filter(({ socket }) => socket.closed).length;

describe("a flood", () => {
  test("of slow heads ends its own oldest, not who comes next nor who waits for an answer", async () => {
    const { port, url, release } = await serve({ connections: 32 });
    const held = await open(port, "GET /held HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    const flood = await Promise.all(Array.from({ length: 200 }, () => open(port, "GET / HT")));
    const answer = await fetch(url, { headers: { connection: "close" } });
    expect(answer.status).toBe(200);
    await expect.poll(() => ended(flood)).toBeGreaterThanOrEqual(168);
    release();
    await expect.poll(held.text).toMatch(/^HTTP\/1\.1 200/);
  });

  test("of bodies in chunks holds bounded bytes, and who sends one at once is answered", async () => {
    const { port, url, heldBytes } = await serve({ heldBytes: 20_000 });
    const flood = await Promise.all(
      Array.from({ length: 50 }, () => open(port, chunked("/", 1_000))),
    );
    const post = await fetch(url, { method: "POST", body: "y".repeat(5_000) });
    expect(await post.text()).toBe("5000");
    await expect.poll(() => ended(flood)).toBeGreaterThanOrEqual(30);
    expect(heldBytes()).toBeLessThanOrEqual(20_000);
    const told = flood.filter(({ socket }) => socket.closed).map(({ text }) => text().slice(0, 12));
    expect(new Set(told)).toEqual(new Set(["HTTP/1.1 503"]));
    for (const { socket } of flood) socket.destroy();
    await expect.poll(heldBytes).toBe(0);
  });

  test("of whole bodies in work leaves room to nobody, until they are answered", async () => {
    const { port, url, heldBytes, release } = await serve({ heldBytes: 10_000 });
    const work = await Promise.all(
      Array.from({ length: 10 }, () => open(port, `${chunked("/held", 1_000)}0\r\n\r\n`)),
    );
    await expect.poll(heldBytes).toBe(10_000);
    const post = () => fetch(url, { method: "POST", body: "y" });
    expect((await post()).status).toBe(503);
    release();
    for (const { text } of work) await expect.poll(text).toMatch(/^HTTP\/1\.1 200/);
    expect((await post()).status).toBe(200);
  });
});

test("a client that stops in the middle of its head or its body is ended", async () => {
  const { port } = await serve({ headersMs: 100, requestMs: 200 });
  const slow = [await open(port, "GET / HTTP/1.1\r\n"), await open(port, chunked("/", 10))];
  await expect.poll(() => ended(slow), { timeout: 10_000 }).toBe(2);
});
