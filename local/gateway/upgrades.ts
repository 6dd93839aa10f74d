import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Problem } from "../../runtime/http/problem.ts";
import type { Upstream, Upstreams } from "./proxy.ts";

export interface UpgradeOptions {
  /** The replicas of the sockets' workloads, by their path. */
  readonly paths: ReadonlyMap<string, Upstreams>;
  /** Most sockets at a time; one more is answered with 503. Default: 1,024 */
  readonly most?: number;
  /** For a replica to answer an upgrade, in milliseconds. Default: 10,000 */
  readonly answerMs?: number;
  /** For the rest, once one end has said that it is done, in milliseconds. Default: 5,000 */
  readonly lingerMs?: number;
  /** After which it is asked whether a silent end is still there, in milliseconds. Default: 30,000 */
  readonly silentMs?: number;
}

/** Web sockets on their way to replicas. */
export interface Upgrades {
  /** Whether a request for an upgrade is one of a socket's. */
  wants(incoming: IncomingMessage): boolean;
  /** Takes a connection that asks for an upgrade. */
  accept(incoming: IncomingMessage, client: Duplex, head: Buffer): void;
  /** How many there are. */
  count(): number;
  /** Takes no more, and cuts what is left. */
  close(): void;
}

/**
 * Leads upgrades to a replica as they are: the head once more, then bytes in both directions, each
 * side as fast as the other takes them. Where one end closes, so does the other.
 */
export function upgrades(options: UpgradeOptions): Upgrades {
  const { paths, most = 1024, answerMs = 10_000, lingerMs = 5_000, silentMs = 30_000 } = options;
  const open = new Set<Duplex>();
  let closed = false;

  const accept: Upgrades["accept"] = (incoming, client, head) => {
    client.on("error", () => client.destroy());
    const upstreams = paths.get(pathOf(incoming));
    if (!upstreams) return refuse(client, new Problem("not-found"));
    if (closed || open.size >= most)
      return refuse(client, unavailable("There are too many sockets; try again in a moment."));
    const replica = upstreams.pick();
    if (!replica?.port) {
      const reason = upstreams.reason() ?? "try again in a moment.";
      return refuse(client, unavailable(`No replica is healthy: ${reason}`));
    }
    open.add(client);
    const done = replica.begin();
    client.once("close", () => {
      open.delete(client);
      done();
    });
    join(replica, incoming, client, head);
  };

  const join = (replica: Upstream, incoming: IncomingMessage, client: Duplex, head: Buffer) => {
    const server = connect({ port: replica.port ?? 0, host: "127.0.0.1", allowHalfOpen: true });
    let isAnswered = false;
    const end = () => {
      clearTimeout(late);
      if (isAnswered || client.destroyed) client.destroy();
      else refuse(client, unavailable("The replica broke off; try again in a moment.", 502));
      server.destroy();
    };
    /** Also where one end neither reads nor closes. */
    const cut = () => {
      for (const one of [client, server])
        if (!one.destroyed && "resetAndDestroy" in one) (one as Socket).resetAndDestroy();
      end();
    };
    const late = setTimeout(end, answerMs);
    server.once("data", () => {
      isAnswered = true;
      clearTimeout(late);
    });
    server.once("connect", () => {
      server.write(headOf(incoming));
      if (head.length > 0) server.write(head);
      // Each waits for the other where that is slower, and ends with it.
      client.pipe(server).pipe(client);
    });
    for (const one of [client, server]) {
      if ("setKeepAlive" in one) (one as Socket).setKeepAlive(true, silentMs).setNoDelay(true);
      // The other end may say its last words, and no more.
      one.once("end", () => setTimeout(cut, lingerMs).unref());
      one.once("close", end);
    }
    server.once("error", end);
  };

  return {
    accept,
    wants: (incoming) => paths.has(pathOf(incoming)),
    count: () => open.size,
    close() {
      closed = true;
      for (const client of open) client.destroy();
    },
  };
}

const unavailable = (detail: string, status = 503) =>
  new Problem("unavailable", { detail, status });

const pathOf = ({ url = "/" }: IncomingMessage): string => url.split("?", 1)[0] as string;

/** The request's head as it came, with what a load balancer adds. */
function headOf({ method, url, rawHeaders, socket, headers }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (!/^(x-forwarded-(for|proto)|x-amzn-trace-id)$/i.test(name))
      lines.push(`${name}: ${rawHeaders[at + 1]}`);
  }
  const before = headers["x-forwarded-for"];
  const addresses = before === undefined ? [] : [String(before)];
  lines.push(
    `x-forwarded-for: ${[...addresses, socket.remoteAddress ?? "127.0.0.1"].join(", ")}`,
    "x-forwarded-proto: http",
    `x-amzn-trace-id: ${randomUUID()}`,
  );
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Answers as a request is answered, and closes. */
function refuse(client: Duplex, problem: Problem): void {
  const id = randomUUID();
  void problem
    .toResponse(id)
    .text()
    .then((body) => {
      if (client.destroyed) return;
      const retry = problem.status === 503 ? "retry-after: 1\r\n" : "";
      client.end(
        `HTTP/1.1 ${problem.status} Refused\r\ncontent-type: application/problem+json\r\n` +
          `content-length: ${Buffer.byteLength(body)}\r\nx-request-id: ${id}\r\n${retry}` +
          `connection: close\r\n\r\n${body}`,
      );
      client.once("finish", () => client.destroy());
    });
}
