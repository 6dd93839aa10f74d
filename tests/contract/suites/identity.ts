import { randomUUID } from "node:crypto";
import { decodeJwt, type JWTVerifyGetKey, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Challenge,
  type HookUser,
  type Identity,
  type IdentityHooks,
  PortError,
  type Tokens,
} from "../../../runtime/ports/index.ts";
import { refusal } from "./refusal.ts";

/**
 * What an emulator cannot do. Each is asserted either way, so that an emulator that learns it
 * fails the suite until its capability is set.
 */
export interface IdentityCapabilities {
  /** Whether a wrong confirmation code is refused. */
  readonly checksConfirmationCode: boolean;
  /** Whether a code can be asked for again. */
  readonly resendsCodes: boolean;
  /** Whether hooks are called, the custom challenge among them. */
  readonly callsHooks: boolean;
}

export interface IdentityParts {
  readonly identity: Identity;
  /** Of the tokens: `iss`, and the app client's id. */
  readonly issuer: string;
  readonly audience: string;
  readonly keys: JWTVerifyGetKey;
  /** The newest code that was mailed to the address. */
  code(email: string): Promise<string>;
  close(): Promise<void>;
}

const password = "correct horse 9 Battery!";

/**
 * What every Identity does, the same on every adapter.
 * @param make an identity with these hooks and passwords of at least 12 characters
 */
