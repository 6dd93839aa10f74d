import {
  AdminCreateUserCommand,
  CognitoIdentityProviderClient,
} from "@aws-sdk/client-cognito-identity-provider";
import { createRemoteJWKSet } from "jose";
import { afterAll, describe, expect, it } from "vitest";
import { identity } from "../../../runtime/adapters/aws/identity.ts";
import { identityContract } from "../suites/identity.ts";
import { refusal } from "../suites/refusal.ts";
import { emulator } from "./emulator.ts";
import { createPool } from "./resources.ts";

identityContract("aws identity", {
  // moto 5.2.5: confirm_sign_up does not look at the code, resend_confirmation_code and CUSTOM_AUTH
  // are missing, and triggers are not run.
  capabilities: { checksConfirmationCode: false, resendsCodes: false, callsHooks: false },
  async make() {
    const client = new CognitoIdentityProviderClient(emulator);
    const { pool, location } = await createPool(client);
    const keys = new URL(`${emulator.endpoint}/${pool}/.well-known/jwks.json`);
    return {
      identity: identity({ name: "users", location, client }),
      issuer: `https://cognito-idp.${emulator.region}.amazonaws.com/${pool}`,
      audience: location,
      // Moto finds the service by the host's name.
      keys: createRemoteJWKSet(keys, {
        headers: { host: `cognito-idp.${emulator.region}.amazonaws.com` },
      }),
      code: async () => "123456",
      close: async () => client.destroy(),
    };
  },
});

describe("aws identity, of a user whom an administrator made", () => {
  const client = new CognitoIdentityProviderClient(emulator);
  afterAll(() => client.destroy());

  it("asks for a new password, and takes the answer from the user who was asked", async () => {
    const { pool, location } = await createPool(client);
    const port = identity({ name: "users", location, client });
    const email = "made@example.com";
    await client.send(
      new AdminCreateUserCommand({
        UserPoolId: pool,
        Username: email,
        TemporaryPassword: "Temporary 1 word",
        UserAttributes: [{ Name: "email", Value: email }],
      }),
    );
    const question = await port.signIn({ email, password: "Temporary 1 word" });
    if (!("challenge" in question)) throw new Error("tokens came instead of a challenge");
    expect(question.challenge).toBe("NEW_PASSWORD_REQUIRED");
    const answer = { ...question, answer: "Permanent 1 word" };
    expect(await refusal(port.answer({ email: "other@example.com", ...answer }))).toBe("denied");
    expect(await refusal(port.answer({ email, ...answer, session: "made up" }))).toBe("denied");
    expect(await port.answer({ email, ...answer })).toHaveProperty("accessToken");
  });
});
