import { describe, expect, test } from "vitest";
import { DataStores } from "../../../components/aws/DataStores.ts";
import { UserPool, type UserPoolArgs } from "../../../components/aws/UserPool.ts";
import { defineSystem, http, identity, onIdentity } from "../../../spec/index.ts";
import { runUnderMocks } from "../harness.ts";
import { artefacts, code, hooks, load, small, storefront, system } from "./fixtures.ts";

const type = {
  client: "aws:cognito/userPoolClient:UserPoolClient",
  function: "aws:lambda/function:Function",
  permission: "aws:lambda/permission:Permission",
  pool: "aws:cognito/userPool:UserPool",
} as const;

const plain = defineSystem({
  name: "plain",
  services: { identity: identity({ passwordMinLength: 14, accessMinutes: 15, refreshDays: 7 }) },
  workloads: { hello: http({ code: "functions/hello", routes: ["GET /hello"], load }) },
});
const pool = (args: Partial<UserPoolArgs> = {}) =>
  runUnderMocks(() => new UserPool("users", { system: plain, ...args }));

describe("users", () => {
  test("sign up and in by e-mail, whatever its case, and prove it by a code", async () => {
    expect((await pool()).find(type.pool).inputs).toMatchObject({
      usernameAttributes: ["email"],
      usernameConfiguration: { caseSensitive: false },
      autoVerifiedAttributes: ["email"],
      verificationMessageTemplate: { defaultEmailOption: "CONFIRM_WITH_CODE" },
    });
  });

  test("choose a password of the declared length", async () => {
    expect((await pool()).find(type.pool).inputs.passwordPolicy.minimumLength).toBe(14);
  });

  test("are kept: deletion is refused by default, and allowed where asked", async () => {
    const kept = (await pool()).find(type.pool);
    expect([kept.protect, kept.inputs.deletionProtection]).toEqual([true, "ACTIVE"]);
    const not = (await pool({ protect: false })).find(type.pool);
    expect([not.protect, not.inputs.deletionProtection]).toEqual([false, "INACTIVE"]);
  });

  test("get their codes from an own sender where one is given", async () => {
    const email = { from: "shop@example.com", sourceArn: "arn:aws:ses:x:1:identity/example.com" };
    expect((await pool({ email })).find(type.pool).inputs.emailConfiguration).toEqual({
      emailSendingAccount: "DEVELOPER",
      fromEmailAddress: email.from,
      sourceArn: email.sourceArn,
    });
    expect((await pool()).find(type.pool).inputs.emailConfiguration).toBeUndefined();
  });
});

describe("the app client", () => {
  test("is public, says nothing about who exists, and can revoke", async () => {
    expect((await pool()).find(type.client).inputs).toMatchObject({
      generateSecret: false,
      preventUserExistenceErrors: "ENABLED",
      enableTokenRevocation: true,
    });
  });

  test("signs in by password; by challenge only where hooks make one", async () => {
    expect((await pool()).find(type.client).inputs.explicitAuthFlows).toEqual([
      "ALLOW_USER_PASSWORD_AUTH",
      "ALLOW_REFRESH_TOKEN_AUTH",
    ]);
    expect((await storefront()).find(type.client).inputs.explicitAuthFlows).toContain(
      "ALLOW_CUSTOM_AUTH",
    );
  });

  test("gives tokens the declared lives", async () => {
    expect((await pool()).find(type.client).inputs).toMatchObject({
      accessTokenValidity: 15,
      refreshTokenValidity: 7,
      tokenValidityUnits: { accessToken: "minutes", refreshToken: "days" },
    });
  });
});