export function identityContract(
  title: string,
  {
    make,
    capabilities,
  }: {
    readonly make: (hooks: IdentityHooks) => Promise<IdentityParts>;
    readonly capabilities: IdentityCapabilities;
  },
): void {
  describe(title, () => {
    let parts: IdentityParts;
    let identity: Identity;
    const confirmedUsers: HookUser[] = [];

    const hooks: IdentityHooks = {
      async preSignUp({ email }) {
        if (email.endsWith("@refused.example"))
          throw new PortError("denied", "refused.example is not welcome");
        return email.endsWith("@trusted.example") ? { confirm: true } : undefined;
      },
      async postConfirmation(user) {
        confirmedUsers.push(user);
      },
      async preToken() {
        return { claims: { tier: "gold" } };
      },
      async defineChallenge(_, rounds) {
        if (rounds.at(-1)?.passed) return "issue-tokens";
        return rounds.length < 3 ? "next" : "fail";
      },
      async createChallenge(_, rounds) {
        return { parameters: { round: String(rounds.length + 1) }, expected: { answer: "42" } };
      },
      async verifyChallenge(_, expected, answer) {
        return answer === expected.answer;
      },
    };

    beforeAll(async () => {
      parts = await make(hooks);
      identity = parts.identity;
    });
    afterAll(() => parts?.close());

    const address = (domain = "example.com") => `${randomUUID()}@${domain}`;
    const tokensOf = (answer: Tokens | Challenge): Tokens => {
      if (!("accessToken" in answer)) throw new Error("a challenge came instead of tokens");
      return answer;
    };
    const challengeOf = (answer: Tokens | Challenge): Challenge => {
      if (!("challenge" in answer)) throw new Error("tokens came instead of a challenge");
      return answer;
    };
    const confirmed = async () => {
      const email = address();
      const { userId } = await identity.signUp({ email, password });
      await identity.confirm({ email, code: await parts.code(email) });
      return { email, userId };
    };
    const signedIn = async () => {
      const user = await confirmed();
      const tokens = tokensOf(await identity.signIn({ email: user.email, password }));
      return { ...user, ...tokens };
    };
    const messageOf = (promise: Promise<unknown>, email: string) =>
      promise.then(
        () => "nothing refused",
        (error: Error) => error.message.replaceAll(email, "<email>"),
      );

    describe("sign up and confirm", () => {
      it("makes an unconfirmed user who cannot sign in before the confirmation", async () => {
        const email = address();
        const answer = await identity.signUp({ email, password });
        expect(answer).toEqual({ userId: expect.stringMatching(/^[\w-]{10,}$/), confirmed: false });
        expect(await refusal(identity.signIn({ email, password }))).toBe("conflict");
      });

      it("refuses an address that has a user as conflict", async () => {
        const { email } = await confirmed();
        expect(await refusal(identity.signUp({ email, password }))).toBe("conflict");
      });

      it.each(["short", "", "elevenchars"])(
        "refuses the short password %j as invalid",
        async (weak) => {
          expect(await refusal(identity.signUp({ email: address(), password: weak }))).toBe(
            "invalid",
          );
        },
      );

      it("takes a long password of one kind of characters", async () => {
        const answer = await identity.signUp({ email: address(), password: "onlysmallletters" });
        expect(answer.confirmed).toBe(false);
      });

      it.each(["", "nobody"])("refuses the address %j as invalid", async (email) => {
        expect(await refusal(identity.signUp({ email, password }))).toBe("invalid");
      });

      it(`${capabilities.checksConfirmationCode ? "refuses a wrong code as invalid, after which the right one holds" : "cannot tell a wrong code from the right one (declared deviation)"}`, async () => {
        const email = address();
        await identity.signUp({ email, password });
        const right = await parts.code(email);
        const wrong = right === "000000" ? "111111" : "000000";
        expect(await refusal(identity.confirm({ email, code: wrong }))).toBe(
          capabilities.checksConfirmationCode ? "invalid" : "nothing refused",
        );
        await identity.confirm({ email, code: right });
        expect(tokensOf(await identity.signIn({ email, password })).accessToken).not.toBe("");
      });

      it("refuses to confirm an unknown user as invalid", async () => {
        expect(await refusal(identity.confirm({ email: address(), code: "123456" }))).toBe(
          "invalid",
        );
      });
    });

    describe("a code sent again", () => {
      if (capabilities.resendsCodes) {
        it("confirms the user", async () => {
          const email = address();
          await identity.signUp({ email, password });
          await identity.resend({ email });
          await identity.confirm({ email, code: await parts.code(email) });
          expect(tokensOf(await identity.signIn({ email, password })).expiresIn).toBeGreaterThan(0);
        });

        it("says nothing about whether there is a user, or a confirmed one", async () => {
          const { email } = await confirmed();
          expect(await refusal(identity.resend({ email }))).toBe("nothing refused");
          expect(await refusal(identity.resend({ email: address() }))).toBe("nothing refused");
        });
      } else {
        it("cannot be had (declared deviation)", async () => {
          const email = address();
          await identity.signUp({ email, password });
          expect(await refusal(identity.resend({ email }))).toBe("unavailable");
        });
      }
    });

    describe("sign in with a password", () => {
      it("gives tokens of the issuer, for this client and user, that its keys verify", async () => {
        const { email, userId, accessToken, idToken, expiresIn } = await signedIn();
        const options = { issuer: parts.issuer, algorithms: ["RS256", "ES256"] };
        const access = await jwtVerify(accessToken, parts.keys, options);
        expect(access.payload).toMatchObject({
          sub: userId,
          client_id: parts.audience,
          token_use: "access",
        });
        expect((access.payload.exp ?? 0) - (access.payload.iat ?? 0)).toBe(expiresIn);
        const id = await jwtVerify(idToken, parts.keys, { ...options, audience: parts.audience });
        expect(id.payload).toMatchObject({ sub: userId, email, token_use: "id" });
      });

      it("does not let a changed token pass", async () => {
        const { accessToken } = await signedIn();
        const [head = "", , signature = ""] = accessToken.split(".");
        const claims = { ...decodeJwt(accessToken), sub: "someone else" };
        const body = Buffer.from(JSON.stringify(claims)).toString("base64url");
        await expect(jwtVerify(`${head}.${body}.${signature}`, parts.keys)).rejects.toThrow(
          /signature verification failed/,
        );
      });

      it("refuses a wrong password and an unknown user alike", async () => {
        const { email } = await confirmed();
        const stranger = address();
        const wrong = () => identity.signIn({ email, password: `${password}x` });
        const unknown = () => identity.signIn({ email: stranger, password });
        expect(await refusal(wrong())).toBe("denied");
        expect(await refusal(unknown())).toBe("denied");
        expect(await messageOf(wrong(), email)).toBe(await messageOf(unknown(), stranger));
      });

      it("refuses a wrong password of an unconfirmed user without telling that there is one", async () => {
        const email = address();
        await identity.signUp({ email, password });
        expect(await refusal(identity.signIn({ email, password: "wrong" }))).toBe("denied");
      });
    });

    describe("refresh and sign out", () => {
      it("gives new tokens of the same user, and no new refresh token", async () => {
        const { userId, refreshToken = "" } = await signedIn();
        const renewed = await identity.refresh({ refreshToken });
        const { payload } = await jwtVerify(renewed.accessToken, parts.keys);
        expect(payload).toMatchObject({ sub: userId, token_use: "access" });
        expect(renewed.refreshToken).toBeUndefined();
        expect(renewed.idToken).not.toBe("");
      });

      it.each(["", "no token", "a.b.c"])(
        "refuses the refresh token %j as denied",
        async (refreshToken) => {
          expect(await refusal(identity.refresh({ refreshToken }))).toBe("denied");
        },
      );

      it("refuses every refresh token of a user who signed out as denied", async () => {
        const { email, accessToken, refreshToken = "" } = await signedIn();
        const second = tokensOf(await identity.signIn({ email, password }));
        await identity.signOut({ accessToken });
        expect(await refusal(identity.refresh({ refreshToken }))).toBe("denied");
        expect(await refusal(identity.refresh({ refreshToken: second.refreshToken ?? "" }))).toBe(
          "denied",
        );
      });

      it("leaves other users signed in", async () => {
        const one = await signedIn();
        const other = await signedIn();
        await identity.signOut({ accessToken: one.accessToken });
        const renewed = await identity.refresh({ refreshToken: other.refreshToken ?? "" });
        expect(renewed.accessToken).not.toBe("");
      });

      it.each(["", "no token", "a.b.c"])(
        "refuses to sign out with the token %j as denied",
        async (accessToken) => {
          expect(await refusal(identity.signOut({ accessToken }))).toBe("denied");
        },
      );
    });

    describe("hooks", () => {
      if (!capabilities.callsHooks) {
        it("are not called: nobody is refused, no claim added (declared deviation)", async () => {
          const refused = address("refused.example");
          expect(await refusal(identity.signUp({ email: refused, password }))).toBe(
            "nothing refused",
          );
          expect(decodeJwt((await signedIn()).accessToken).tier).toBeUndefined();
        });

        it("cannot challenge (declared deviation)", async () => {
          const { email } = await confirmed();
          expect(await refusal(identity.signIn({ email }))).toBe("unavailable");
        });
        return;
      }

      it("may refuse a sign-up, in their own words", async () => {
        const email = address("refused.example");
        const refused = () => identity.signUp({ email, password });
        expect(await refusal(refused())).toBe("denied");
        expect(await messageOf(refused(), email)).toContain("refused.example is not welcome");
        expect(await refusal(identity.signIn({ email, password }))).toBe("denied");
      });

      it("may confirm a user at once", async () => {
        const email = address("trusted.example");
        expect(await identity.signUp({ email, password })).toMatchObject({ confirmed: true });
        expect(tokensOf(await identity.signIn({ email, password })).idToken).not.toBe("");
      });

      it("learn of a confirmation once", async () => {
        const user = await confirmed();
        expect(confirmedUsers.filter((known) => known.email === user.email)).toEqual([user]);
      });

      it("add claims to both tokens, on refresh too", async () => {
        const { accessToken, idToken, refreshToken = "" } = await signedIn();
        const renewed = await identity.refresh({ refreshToken });
        for (const token of [accessToken, idToken, renewed.accessToken, renewed.idToken])
          expect(decodeJwt(token).tier).toBe("gold");
      });

      it("ask a question that is answered for tokens", async () => {
        const { email, userId } = await confirmed();
        const first = challengeOf(await identity.signIn({ email }));
        expect(first.parameters).toMatchObject({ round: "1" });
        expect(JSON.stringify(first)).not.toContain("42");
        const tokens = tokensOf(await identity.answer({ email, ...first, answer: "42" }));
        const { payload } = await jwtVerify(tokens.accessToken, parts.keys);
        expect(payload.sub).toBe(userId);
        expect(tokens.refreshToken).not.toBeUndefined();
      });

      it("ask again after a wrong answer, and give up as denied", async () => {
        const { email } = await confirmed();
        let question = challengeOf(await identity.signIn({ email }));
        for (const round of ["2", "3"]) {
          question = challengeOf(await identity.answer({ email, ...question, answer: "41" }));
          expect(question.parameters).toMatchObject({ round });
        }
        expect(await refusal(identity.answer({ email, ...question, answer: "41" }))).toBe("denied");
      });

      it("take an answer once, and from the user who was asked", async () => {
        const { email } = await confirmed();
        const { email: other } = await confirmed();
        const question = challengeOf(await identity.signIn({ email }));
        const answer = { ...question, answer: "42" };
        expect(await refusal(identity.answer({ email: other, ...answer }))).toBe("denied");
        await identity.answer({ email, ...answer });
        expect(await refusal(identity.answer({ email, ...answer }))).toBe("denied");
      });

      it("refuse an answer to a question that was not asked as denied", async () => {
        const { email } = await confirmed();
        const made = { challenge: "CUSTOM_CHALLENGE", session: "made up, and long enough" };
        expect(await refusal(identity.answer({ email, ...made, answer: "42" }))).toBe("denied");
      });
    });
  });
}
