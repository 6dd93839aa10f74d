import type { Api } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { httpApi } from "../http-api.ts";
import type { Fetch } from "../outgoing.ts";

/** Where a sandbox believes to be; nothing is sent there. */
const sandboxUrl = "http://127.0.0.1";

/**
 * Somebody else's HTTP API: a stand-in within this process, or what is behind a URL. With neither,
 * it is unavailable: nothing is sent to the real one from a machine that did not say so.
 * @param options.name of the API in system.ts
 * @param options.sandbox the stand-in, such as a Hono app
 * @param options.url base URL, https, or http on this machine; goes before `sandbox`
 * @param options.token gives the bearer token. Default: none is sent
 * @throws {PortError} `invalid` for a URL that is not encrypted
 */
export function api(options: {
  readonly name: string;
  readonly sandbox?: { readonly fetch: Fetch };
  readonly url?: string;
  readonly token?: () => Promise<string>;
}): Api {
  const { name, sandbox, url, token } = options;
  const shared = { name, ...(token && { token }) };
  if (url) return httpApi({ ...shared, url });
  if (sandbox)
    return httpApi({ ...shared, url: sandboxUrl, fetch: (request) => sandbox.fetch(request) });
  const fault = faultsOf("api", name);
  return {
    async request() {
      throw fault("unavailable", "nothing answers for it here; give it a sandbox or a URL");
    },
  };
}
