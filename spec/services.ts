export interface Cors {
  /** Origins with scheme, such as `https://shop.example`; `*` only without credentials. */
  readonly origins: readonly string[];
  readonly methods?: readonly string[];
  readonly headers?: readonly string[];
  readonly credentials?: boolean;
  /** How long a browser may keep the preflight's answer, in seconds. */
  readonly maxAgeSeconds?: number;
}

/** Steady requests per second, and how many may come at once. */
export interface Throttle {
  readonly perSecond: number;
  readonly burst: number;
}

export interface Edge {
  readonly kind: "edge";
  readonly cors?: Cors;
  readonly throttle: Throttle;
}

export interface Identity {
  readonly kind: "identity";
  /** Shortest password, in characters. */
  readonly passwordMinLength: number;
  /** Life of an access token, in minutes. */
  readonly accessMinutes: number;
  /** Life of a refresh token, in days. */
  readonly refreshDays: number;
}

export interface Mailer {
  readonly kind: "mailer";
  readonly from: string;
}

export interface Chat {
  readonly kind: "chat";
  /** Name of the secret that holds the incoming webhook's URL. */
  readonly webhook: string;
}

export interface Metrics {
  readonly kind: "metrics";
}

export interface Api {
  readonly kind: "api";
  /** Base URL of the provider, https. */
  readonly url: string;
  /** Name of the secret that is sent as bearer token. */
  readonly secret?: string;
  /** Folder with a stand-in for the provider, an HTTP app: what is called on this machine. */
  readonly sandbox?: string;
}

export interface Scanner {
  readonly kind: "scanner";
}

export interface Scheduler {
  readonly kind: "scheduler";
  /** Queue that receives what was scheduled, when its time has come. */
  readonly queue: string;
}

export type Service = Edge | Identity | Mailer | Chat | Metrics | Api | Scanner | Scheduler;

/**
 * The public HTTP edge. A workload that uses it learns its own public URL.
 * @param options.cors what browsers of other origins may do. Default: nothing
 * @param options.throttle for each route that does not say its own. Default: 100/s, 200 at once
 */
export const edge = (options: Partial<Omit<Edge, "kind">> = {}): Edge => ({
  kind: "edge",
  throttle: { perSecond: 100, burst: 200 },
  ...options,
});

/**
 * Sign-up by e-mail and password, and the OIDC issuer of the tokens. Its hooks are workloads:
 * see {@link onIdentity}.
 * @param options.passwordMinLength in characters. Default: 12
 * @param options.accessMinutes life of an access token, in minutes. Default: 60
 * @param options.refreshDays life of a refresh token, in days. Default: 30
 */
export const identity = (options: Partial<Omit<Identity, "kind">> = {}): Identity => ({
  kind: "identity",
  passwordMinLength: 12,
  accessMinutes: 60,
  refreshDays: 30,
  ...options,
});

/** Outgoing mail. @param options.from the sender's address */
export const mailer = (options: { readonly from: string }): Mailer => ({
  kind: "mailer",
  ...options,
});

/** A chat channel. @param options.webhook the secret with the incoming webhook's URL */
export const chat = (options: { readonly webhook: string }): Chat => ({ kind: "chat", ...options });

/** Error rates, latencies and alerts of the system itself. */
export const metrics = (): Metrics => ({ kind: "metrics" });

/**
 * Somebody else's HTTP API, such as a payment provider's.
 * @param options.url base URL, https
 * @param options.secret name of the secret that is sent as bearer token. Default: none is sent
 * @param options.sandbox folder with a stand-in that answers on this machine. Default: none
 */
export const api = (options: Omit<Api, "kind">): Api => ({ kind: "api", ...options });

/** Looks for malware in what was uploaded (clamd, the daemon of ClamAV). */
export const scanner = (): Scanner => ({ kind: "scanner" });

/**
 * Sends a message at a later time (EventBridge Scheduler).
 * @param options.queue that receives it
 */
export const scheduler = (options: { readonly queue: string }): Scheduler => ({
  kind: "scheduler",
  ...options,
});
