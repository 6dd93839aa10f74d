/** What a container's server grants a client. */
export interface ServerLimits {
  /** For a request's head to come, in ms. */
  readonly headersMs: number;
  /** For all of a request to come, in ms. */
  readonly requestMs: number;
  /** For the next request on a connection, in ms. */
  readonly keepAliveMs: number;
  /** Of a request's head; more is 431. */
  readonly headerBytes: number;
  /** Connections at a time. One more ends the oldest that has no whole request. */
  readonly connections: number;
  /** Bytes of all bodies that are in memory at a time; more ends those slowest to come with 503. */
  readonly heldBytes: number;
}

/**
 * Head and body: the head of a patient mobile client comes in one packet, and nobody waits longer
 * than an HTTP API does (30 s). Keep-alive: longer than a load balancer's own (60 s by default, ELB
 * User Guide), so that it never meets a closed connection. Head: Node's default, above the 10,240
 * bytes that an HTTP API passes. Connections and bodies: together well below the 512 MB of the
 * smallest task, a connection being some 30 kB with the head that it may send.
 */
export const serverLimits: ServerLimits = {
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 65_000,
  headerBytes: 16_384,
  connections: 1_024,
  heldBytes: 64 * 1_048_576,
};
