import { type LocalIdentity, openidConfiguration } from "../runtime/adapters/local/identity.ts";
import type { Verify } from "../runtime/http/guard.ts";
import { tokenVerifier } from "../runtime/tokens.ts";

/** The OIDC issuer of this host. */
export interface Issuer {
  readonly verify: Verify;
  /** Its public documents (OpenID Connect Discovery 1.0); undefined: not its path. */
  answer(path: string): Promise<Response> | undefined;
}

/** @param url of the host, which is the `iss` of its tokens */
export function issuerOf(
  { clientId, jwks }: Pick<LocalIdentity, "clientId" | "jwks">,
  url: string,
): Issuer {
  return {
    verify: tokenVerifier({ issuer: url, audience: clientId, jwks }),
    answer(path) {
      if (path === "/.well-known/jwks.json") return jwks().then((keys) => Response.json(keys));
      if (path === "/.well-known/openid-configuration")
        return Promise.resolve(Response.json(openidConfiguration(url)));
      return undefined;
    },
  };
}
