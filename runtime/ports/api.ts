import type { Json } from "./json.ts";

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** From the base URL, such as "/v1/charges". */
  readonly path: string;
  readonly body?: Json;
  /** Sent as `Idempotency-Key`: the provider does it once. */
  readonly idempotencyKey?: string;
  /** How long to wait for the answer, in milliseconds. Default: 10,000 */
  readonly timeoutMs?: number;
}

export interface ApiAnswer {
  readonly status: number;
  /** `null` where the answer has no JSON. */
  readonly body: Json;
}

/** Somebody else's HTTP API. */
export interface Api {
  /**
   * @returns the answer, whatever its status, but for those below
   * @throws `throttled` for 429; `unavailable` for 5xx, no connection and no answer in time, and
   *   `too-large` for an answer of over 1 MiB: it is unknown then whether it was done; `invalid`
   *   for a path that leaves the base URL, or a key that no header can hold
   */
  request(request: ApiRequest): Promise<ApiAnswer>;
}
