import { type AddressInfo, createServer, type Socket } from "node:net";
import { isEicar } from "../../../runtime/adapters/local/eicar.ts";

/** What a client said: its command, the sizes of its chunks, and their content. */
export interface Streamed {
  readonly command: string;
  readonly chunks: readonly number[];
  readonly content: Buffer;
}

export interface FakeClamd {
  readonly address: string;
  readonly streams: readonly Streamed[];
  close(): Promise<void>;
}

export interface FakeClamdOptions {
  /** Its StreamMaxLength, in bytes. Default: 25 MiB */
  readonly maxBytes?: number;
  /** What it answers in the end. Default: as clamd, which knows one signature */
  readonly reply?: (streamed: Streamed, socket: Socket) => void;
  /** Called for each connection, in place of all of it. */
  readonly connected?: (socket: Socket) => void;
}

/**
 * A daemon that speaks clamd's INSTREAM byte by byte, as its manual page has it: command, chunks
 * with their length before them, an empty one at the end, a reply that ends in NUL.
 */
export async function startClamd(options: FakeClamdOptions = {}): Promise<FakeClamd> {
  const { maxBytes = 26_214_400, connected } = options;
  const streams: Streamed[] = [];
  const reply =
    options.reply ??
    (({ content }: Streamed, socket: Socket) =>
      socket.end(isEicar(content) ? "stream: Eicar-Test-Signature FOUND\0" : "stream: OK\0"));
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    if (connected) return connected(socket);
    void serve(socket);
  });

  async function serve(socket: Socket) {
    const next = reader(socket);
    const command = await until0(next);
    if (command !== "zINSTREAM") return socket.end("UNKNOWN COMMAND\0");
    const chunks: number[] = [];
    const parts: Buffer[] = [];
    for (let total = 0; ; ) {
      const length = (await next(4))?.readUInt32BE();
      if (length === undefined) return;
      if (length === 0) break;
      total += length;
      if (total > maxBytes) return socket.end("INSTREAM size limit exceeded. ERROR\0");
      const part = await next(length);
      if (!part) return;
      chunks.push(length);
      parts.push(part);
    }
    const streamed = { command, chunks, content: Buffer.concat(parts) };
    streams.push(streamed);
    reply(streamed, socket);
  }

  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    streams,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

type Next = (bytes: number) => Promise<Buffer | undefined>;

/** Gives so many bytes at a time, or nothing where the client has gone. */
function reader(socket: Socket): Next {
  const iterator = socket[Symbol.asyncIterator]();
  let held = Buffer.alloc(0);
  return async (bytes) => {
    while (held.byteLength < bytes) {
      const { value, done } = await iterator.next().catch(() => ({ value: undefined, done: true }));
      if (done) return undefined;
      held = Buffer.concat([held, value as Buffer]);
    }
    const taken = held.subarray(0, bytes);
    held = held.subarray(bytes);
    return taken;
  };
}

async function until0(next: Next): Promise<string> {
  let text = "";
  for (;;) {
    const byte = await next(1);
    if (!byte || byte[0] === 0) return text;
    text += byte.toString("latin1");
  }
}
