import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { type WebSocket, WebSocketServer } from "ws";
import { Problem, reported } from "../../http/problem.ts";
import { reportMetrics } from "../../metrics.ts";
import { type Claims, type SocketHandler, socketCloses } from "../../ports/index.ts";
import { boundConnections } from "./connections.ts";
import { drainable } from "./drain.ts";
import { type SocketLimits, socketLimits } from "./socket-limits.ts";
import { type SocketSnapshot, socketsLine } from "./socket-metrics.ts";
import { type OpenPeer, openPeer, type Shared } from "./socket-peer.ts";
import {
  addressOf,
  checkUpgrade,
  claimsOfUpgrade,
  socketProtocol,
  type UpgradeOptions,
  upgradeNeeded,
} from "./socket-upgrade.ts";

export interface EcsSocketOptions extends UpgradeOptions {
  /** Between two pings; who has not answered the last is ended. Default: 30 */
  readonly heartbeatSeconds?: number;
  /** Default: the variable PORT, else 8080. 0: any free one */
  readonly port?: number;
  /** Default: "0.0.0.0", all of the task's addresses */
  readonly host?: string;
  /**
   * How many in front add the address that they saw to X-Forwarded-For, such as 2 for a distribution
   * and a load balancer. Default: 0, nobody is believed
   */
  readonly proxies?: number;
  /** How long sockets may take to be closed after SIGTERM. Default: 25 (ECS kills after 30) */
  readonly drainSeconds?: number;
  /** Name under which open sockets are reported, a line a minute. Default: they are not */
  readonly metrics?: { readonly workload: string };
  /** Against clients that mean harm. */
  readonly limits?: Partial<SocketLimits>;
}

export interface EcsSocketServer {
  readonly port: number;
  /** Drains as on SIGTERM. @returns the sockets that were cut off at the deadline */
  stop(): Promise<number>;
  readonly snapshot: () => SocketSnapshot;
}

const signals = ["SIGTERM", "SIGINT"] as const;
/** Between two rounds of closing; at least one socket each. */
const roundMs = 20;

/**
 * A socket workload as a server in a container: `/healthz` for the load balancer, upgrades at the
 * declared path for who has a token, and nothing else. On SIGTERM it is no longer ready, takes no
 * new sockets, closes those that are open with 1001, one after the other so that not all of them
 * come back elsewhere at once, and exits with 0 (1 where some had to be cut off).
 * @throws {Error} where auth is "jwt" and there is no `verify`
 * @example
 * await ecsSocket(create(ports), { path: "/presence", auth: "jwt", verify });
 */
