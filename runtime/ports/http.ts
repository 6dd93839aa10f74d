/** What a verified access token says. */
export interface Claims {
  readonly sub: string;
  readonly [claim: string]: unknown;
}

/** What an entry hands to an HTTP workload beside the request, as Hono's Bindings. */
export interface HttpContext {
  /** Present on routes with auth "jwt": verified by the entry, on every host. */
  readonly claims?: Claims;
  readonly requestId: string;
  /** The client's address as the host saw it. */
  readonly clientIp?: string;
  /**
   * Path and query as they were sent, before a URL made them regular: what some webhooks sign.
   * Absent where the host does not know them.
   */
  readonly target?: string;
}

/** Hono's type parameter for a workload's app. */
export type HttpEnv = { Bindings: HttpContext };

/** What an HTTP workload's `create` returns: a Hono app fits. */
export interface HttpHandler {
  fetch(request: Request, context: HttpContext): Response | Promise<Response>;
}

/** The public HTTP edge, as a workload sees it. */
export interface Edge {
  /** Public base URL, without a trailing slash. */
  readonly url: string;
}