describe("hooks", () => {
  const arn = (name: string) =>
    `arn:aws:lambda:eu-central-1:123456789012:function:shop-dev-users-${name}`;

  test("are called at the points that their workloads name", async () => {
    expect((await storefront()).find(type.pool).inputs.lambdaConfig).toEqual({
      preSignUp: arn("signUpRules"),
      preTokenGenerationConfig: { lambdaArn: arn("signUpRules"), lambdaVersion: "V2_0" },
      postConfirmation: arn("welcome"),
      defineAuthChallenge: arn("mailCode"),
      createAuthChallenge: arn("mailCode"),
      verifyAuthChallengeResponse: arn("mailCode"),
    });
  });

  test("may be called by this pool, and by nobody else", async () => {
    const graph = await storefront();
    const callers = graph
      .all(type.permission)
      .filter(({ inputs }) => (hooks as readonly string[]).some((h) => inputs.function.endsWith(h)))
      .map(({ inputs }) => [inputs.function, inputs.principal, inputs.sourceArn]);
    expect(callers).toEqual(
      [...hooks]
        .sort()
        .map((hook) => [
          `shop-dev-users-${hook}`,
          "cognito-idp.amazonaws.com",
          "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_users",
        ]),
    );
  });

  test("answer within Cognito's 5 s, or are refused", async () => {
    const graph = await storefront();
    for (const hook of hooks)
      expect(
        graph.find(type.function, `users-${hook}-function`).inputs.timeout,
      ).toBeLessThanOrEqual(5);
    const slow = { ...load, ms: { p50: 10, p99: 6_000 } };
    const late = defineSystem({
      name: "late",
      services: { identity: identity() },
      workloads: {
        rules: onIdentity({ code: "functions/rules", hooks: ["pre-token"], load: slow }),
      },
    });
    await expect(
      runUnderMocks(() => new UserPool("users", { system: late, artefacts: { rules: code } })),
    ).rejects.toThrow('workload "rules": load of 6000 ms is over the 5000 ms as an identity hook');
  });

  test("pay for the dearer tier only where a hook writes into access tokens", async () => {
    expect((await storefront()).find(type.pool).inputs.userPoolTier).toBe("ESSENTIALS");
    expect((await pool()).find(type.pool).inputs.userPoolTier).toBe("LITE");
  });

  test("can be deployed in part", async () => {
    const graph = await runUnderMocks(() => {
      const stores = new DataStores("stores", { system, workloads: ["welcome"] });
      new UserPool("users", {
        system,
        workloads: ["welcome"],
        artefacts,
        stores: stores.bindings,
      });
    });
    expect(Object.keys(graph.find(type.pool).inputs.lambdaConfig)).toEqual(["postConfirmation"]);
  });
});

describe("faults", () => {
  test("all come in one message", async () => {
    const looped = defineSystem({
      name: "looped",
      services: { identity: identity() },
      workloads: {
        rules: onIdentity({
          code: "functions/rules",
          hooks: ["pre-sign-up"],
          uses: { identity: "sign-in" },
          load,
        }),
      },
    });
    const run = runUnderMocks(
      () => new UserPool("users", { system: looped, logRetentionDays: 2 }),
    ).catch((error: Error) => error.message);
    const text = await run;
    expect(text).toContain('UserPool "users": 4 faults');
    expect(text).toContain("logRetentionDays 2; use one of");
    expect(text).toContain('no code is given; give artefacts["rules"]');
    expect(text).toContain('workload "rules": uses identity, which calls it; leave that use out');
  });

  test("a system without an identity has no user pool", async () => {
    const none = defineSystem({
      name: "none",
      workloads: {
        hello: http({ code: "functions/hello", routes: ["GET /hello"], auth: "none", load }),
      },
    });
    await expect(runUnderMocks(() => new UserPool("users", { system: none }))).rejects.toThrow(
      'UserPool "users": the system has no identity; declare identity()',
    );
  });

  test("a workload of another kind is no hook", async () => {
    const run = () => new UserPool("users", { system: small(), workloads: ["hello"] });
    await expect(runUnderMocks(run)).rejects.toThrow('workload "hello" of kind http');
  });
});
