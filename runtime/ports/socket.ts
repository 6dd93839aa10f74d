import type { Claims } from "./http.ts";
import type { Json } from "./json.ts";

/** Why a web socket was closed, as its client reads it (RFC 6455, 7.4; 4000 and up are one's own). */
export const socketCloses = {
  /** The host stops: connect again, and resume. */
  goingAway: 1001,
  /** Something other than text came. */
  unsupported: 1003,
  /** Text that is no JSON. */
  malformed: 1007,
  /** More than the host grants, such as messages a second. */
  refused: 1008,
  /** A message larger than the host takes. */
  tooLarge: 1009,
  /** It is the host's fault. */
  failed: 1011,
  /** The client read more slowly than there was to tell: connect again, and resume. */
  behind: 1013,
  /** The access token has expired: connect again with a new one, and resume. */
  expired: 4401,
} as const;

/** A client, for as long as its socket is open. */
export interface Peer {
  /** Of this connection; a client that connects again has another. */
  readonly id: string;
  /** Present with auth "jwt": verified at the upgrade. */
  readonly claims?: Claims;
  readonly clientIp?: string;
  /** Bytes that the client has not taken yet. */
  readonly buffered: number;
  /**
   * Sends a message. What a client does not take is held, up to the host's limit, over which it is
   * closed with `behind`; to one that is closed it does nothing.
   * @returns whether there is room for more; where not, `drained` tells
   */
  send(message: Json): boolean;
  /**
   * Waits until there is room again. A client that makes none within 10 s is closed with `behind`.
   * @returns false: it is closed
   */
  drained(): Promise<boolean>;
  /** Closes it; later calls do nothing. */
  close(code: number, reason: string): void;
}

/**
 * What a workload of kind socket returns from `create`. Of one peer there is one call at a time, in
 * the order of what it sent, and nothing more is read from it meanwhile.
 */
export interface SocketHandler {
  /** Throw to close it: PortError and Problem below 500 as `refused`, anything else as `failed`. */
  open?(peer: Peer): void | Promise<void>;
  /**
   * A message, which is any JSON. What is thrown is answered with
   * `{"type": "error", "code", "detail"}`; a PortError's own message stays inside.
   */
  message(peer: Peer, message: Json): void | Promise<void>;
  /** Called once for each after `open`, however that and the connection ended. */
  close?(peer: Peer): void | Promise<void>;
  /** The host stops, and all peers are closed. */
  stop?(): Promise<void>;
}