export async function ecsSocket(
  handler: SocketHandler,
  options: EcsSocketOptions,
): Promise<EcsSocketServer> {
  const { auth = "jwt", host = "0.0.0.0", heartbeatSeconds = 30, drainSeconds = 25 } = options;
  if (auth === "jwt" && !options.verify)
    throw new Error('Sockets: auth "jwt" without verify; give a tokenVerifier, or auth "none"');
  const limits = { ...socketLimits, ...options.limits };
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.headersMs,
      keepAliveTimeout: 65_000,
      maxHeaderSize: limits.headerBytes,
      connectionsCheckingInterval: 1_000,
    },
    (incoming, outgoing) => {
      if (incoming.url === "/healthz") {
        outgoing.writeHead(drain.draining() ? 503 : 200, { "content-type": "text/plain" });
        return void outgoing.end(drain.draining() ? "draining" : "ok");
      }
      const { status, head, body } = answerOf(refusal(incoming, options));
      outgoing.writeHead(status, head).end(body);
    },
  );
  const drain = drainable(server, drainSeconds * 1000);
  const release = boundConnections(server, limits.handshakes);
  /** Whose upgrade has come whole and is being checked: bounded by themselves, never pushed out. */
  const checking = new Set<Duplex>();
  const peers = new Map<OpenPeer, Seat>();
  const shared: Shared = { limits, held: 0, behind: 0 };
  let refused = 0;
  const snapshot = () => ({ connections: peers.size, refused, behind: shared.behind });

  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Holds some 300 kB a socket.
    perMessageDeflate: false,
    maxPayload: limits.messageBytes,
    handleProtocols: () => socketProtocol,
  });
  const seated = (ws: WebSocket, seat: Seat) => {
    const { claims, clientIp } = seat;
    const facts = { ...(claims && { claims }), ...(clientIp !== undefined && { clientIp }) };
    const peer = openPeer(ws, handler, facts, shared, () => peers.delete(peer));
    peers.set(peer, seat);
  };
  server.on("upgrade", async (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    release(incoming.socket);
    try {
      checkUpgrade(incoming, options);
      if (checking.size >= limits.checks) throw busy();
      checking.add(socket);
      socket.once("close", () => checking.delete(socket));
      const claims = await claimsOfUpgrade(incoming, { ...options, auth });
      if (socket.destroyed) return;
      const seat: Seat = { claims, clientIp: addressOf(incoming, options.proxies ?? 0) };
      checkSeats(seat, peers.values(), limits, drain.draining());
      sockets.handleUpgrade(incoming, socket, head, (ws) => seated(ws, seat));
    } catch (error) {
      refused += 1;
      const { status, title, head, body } = answerOf(problemOf(error));
      const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}`);
      socket.end([`HTTP/1.1 ${status} ${title}`, ...lines, "", body].join("\r\n"), () =>
        socket.destroy(),
      );
    } finally {
      checking.delete(socket);
    }
  });

  const beats = setInterval(() => {
    const now = Date.now();
    for (const peer of peers.keys()) peer.beat(now);
  }, heartbeatSeconds * 1000);
  const endReport =
    options.metrics && reportMetrics(snapshot, socketsLine(options.metrics.workload));
  let stopping: Promise<number> | undefined;
  const stop = () => {
    stopping ??= (async () => {
      const stopped = drain.stop();
      const cut = await closeAll(peers, drainSeconds * 1000);
      for (const socket of checking) socket.destroy();
      clearInterval(beats);
      await Promise.race([handler.stop?.(), wait(2_000, undefined, { ref: false })]).catch(
        (error) => reported(error),
      );
      await stopped;
      endReport?.();
      for (const signal of signals) process.off(signal, end);
      return cut;
    })();
    return stopping;
  };
  const end = async () => process.exit((await stop()) === 0 ? 0 : 1);

  const port = await listening(server, options.port ?? Number(process.env.PORT ?? 8080), host);
  for (const signal of signals) process.once(signal, end);
  return { port, stop, snapshot };
}

const busy = () => new Problem("unavailable", { headers: { "retry-after": "5" } });

/** Who has a socket. */
interface Seat {
  readonly claims: Claims | undefined;
  readonly clientIp: string | undefined;
}

/** @throws {Problem} 503 where all are taken or it drains, 429 where one client has its own */
function checkSeats(
  { claims, clientIp }: Seat,
  taken: Iterable<Seat>,
  limits: SocketLimits,
  draining: boolean,
): void {
  const seats = [...taken];
  if (draining || seats.length >= limits.sockets) throw busy();
  const ofUser = seats.filter((seat) => claims && seat.claims?.sub === claims.sub).length;
  const ofIp = seats.filter((seat) => seat.clientIp === clientIp).length;
  if (ofUser >= limits.perUser || ofIp >= limits.perIp)
    throw new Problem("throttled", {
      detail: "Too many sockets; close one.",
      headers: busy().headers,
    });
}

/** Why a request that is no upgrade has nothing here. */
function refusal(incoming: IncomingMessage, options: UpgradeOptions): Problem {
  try {
    checkUpgrade(incoming, options);
    return upgradeNeeded();
  } catch (error) {
    return problemOf(error);
  }
}

/** A refusal of our own is no failure, and not logged: there may be many. */
const problemOf = (error: unknown): Problem => (error instanceof Problem ? error : reported(error));

/** A refusal on a connection that is closed with it. */
function answerOf(problem: Problem) {
  const content = problem.toBody();
  const body = JSON.stringify(content);
  return {
    status: problem.status,
    title: content.title,
    body,
    head: {
      connection: "close",
      ...problem.headers,
      "content-type": "application/problem+json",
      "content-length": `${Buffer.byteLength(body)}`,
    } as Record<string, string>,
  };
}

/**
 * Closes all, spread over most of the time that there is, but no more slowly than it has to.
 * @returns how many had to be cut off
 */
async function closeAll(peers: ReadonlyMap<OpenPeer, Seat>, withinMs: number): Promise<number> {
  const deadline = performance.now() + withinMs;
  const rounds = Math.max(1, Math.floor((withinMs * 0.8) / roundMs));
  const all = [...peers.keys()];
  const each = Math.ceil(all.length / rounds);
  for (let next = 0; next < all.length; next += each) {
    for (const peer of all.slice(next, next + each))
      peer.close(socketCloses.goingAway, "the server stops; resume");
    await wait(roundMs);
  }
  while (peers.size > 0 && performance.now() < deadline) await wait(roundMs);
  const cut = peers.size;
  for (const peer of peers.keys()) peer.terminate();
  return cut;
}

async function listening(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}
