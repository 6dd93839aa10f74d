import { describe, expect, test, vi } from "vitest";
import { type CognitoEvent, lambdaIdentity } from "../../../runtime/entries/lambda/identity.ts";
import { PortError } from "../../../runtime/ports/errors.ts";
import type { IdentityHooks } from "../../../runtime/ports/identity.ts";

const ann = { sub: "u-1", email: "ann@shop.example" };
const user = { userId: "u-1", email: "ann@shop.example" };

const event = (
  triggerSource: string,
  request: CognitoEvent["request"] = {},
  version = "1",
): CognitoEvent => ({
  version,
  triggerSource,
  userName: "u-1",
  request: { userAttributes: ann, ...request },
  response: {},
});

const answerTo = async (given: CognitoEvent, hooks: IdentityHooks) =>
  (await lambdaIdentity(hooks)(given)).response;

describe("PreSignUp", () => {
  test("asks the hook by e-mail", async () => {
    const preSignUp = vi.fn(async () => undefined);
    expect(await answerTo(event("PreSignUp_SignUp"), { preSignUp })).toEqual({});
    expect(preSignUp).toHaveBeenCalledWith({ email: "ann@shop.example" });
  });

  test("confirms where the hook says so", async () => {
    const preSignUp = async () => ({ confirm: true });
    expect(await answerTo(event("PreSignUp_SignUp"), { preSignUp })).toEqual({
      autoConfirmUser: true,
      autoVerifyEmail: true,
    });
  });

  test("refuses with the hook's message", async () => {
    const preSignUp = () => Promise.reject(new PortError("denied", "not you"));
    await expect(answerTo(event("PreSignUp_SignUp"), { preSignUp })).rejects.toThrow("not you");
  });
});

describe("PostConfirmation", () => {
  test("follows up on a new user, not on a new password", async () => {
    const postConfirmation = vi.fn(async () => {});
    await answerTo(event("PostConfirmation_ConfirmForgotPassword"), { postConfirmation });
    expect(postConfirmation).not.toHaveBeenCalled();
    await answerTo(event("PostConfirmation_ConfirmSignUp"), { postConfirmation });
    expect(postConfirmation).toHaveBeenCalledWith(user);
  });
});

describe("TokenGeneration", () => {
  const preToken = async () => ({ claims: { tier: "customer" } });
  const added = { claimsToAddOrOverride: { tier: "customer" } };

  test.each(["TokenGeneration_Authentication", "TokenGeneration_RefreshTokens"])(
    "%s adds claims to both tokens",
    async (source) => {
      expect(await answerTo(event(source, {}, "2"), { preToken })).toEqual({
        claimsAndScopeOverrideDetails: { idTokenGeneration: added, accessTokenGeneration: added },
      });
    },
  );

  test("of version 1 adds them to the id token, in its own shape", async () => {
    expect(await answerTo(event("TokenGeneration_Authentication"), { preToken })).toEqual({
      claimsOverrideDetails: added,
    });
  });

  test("for a client without a user asks nobody", async () => {
    const given = event("TokenGeneration_ClientCredentials", { userAttributes: {} }, "3");
    expect(await answerTo(given, { preToken })).toEqual({});
  });
});

describe("custom authentication", () => {
  const session = [{ challengeName: "CUSTOM_CHALLENGE", challengeResult: true }];
  const define = "DefineAuthChallenge_Authentication";
  const create = "CreateAuthChallenge_Authentication";
  const verify = "VerifyAuthChallengeResponse_Authentication";

  test("tells the hook of the rounds so far", async () => {
    const defineChallenge = vi.fn(async () => "next" as const);
    await answerTo(event(define, { session }), { defineChallenge });
    expect(defineChallenge).toHaveBeenCalledWith(user, [
      { challenge: "CUSTOM_CHALLENGE", passed: true },
    ]);
  });

  test.each([
    ["next", { issueTokens: false, failAuthentication: false, challengeName: "CUSTOM_CHALLENGE" }],
    ["issue-tokens", { issueTokens: true, failAuthentication: false }],
    ["fail", { issueTokens: false, failAuthentication: true }],
  ] as const)("%s is Cognito's %j", async (said, expected) => {
    const defineChallenge = async () => said;
    expect(await answerTo(event(define), { defineChallenge })).toEqual(expected);
  });

  test("issues no tokens to a user that does not exist, whatever the hook says", async () => {
    const given = event(define, { userNotFound: true, session });
    expect(await answerTo(given, { defineChallenge: async () => "issue-tokens" })).toEqual({
      issueTokens: false,
      failAuthentication: true,
    });
  });

  test("keeps what is expected from the client", async () => {
    const createChallenge = async () => ({ parameters: { by: "mail" }, expected: { code: "1" } });
    expect(await answerTo(event(create), { createChallenge })).toEqual({
      publicChallengeParameters: { by: "mail" },
      privateChallengeParameters: { code: "1" },
    });
  });

  test("asks an unknown user the same, without an address to send to", async () => {
    const createChallenge = vi.fn(async () => ({ parameters: {}, expected: { code: "1" } }));
    await answerTo(event(create, { userNotFound: true, userAttributes: undefined }), {
      createChallenge,
    });
    expect(createChallenge).toHaveBeenCalledWith({ userId: "u-1", email: "" }, []);
  });

  test("passes the answer on, and believes it for known users only", async () => {
    const verifyChallenge = vi.fn(async () => true);
    const request = { privateChallengeParameters: { code: "1" }, challengeAnswer: "1" };
    expect(await answerTo(event(verify, request), { verifyChallenge })).toEqual({
      answerCorrect: true,
    });
    expect(verifyChallenge).toHaveBeenCalledWith(user, { code: "1" }, "1");
    const unknown = event(verify, { ...request, userNotFound: true });
    expect(await answerTo(unknown, { verifyChallenge })).toEqual({ answerCorrect: false });
  });
});

test("a trigger that nobody asked for is handed back as it came", async () => {
  const given = event("CustomMessage_SignUp");
  expect(await lambdaIdentity({})(given)).toEqual(given);
  const odd = event("constructor");
  expect(await lambdaIdentity({})(odd)).toEqual(odd);
});
