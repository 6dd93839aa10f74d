import {
  type AuthenticationResultType,
  type ChallengeNameType,
  CognitoIdentityProviderClient,
  ConfirmSignUpCommand,
  GlobalSignOutCommand,
  InitiateAuthCommand,
  ResendConfirmationCodeCommand,
  RespondToAuthChallengeCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import type { Challenge, Identity, Tokens } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { checkEmail } from "../limits.ts";
import { clientSettings, lazy } from "./client.ts";
import { answerOf, nameOf } from "./errors.ts";
import {
  answerMeanings,
  badAnswer,
  badToken,
  confirmMeanings,
  type Meanings,
  signInMeanings,
  signUpMeanings,
  tokenMeanings,
} from "./identity-meanings.ts";
import { packSession, unpackSession } from "./identity-session.ts";

// Cognito waits for hooks, 5 s for each try of each.
const shared = lazy(() => new CognitoIdentityProviderClient(clientSettings(20_000)));

/** How Cognito calls the answer to each challenge; a custom one's is ANSWER. */
const answerNames: Readonly<Record<string, string>> = {
  NEW_PASSWORD_REQUIRED: "NEW_PASSWORD",
  SMS_MFA: "SMS_MFA_CODE",
  SOFTWARE_TOKEN_MFA: "SOFTWARE_TOKEN_MFA_CODE",
};

/**
 * Users of a Cognito pool whose user names are e-mail addresses, through a public app client
 * (no secret) that allows USER_PASSWORD_AUTH, CUSTOM_AUTH and REFRESH_TOKEN_AUTH and prevents
 * user existence errors. Needs no IAM: each call is unauthenticated or carries a user's token.
 * @param options.name the identity's, for messages
 * @param options.location the app client's id
 * @param options.client default: one of this process, made at its first use
 */
export function identity(options: {
  readonly name: string;
  readonly location: string;
  readonly client?: CognitoIdentityProviderClient;
}): Identity {
  const { name, location: ClientId } = options;
  const client = () => options.client ?? shared();
  const fault = faultsOf("identity", name);

  async function ask<T>(call: Promise<T>, meanings: Meanings): Promise<T> {
    try {
      return await call;
    } catch (error) {
      const service = nameOf(error);
      if (service === "UserLambdaValidationException")
        throw fault("denied", `${wordsOfHook((error as Error).message)}; use another`, error);
      const meaning = Object.hasOwn(meanings, service) ? meanings[service] : undefined;
      if (meaning) throw fault(...meaning, error);
      return answerOf(fault, Promise.reject(error));
    }
  }

  function tokensOf(result: AuthenticationResultType): Tokens {
    const { AccessToken, IdToken, RefreshToken, ExpiresIn } = result;
    if (AccessToken === undefined || IdToken === undefined || ExpiresIn === undefined)
      throw fault("unavailable", "the service gave half an answer; try again later");
    const tokens = { accessToken: AccessToken, idToken: IdToken, expiresIn: ExpiresIn };
    return RefreshToken === undefined ? tokens : { ...tokens, refreshToken: RefreshToken };
  }

  function tokensOrChallenge(
    email: string,
    answer: {
      readonly AuthenticationResult?: AuthenticationResultType;
      readonly ChallengeName?: string;
      readonly Session?: string;
      readonly ChallengeParameters?: Readonly<Record<string, string>>;
    },
  ): Tokens | Challenge {
    if (answer.AuthenticationResult) return tokensOf(answer.AuthenticationResult);
    const { ChallengeName: challenge, Session, ChallengeParameters } = answer;
    if (challenge === undefined || Session === undefined)
      throw fault("unavailable", "the service gave neither tokens nor a question; try again later");
    const { USERNAME: username = email, ...parameters } = ChallengeParameters ?? {};
    return { challenge, session: packSession({ email, username, session: Session }), parameters };
  }

  return {
    async signUp({ email, password }) {
      checkEmail(fault, email);
      const command = new SignUpCommand({
        ClientId,
        Username: email,
        Password: password,
        UserAttributes: [{ Name: "email", Value: email }],
      });
      const { UserSub = "", UserConfirmed = false } = await ask(
        client().send(command),
        signUpMeanings,
      );
      return { userId: UserSub, confirmed: UserConfirmed };
    },

    async confirm({ email, code }) {
      const command = new ConfirmSignUpCommand({
        ClientId,
        Username: email,
        ConfirmationCode: code,
      });
      await ask(client().send(command), confirmMeanings);
    },

    async resend({ email }) {
      try {
        await client().send(new ResendConfirmationCodeCommand({ ClientId, Username: email }));
      } catch (error) {
        // Unknown, or confirmed already: which of them is nobody's business.
        if (["UserNotFoundException", "InvalidParameterException"].includes(nameOf(error))) return;
        await answerOf(fault, Promise.reject(error));
      }
    },

    async signIn({ email, password }) {
      const command = new InitiateAuthCommand({
        ClientId,
        AuthFlow: password === undefined ? "CUSTOM_AUTH" : "USER_PASSWORD_AUTH",
        AuthParameters: {
          USERNAME: email,
          ...(password === undefined ? {} : { PASSWORD: password }),
        },
      });
      return tokensOrChallenge(email, await ask(client().send(command), signInMeanings));
    },

    async answer({ email, challenge, session: packed, answer }) {
      const known = unpackSession(packed);
      if (known?.email !== email) throw fault(...badAnswer);
      const command = new RespondToAuthChallengeCommand({
        ClientId,
        ChallengeName: challenge as ChallengeNameType,
        Session: known.session,
        ChallengeResponses: {
          USERNAME: known.username,
          [answerNames[challenge] ?? "ANSWER"]: answer,
        },
      });
      return tokensOrChallenge(email, await ask(client().send(command), answerMeanings));
    },

    async refresh({ refreshToken }) {
      if (refreshToken === "") throw fault(...badToken);
      const command = new InitiateAuthCommand({
        ClientId,
        AuthFlow: "REFRESH_TOKEN_AUTH",
        AuthParameters: { REFRESH_TOKEN: refreshToken },
      });
      const { AuthenticationResult = {} } = await ask(client().send(command), tokenMeanings);
      return tokensOf(AuthenticationResult);
    },

    async signOut({ accessToken }) {
      if (accessToken === "") throw fault(...badToken);
      await ask(
        client().send(new GlobalSignOutCommand({ AccessToken: accessToken })),
        tokenMeanings,
      );
    },
  };
}

/** A hook's own words, out of Cognito's "PreSignUp failed with error <words>." */
const wordsOfHook = (message: string): string =>
  /failed with error (.+?)\.?$/s.exec(message)?.[1] ?? "refused by a rule";
