import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { clamd } from "../../../runtime/adapters/clamd.ts";
import { type FakeClamdOptions, startClamd } from "../../contract/suites/clamd.ts";
import { refusal } from "../../contract/suites/refusal.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function open(options: FakeClamdOptions = {}, timeoutMs?: number) {
  const daemon = await startClamd(options);
  closing.push(daemon.close);
  const { address, streams } = daemon;
  const scanner = clamd({ name: "antivirus", address, ...(timeoutMs && { timeoutMs }) });
  return { scanner, streams };
}
const content = Buffer.from("content");

describe("clamd's INSTREAM", () => {
  it.each([0, 1, 131_071, 131_072, 131_073, 500_000])(
    "streams %i bytes in chunks of at most 128 KiB, whole and in order",
    async (bytes) => {
      const { scanner, streams } = await open();
      const given = randomBytes(bytes);
      expect(await scanner.scan(given)).toEqual({ clean: true });
      expect(streams[0]?.content.equals(given)).toBe(true);
      const whole = Math.floor(bytes / 131_072);
      const rest = bytes % 131_072;
      expect(streams[0]?.chunks).toEqual([
        ...Array.from({ length: whole }, () => 131_072),
        ...(rest > 0 ? [rest] : []),
      ]);
    },
  );

  it("understands a reply that comes in pieces", async () => {
    const { scanner } = await open({
      async reply(_, socket) {
        for (const part of ["stre", "am: Win.Test.EICAR_", "HDB-1 FO", "UND", "\0"]) {
          socket.write(part);
          await sleep(10);
        }
      },
    });
    expect(await scanner.scan(content)).toEqual({
      clean: false,
      signature: "Win.Test.EICAR_HDB-1",
    });
  });

  it("takes the reply as the end, where the daemon keeps the connection", async () => {
    const { scanner } = await open({ reply: (_, socket) => void socket.write("stream: OK\0") });
    expect(await scanner.scan(content)).toEqual({ clean: true });
  });

  it("hears a refusal that comes before all was sent", async () => {
    const { scanner } = await open({
      connected(socket) {
        socket.once("data", () => socket.write("INSTREAM size limit exceeded. ERROR\0"));
      },
    });
    expect(await refusal(scanner.scan(randomBytes(20_000_000)))).toBe("too-large");
  });

  it.each<[string, FakeClamdOptions]>([
    ["hangs up at once", { connected: (socket) => void socket.destroy() }],
    ["hangs up instead of a reply", { reply: (_, socket) => void socket.end() }],
    ["cuts its reply off", { reply: (_, socket) => void socket.end("stream: O") }],
    ["says something else", { reply: (_, socket) => void socket.end("stream: Broken. ERROR\0") }],
    ["says a lot", { reply: (_, socket) => void socket.end("x".repeat(100_000)) }],
    ["claims OK of another", { reply: (_, socket) => void socket.end("/etc/passwd: OK\0") }],
    [
      "says what is found is nothing",
      { reply: (_, socket) => void socket.end("stream:  FOUND\0") },
    ],
  ])("is unavailable where the daemon %s", async (_, options) => {
    const { scanner } = await open(options);
    expect(await refusal(scanner.scan(content))).toBe("unavailable");
  });

  it("is unavailable where the daemon takes too long", async () => {
    const { scanner } = await open({ reply: () => {} }, 200);
    expect(await refusal(scanner.scan(content))).toBe("unavailable");
  });

  it("is unavailable where the daemon reads nothing", async () => {
    const { scanner } = await open({ connected: (socket) => void socket.pause() }, 300);
    expect(await refusal(scanner.scan(Buffer.alloc(30_000_000)))).toBe("unavailable");
  });

  it("is unavailable, with the cause, where nobody listens", async () => {
    const daemon = await startClamd();
    await daemon.close();
    const scanning = clamd({ name: "antivirus", address: daemon.address }).scan(content);
    await expect(scanning).rejects.toMatchObject({
      code: "unavailable",
      message: 'scanner "antivirus": clamd gave no answer; check that it runs',
      cause: { code: "ECONNREFUSED" },
    });
  });
});
