/** What a server of web sockets grants its clients. */
export interface SocketLimits {
  /** Open at a time; one more is 503. */
  readonly sockets: number;
  /** Of one user (the token's `sub`); one more is 429. */
  readonly perUser: number;
  /** From one address; one more is 429. */
  readonly perIp: number;
  /** Connections that are no sockets yet; one more ends the oldest of them. */
  readonly handshakes: number;
  /** Whose upgrade has come and whose token is being checked, at a time; one more is 503. */
  readonly checks: number;
  /** For the head of an upgrade to come, in ms. */
  readonly headersMs: number;
  /** Of that head; more is 431. */
  readonly headerBytes: number;
  /** Of one message; more closes with 1009. */
  readonly messageBytes: number;
  /** Of one socket, over any longer time; more closes with 1008. */
  readonly messagesPerSecond: number;
  /** That may come at once. */
  readonly burst: number;
  /** That wait for one slow client; more closes with 1013. */
  readonly bufferedBytes: number;
  /** That wait for all of them. */
  readonly heldBytes: number;
  /** How long a slow client may take to make room, in ms. */
  readonly drainMs: number;
  /** How long a client may take to agree to a close, in ms. */
  readonly closeMs: number;
}

/**
 * An open socket is some 20 kB, so that 5,000 of them and what waits for them are together well
 * below the 512 MB of the smallest task. A user has some browsers with some tabs; an address may be
 * an office. Tokens are checked at once, except while the issuer's keys come. A head holds a token of 8 kB. A client at 64 kB/s takes what waits for it in 4 s.
 */
export const socketLimits: SocketLimits = {
  sockets: 5_000,
  perUser: 10,
  perIp: 200,
  handshakes: 512,
  checks: 256,
  headersMs: 5_000,
  headerBytes: 16_384,
  messageBytes: 16_384,
  messagesPerSecond: 10,
  burst: 40,
  bufferedBytes: 262_144,
  heldBytes: 64 * 1_048_576,
  drainMs: 10_000,
  closeMs: 5_000,
};
