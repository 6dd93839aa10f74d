import { isIP } from "node:net";
import { Redis } from "ioredis";
import { type ErrorCode, isPortError, type PortError } from "../ports/index.ts";
import type { Fault } from "./faults.ts";

/** Where a server of the Redis protocol is, and who one is there. */
export interface ValkeyPlace {
  readonly host: string;
  readonly port: number;
  /** With the server's name checked. */
  readonly tls: boolean;
  readonly db?: number;
  readonly username?: string;
  /** Asked for each connection, and again before the server ends one for its age. */
  readonly password?: () => Promise<string>;
}

export interface ValkeyClients {
  /** The connection for commands, made where there is none. */
  client(): Promise<Redis>;
  /** A connection of one's own. */
  open(): Promise<Redis>;
  /** What the client threw, as a port's error, without what was sent. */
  faultOf(error: unknown): PortError;
  close(): void;
}

/** For a connection with all that belongs to it, and for an answer. */
const connectMs = 2_000;
const answerMs = 1_000;
/** After a connection that could not be made, others are not tried for so long. */
const pauseMs = 200;
/** ElastiCache ends a connection 12 hours after its token ("Authenticating with IAM", 2026-11). */
const renewHours = 6;

/**
 * Connections to a server. None waits for a server that is away: a command finds a connection that
 * is ready, or makes one within 2 s, or fails. So nothing is queued, nor sent twice.
 * @param options.renewMs how often a connection shows its password again. Default: 6 hours
 */
export function valkeyClients(
  fault: Fault,
  place: ValkeyPlace,
  { renewMs = renewHours * 3_600_000 }: { readonly renewMs?: number } = {},
): ValkeyClients {
  let current: Promise<Redis> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;
  let failure: PortError | undefined;
  let closed = false;

  async function open(): Promise<Redis> {
    if (closed) throw fault("unavailable", "it is closed; its process is ending");
    if (failure && performance.now() - failedAt < pauseMs) throw failure;
    try {
      const client = await connect(place, await place.password?.());
      if (place.password) renew(client, place.username ?? "default", place.password, renewMs);
      failure = undefined;
      return client;
    } catch (error) {
      failure = valkeyFault(fault, error);
      failedAt = performance.now();
      throw failure;
    }
  }

  return {
    open,
    client() {
      if (current) return current;
      const opening = open();
      current = opening;
      const forget = () => {
        if (current === opening) current = undefined;
      };
      opening.then(
        (client) => (client.status === "ready" ? client.once("close", forget) : forget()),
        forget,
      );
      return opening;
    },
    faultOf: (error) => valkeyFault(fault, error),
    close() {
      closed = true;
      current?.then(
        (client) => client.disconnect(),
        () => {},
      );
    },
  };
}

async function connect(place: ValkeyPlace, password: string | undefined): Promise<Redis> {
  const { host, port, db, username, tls } = place;
  const client = new Redis({
    host,
    port,
    db,
    username,
    password,
    ...(tls && {
      tls: { rejectUnauthorized: true, ...(isIP(host) === 0 && { servername: host }) },
    }),
    lazyConnect: true,
    connectTimeout: connectMs,
    commandTimeout: answerMs,
    // What is lost is made anew by those who need it, each time with a password of its own.
    retryStrategy: null,
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // Asks for what a user with few rights may not: whether it loads, each command says as well.
    enableReadyCheck: false,
    disableClientInfo: true,
  });
  let reason: unknown;
  client.on("error", (error) => {
    reason ??= error;
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no connection in time")), connectMs);
  });
  try {
    await Promise.race([client.connect(), late]);
    return client;
  } catch (error) {
    client.disconnect();
    // "Connection is closed" says less than what closed it.
    throw reason ?? error;
  } finally {
    clearTimeout(timer);
  }
}

/** A connection that is not believed any more is closed, and its users make another. */
function renew(
  client: Redis,
  username: string,
  password: () => Promise<string>,
  everyMs: number,
): void {
  const timer = setInterval(async () => {
    try {
      await client.call("AUTH", username, await password());
    } catch {
      client.disconnect();
    }
  }, everyMs);
  timer.unref();
  client.once("close", () => clearInterval(timer));
}

const byWord: Readonly<Record<string, ErrorCode>> = {
  NOAUTH: "denied",
  NOPERM: "denied",
  WRONGPASS: "denied",
};
const remedies = {
  denied: "check the rights of its user",
  unavailable: "check that it runs, or try again later",
} as const;

/** The client notes on its errors what was sent, a password or a value: they are not handed on. */
function valkeyFault(fault: Fault, error: unknown): PortError {
  if (isPortError(error)) return error;
  const said = error instanceof Error ? error.message : "";
  const word = /^[A-Z]+(?= )/.exec(said)?.[0];
  const code = byWord[word ?? ""] === "denied" ? "denied" : "unavailable";
  const name = (error as NodeJS.ErrnoException | undefined)?.code ?? word ?? "no answer";
  return fault(code, `${name}; ${remedies[code]}`, new Error(said));
}
