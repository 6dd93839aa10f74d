import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { Secrets } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { clientSettings, lazy } from "./client.ts";
import { answerOf } from "./errors.ts";

const shared = lazy(() => new SecretsManagerClient(clientSettings()));

/** How long a value is kept, so that a rotation is seen: five minutes. */
export const keepMs = 5 * 60_000;

/**
 * Secrets of Secrets Manager, by the names of system.ts.
 * Needs secretsmanager:GetSecretValue on each.
 * @param options.locations a secret's ARN by its name
 * @param options.client default: one of this process, made at its first use
 * @param options.now milliseconds of a clock. Default: the process's, which cannot be set back
 */
export function secrets<Name extends string>(options: {
  readonly locations: Readonly<Record<Name, string>>;
  readonly client?: SecretsManagerClient;
  readonly now?: () => number;
}): Secrets<Name> {
  const { locations, now = () => performance.now() } = options;
  const client = () => options.client ?? shared();
  const kept = new Map<string, { readonly value: Promise<string>; readonly until: number }>();

  async function read(name: Name): Promise<string> {
    const fault = faultsOf("secret", name);
    const command = new GetSecretValueCommand({ SecretId: locations[name] });
    const { SecretString } = await answerOf(fault, client().send(command), {
      ResourceNotFoundException: "not-found",
      // Scheduled for deletion.
      InvalidRequestException: "not-found",
    });
    if (SecretString === undefined)
      throw fault("not-found", "it holds bytes and no text; store it as text");
    return SecretString;
  }

  return {
    async get(name) {
      if (!Object.hasOwn(locations, name))
        throw faultsOf("secret", name)("not-found", "nobody declared it; add it to uses.secrets");
      const known = kept.get(name);
      if (known && now() < known.until) return known.value;
      // Kept before it is known: callers of the same moment share one call.
      const value = read(name);
      kept.set(name, { value, until: now() + keepMs });
      value.catch(() => {
        if (kept.get(name)?.value === value) kept.delete(name);
      });
      return value;
    },
  };
}
