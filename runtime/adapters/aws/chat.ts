import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { Chat } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { postToSlack } from "../slack.ts";
import { secrets } from "./secrets.ts";

/**
 * Posts to an incoming webhook of Slack. Needs secretsmanager:GetSecretValue on its secret.
 * @param options.location ARN of the secret that holds the webhook's URL
 * @param options.client of Secrets Manager. Default: the process's, made at its first use
 */
export function chat(options: {
  readonly name: string;
  readonly location: string;
  readonly client?: SecretsManagerClient;
}): Chat {
  const { name, location, client } = options;
  const fault = faultsOf("chat", name);
  const held = secrets({ locations: { [name]: location }, ...(client && { client }) });
  return {
    post: async (post) => postToSlack(fault, await held.get(name), post),
  };
}
