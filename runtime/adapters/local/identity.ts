import type { JSONWebKeySet } from "jose";
import type { Pool } from "pg";
import type { Identity as IdentitySpec } from "../../../spec/index.ts";
import {
  type Challenge,
  type ChallengeRound,
  type HookUser,
  type Identity,
  type IdentityHooks,
  isPortError,
  type Mail,
  type Tokens,
} from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { isAddress } from "../mails.ts";
import { attempt, forgive } from "./attempts.ts";
import { keepQuestion, takeQuestion } from "./challenges.ts";
import { hashPassword, isPassword, passwordFault } from "./passwords.ts";
import { guarded } from "./postgres-faults.ts";
import { tokenIssuer } from "./tokens.ts";
import { usersOf } from "./users.ts";

export { openidConfiguration } from "./tokens.ts";

export interface IdentityArgs {
  /** Of the identity in system.ts: users and keys are kept under it. */
  readonly name: string;
  /** Of a database that was migrated. */
  readonly pool: Pool;
  readonly settings: Pick<IdentitySpec, "passwordMinLength" | "accessMinutes" | "refreshDays">;
  /** The `iss` of the tokens. */
  readonly issuer: string;
  /** Read at each call, so they may be filled in later. */
  readonly hooks: IdentityHooks;
  /** Delivers the codes. */
  readonly sendMail: (mail: Mail) => Promise<void>;
}

/** The identity port, and what its issuer makes public. */
export interface LocalIdentity extends Identity {
  /** Stands in access tokens as `client_id`, in id tokens as `aud`. */
  readonly clientId: string;
  jwks(): Promise<JSONWebKeySet>;
}

/** The only kind of challenge, by the name that Amazon Cognito gives it. */
const customChallenge = "CUSTOM_CHALLENGE";

/** Claims that say who issued a token for whom: hooks cannot change them. */
const reserved = new Set(
  "iss sub aud exp nbf iat jti auth_time client_id token_use scope email email_verified".split(" "),
);

