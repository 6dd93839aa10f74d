import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { Api } from "../../ports/index.ts";
import { httpApi } from "../http-api.ts";
import { secrets } from "./secrets.ts";

/**
 * Somebody else's HTTP API. Needs secretsmanager:GetSecretValue on its secret, where it has one.
 * @param options.location base URL, https
 * @param options.secret whose value is sent as bearer token: its name, and its ARN. Default: none
 * @param options.client of Secrets Manager. Default: the process's, made at its first use
 */
export function api(options: {
  readonly name: string;
  readonly location: string;
  readonly secret?: { readonly name: string; readonly location: string };
  readonly client?: SecretsManagerClient;
}): Api {
  const { name, location: url, secret, client } = options;
  if (!secret) return httpApi({ name, url });
  const locations = { [secret.name]: secret.location };
  const held = secrets({ locations, ...(client && { client }) });
  return httpApi({ name, url, token: () => held.get(secret.name) });
}
