import { PutSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterAll, describe, expect, it } from "vitest";
import { keepMs, secrets } from "../../../runtime/adapters/aws/secrets.ts";
import { refusal } from "../suites/refusal.ts";
import { secretsContract } from "../suites/secrets.ts";
import { emulator } from "./emulator.ts";
import { createSecret } from "./resources.ts";

secretsContract("aws secrets", {
  async make() {
    const client = new SecretsManagerClient(emulator);
    const value = "vàlue 😀";
    return {
      secrets: secrets({ locations: { known: await createSecret(client, value) }, client }),
      known: "known",
      value,
      unknown: "unknown-one",
      close: async () => client.destroy(),
    };
  },
});

describe("aws secrets, in time", () => {
  const client = new SecretsManagerClient(emulator);
  let calls = 0;
  client.middlewareStack.add(
    (next, context) => (args) => {
      if (context.commandName === "GetSecretValueCommand") calls++;
      return next(args);
    },
    { step: "initialize" },
  );
  afterAll(() => client.destroy());

  it("calls the service once for callers of the same moment and the five minutes after", async () => {
    let time = 0;
    const location = await createSecret(client, "first");
    const port = secrets({ locations: { hook: location }, client, now: () => time });
    calls = 0;
    await Promise.all(Array.from({ length: 20 }, () => port.get("hook")));
    await client.send(new PutSecretValueCommand({ SecretId: location, SecretString: "second" }));
    time = keepMs - 1;
    expect(await port.get("hook")).toBe("first");
    expect(calls).toBe(1);
  });

  it("sees a rotation after five minutes", async () => {
    let time = 0;
    const location = await createSecret(client, "first");
    const port = secrets({ locations: { hook: location }, client, now: () => time });
    await port.get("hook");
    await client.send(new PutSecretValueCommand({ SecretId: location, SecretString: "second" }));
    time = keepMs;
    expect(await port.get("hook")).toBe("second");
  });

  it("refuses a secret without a value as not-found, and asks again the next time", async () => {
    const location = await createSecret(client);
    const port = secrets({ locations: { hook: location }, client });
    expect(await refusal(port.get("hook"))).toBe("not-found");
    await client.send(new PutSecretValueCommand({ SecretId: location, SecretString: "late" }));
    expect(await port.get("hook")).toBe("late");
  });

  it("refuses a secret that is gone as not-found, and keeps the service's error as cause", async () => {
    const location = `arn:aws:secretsmanager:${emulator.region}:123456789012:secret:gone-a1b2c3`;
    const port = secrets({ locations: { hook: location }, client });
    const failure = await port.get("hook").catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "not-found",
      message:
        'secret "hook": the service answered ResourceNotFoundException; check that it exists',
      cause: { name: "ResourceNotFoundException" },
    });
  });
});