/** The identity port on Postgres: users, codes and tokens, in an OIDC issuer of its own. */
export function identity(args: IdentityArgs): LocalIdentity {
  const { name, pool, settings, hooks, sendMail } = args;
  const fault = faultsOf("identity", name);
  const users = usersOf(pool, name);
  const issuer = tokenIssuer(args);
  const clientId = name;
  const denied = (text: string, cause?: unknown) => fault("denied", text, cause);

  /** What a hook throws reaches the client where it is a port's error, and is ours otherwise. */
  const called = async <T>(hook: Promise<T> | undefined): Promise<T | undefined> => {
    try {
      return await hook;
    } catch (error) {
      if (isPortError(error)) throw error;
      throw fault("unavailable", "a hook failed; try again", error);
    }
  };

  const mailCode = async ({ userId, email }: HookUser) => {
    const code = await users.setCode(userId);
    await sendMail({
      to: email,
      subject: "Your confirmation code",
      text: `Your confirmation code is ${code}. It holds for 24 hours.`,
    });
  };

  const countTry = async (what: string, email: string) => {
    if (!(await attempt(pool, `${name} ${what} ${email}`)))
      throw fault("throttled", "too many attempts; wait some minutes");
  };

  const tokensFor = async (user: HookUser): Promise<Tokens> => {
    const added = (await called(hooks.preToken?.(user)))?.claims ?? {};
    const claims = Object.fromEntries(Object.entries(added).filter(([key]) => !reserved.has(key)));
    const { userId: sub, email } = user;
    const expiresIn = settings.accessMinutes * 60;
    const access = { ...claims, sub, client_id: clientId, token_use: "access" };
    const id = { ...claims, sub, aud: clientId, email, email_verified: true, token_use: "id" };
    return {
      accessToken: await issuer.sign(access, expiresIn),
      idToken: await issuer.sign(id, expiresIn),
      expiresIn,
    };
  };

  const signedIn = async (user: HookUser): Promise<Tokens> => {
    const tokens = await tokensFor(user);
    return {
      ...tokens,
      refreshToken: await users.addRefreshToken(user.userId, settings.refreshDays),
    };
  };

  /** Asks the hook how to go on: tokens, the next question, or the end. */
  const proceed = async (
    user: HookUser,
    rounds: readonly ChallengeRound[],
  ): Promise<Tokens | Challenge> => {
    const next = await called(hooks.defineChallenge?.(user, rounds));
    if (next === "issue-tokens") {
      await forgive(pool, `${name} challenge ${user.email}`);
      return signedIn(user);
    }
    const made = next === "next" ? await called(hooks.createChallenge?.(user, rounds)) : undefined;
    if (!made) throw denied("the challenge was not passed; sign in again");
    const session = await keepQuestion(pool, { user, rounds, expected: made.expected });
    return { challenge: customChallenge, session, parameters: made.parameters };
  };

  const wrong = "e-mail or password is wrong; check both";
  const unconfirmed = "the address is not confirmed; confirm it with the code that was mailed";

  const withPassword = async (email: string, password: string): Promise<Tokens> => {
    if (!isAddress(email) || password.length > 256) throw denied(wrong);
    await countTry("password", email);
    const user = await users.find(email);
    if (!(await isPassword(fault, password, user?.password)) || !user) throw denied(wrong);
    await forgive(pool, `${name} password ${email}`);
    if (!user.confirmed) throw fault("conflict", unconfirmed);
    return signedIn({ userId: user.userId, email });
  };

  const withChallenge = async (email: string): Promise<Tokens | Challenge> => {
    if (!hooks.defineChallenge) throw fault("invalid", "has no challenge; give a password");
    if (!isAddress(email)) throw denied(wrong);
    await countTry("challenge", email);
    const user = await users.find(email);
    if (!user) throw denied(wrong);
    if (!user.confirmed) throw fault("conflict", unconfirmed);
    return proceed({ userId: user.userId, email }, []);
  };

  return {
    clientId,
    jwks: () => guarded(fault, issuer.jwks),

    signUp: ({ email: given, password }) =>
      guarded(fault, async () => {
        const email = given.toLowerCase();
        if (!isAddress(email))
          throw fault("invalid", "no e-mail address; give one such as a@b.example");
        const weak = passwordFault(password, settings.passwordMinLength);
        if (weak) throw fault("invalid", weak);
        const confirmed = (await called(hooks.preSignUp?.({ email })))?.confirm ?? false;
        const user = await users.add(email, await hashPassword(fault, password), confirmed);
        if (!user) throw fault("conflict", "the address has a user already; sign in");
        if (confirmed) await called(hooks.postConfirmation?.(user));
        else await mailCode(user);
        return { userId: user.userId, confirmed };
      }),

    confirm: ({ email, code }) =>
      guarded(fault, async () => {
        const user = isAddress(email) && (await users.confirm(email.toLowerCase(), code));
        if (!user) throw fault("invalid", "the code is wrong or has expired; ask for a new one");
        await called(hooks.postConfirmation?.(user));
      }),

    resend: ({ email: given }) =>
      guarded(fault, async () => {
        const email = given.toLowerCase();
        if (!isAddress(email)) return;
        await countTry("resend", email);
        const user = await users.find(email);
        if (user && !user.confirmed) await mailCode({ userId: user.userId, email });
      }),

    signIn: ({ email, password }) =>
      guarded<Tokens | Challenge>(fault, () =>
        password === undefined
          ? withChallenge(email.toLowerCase())
          : withPassword(email.toLowerCase(), password),
      ),

    answer: ({ email, challenge, session, answer }) =>
      guarded(fault, async () => {
        const asked =
          challenge === customChallenge && isAddress(email)
            ? await takeQuestion(pool, name, email.toLowerCase(), session)
            : undefined;
        if (!asked) throw denied("no such question waits for an answer; sign in again");
        const passed = await called(hooks.verifyChallenge?.(asked.user, asked.expected, answer));
        return proceed(asked.user, [...asked.rounds, { challenge, passed: passed ?? false }]);
      }),

    refresh: ({ refreshToken }) =>
      guarded(fault, async () => {
        const user = await users.findByRefreshToken(refreshToken);
        if (!user) throw denied("the refresh token does not hold; sign in again");
        return tokensFor(user);
      }),

    signOut: ({ accessToken }) =>
      guarded(fault, async () => {
        await issuer.jwks(); // What fails here is the database, and no fault of the token.
        const claims = await issuer.verify(accessToken).catch((error: unknown) => {
          throw denied("the access token does not hold; sign in again", error);
        });
        if (claims.token_use !== "access" || claims.client_id !== clientId || !claims.sub)
          throw denied("no access token of this client; send the access token");
        await users.removeRefreshTokens(claims.sub);
      }),
  };
}
