import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Scanner, ScanResult } from "../ports/index.ts";
import { type Fault, faultsOf } from "./faults.ts";

/** In bytes. clamd takes any; its own clients send as much. */
const chunkBytes = 131_072;
/** No reply of clamd's is longer than a path and a signature. */
const maxReplyBytes = 16_384;

/**
 * Asks clamd, the daemon of ClamAV, over TCP: INSTREAM as its manual page has it, one connection
 * each. Nothing in it is encrypted or authenticated: clamd belongs inside the network.
 * @param options.name of the scanner in system.ts
 * @param options.address such as "10.0.0.7:3310" or "[::1]:3310"
 * @param options.timeoutMs longest scan, in milliseconds. Default: 60,000
 * @throws {PortError} `invalid` for an address that is none
 */
export function clamd(options: {
  readonly name: string;
  readonly address: string;
  readonly timeoutMs?: number;
}): Scanner {
  const { name, address, timeoutMs = 60_000 } = options;
  const fault = faultsOf("scanner", name);
  const { host, port } = hostAndPort(fault, address);
  return {
    async scan(content) {
      const socket = connect({ host, port });
      const timer = setTimeout(() => socket.destroy(new Error("ETIMEDOUT")), timeoutMs);
      try {
        return meaningOf(fault, await exchanged(fault, socket, content));
      } finally {
        clearTimeout(timer);
        socket.destroy();
      }
    },
  };
}

/** Sends the content, and gives clamd's reply. */
async function exchanged(fault: Fault, socket: Socket, content: Uint8Array): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  let failure: Error | undefined;
  const ended = new Promise<void>((done) => {
    socket.on("data", (part: Buffer) => {
      parts.push(part);
      bytes += part.byteLength;
      if (part.includes(0) || bytes > maxReplyBytes) done();
    });
    socket.on("error", (error) => {
      failure = error;
    });
    socket.on("close", () => done());
  });
  // It may reply, and hang up, before it has all: what it has said by then counts.
  await Promise.race([ended, sent(socket, content)]).catch(() => {});
  await ended;
  const [reply, rest] = Buffer.concat(parts).toString("utf8").split("\0");
  if (reply === undefined || rest === undefined)
    throw fault("unavailable", "clamd gave no answer; check that it runs", failure);
  return reply;
}

async function sent(socket: Socket, content: Uint8Array): Promise<void> {
  const write = async (data: Uint8Array | string) => {
    if (!socket.write(data)) await once(socket, "drain");
  };
  const lengthOf = (bytes: number) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes);
    return length;
  };
  await write("zINSTREAM\0");
  for (let start = 0; start < content.byteLength && socket.writable; start += chunkBytes) {
    const chunk = content.subarray(start, start + chunkBytes);
    await write(lengthOf(chunk.byteLength));
    await write(chunk);
  }
  await write(lengthOf(0));
}

function meaningOf(fault: Fault, reply: string): ScanResult {
  if (reply === "stream: OK") return { clean: true };
  const signature = /^stream: (.+) FOUND$/.exec(reply)?.[1];
  if (signature !== undefined) return { clean: false, signature };
  if (reply.startsWith("INSTREAM size limit exceeded"))
    throw fault("too-large", "over clamd's StreamMaxLength; scan less, or raise it");
  throw fault("unavailable", `clamd answered ${JSON.stringify(reply.slice(0, 100))}; see its log`);
}

function hostAndPort(fault: Fault, address: string) {
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+):(\d{1,5})$/i.exec(address) ?? [];
  if (!host || !port || Number(port) > 65_535)
    throw fault("invalid", `address ${JSON.stringify(address.slice(0, 80))}; use host:port`);
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
}
