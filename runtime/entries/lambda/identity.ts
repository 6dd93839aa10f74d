import type { ChallengeRound, HookUser, IdentityHooks } from "../../ports/identity.ts";

/** An Amazon Cognito trigger's event, as far as it is read here. It is answered by itself. */
export interface CognitoEvent {
  readonly version: string;
  readonly triggerSource: string;
  readonly userName?: string;
  readonly request: {
    readonly userAttributes?: Readonly<Record<string, string>>;
    /** The user does not exist, and the client must not learn that. */
    readonly userNotFound?: boolean;
    readonly session?: readonly {
      readonly challengeName: string;
      readonly challengeResult: boolean;
    }[];
    readonly privateChallengeParameters?: Readonly<Record<string, string>>;
    readonly challengeAnswer?: string;
  };
  readonly response: Readonly<Record<string, unknown>>;
}

type Answer = Readonly<Record<string, unknown>>;
type Hook = (event: CognitoEvent, hooks: IdentityHooks) => Promise<Answer | undefined>;

/** One entry a trigger. Cognito's names stand before "_" in triggerSource. */
const triggers: Readonly<Record<string, Hook>> = {
  PreSignUp: async (event, hooks) => {
    const said = await hooks.preSignUp?.({ email: userOf(event).email });
    return said?.confirm ? { autoConfirmUser: true, autoVerifyEmail: true } : undefined;
  },
  PostConfirmation: async (event, hooks) => {
    // A reset password is confirmed by the same trigger, and is no new user.
    if (event.triggerSource === "PostConfirmation_ConfirmSignUp")
      await hooks.postConfirmation?.(userOf(event));
    return undefined;
  },
  TokenGeneration: async (event, hooks) => {
    // A client's own token (client credentials) has no user to ask about.
    if (!event.request.userAttributes?.sub) return undefined;
    const said = await hooks.preToken?.(userOf(event));
    if (!said) return undefined;
    const added = { claimsToAddOrOverride: said.claims };
    // Version 1 knows the id token only; claims in access tokens need V2_0 or later.
    return event.version === "1"
      ? { claimsOverrideDetails: added }
      : {
          claimsAndScopeOverrideDetails: {
            idTokenGeneration: added,
            accessTokenGeneration: added,
          },
        };
  },
  DefineAuthChallenge: async (event, hooks) => {
    const next = (await hooks.defineChallenge?.(userOf(event), roundsOf(event))) ?? "fail";
    // Whatever the hook says: there are no tokens for nobody.
    const issueTokens = next === "issue-tokens" && !event.request.userNotFound;
    return {
      issueTokens,
      failAuthentication: next !== "next" && !issueTokens,
      ...(next === "next" && { challengeName: "CUSTOM_CHALLENGE" }),
    };
  },
  CreateAuthChallenge: async (event, hooks) => {
    const made = await hooks.createChallenge?.(userOf(event), roundsOf(event));
    return (
      made && {
        publicChallengeParameters: made.parameters,
        privateChallengeParameters: made.expected,
      }
    );
  },
  VerifyAuthChallengeResponse: async (event, hooks) => {
    const { privateChallengeParameters = {}, challengeAnswer = "", userNotFound } = event.request;
    const right = await hooks.verifyChallenge?.(
      userOf(event),
      privateChallengeParameters,
      challengeAnswer,
    );
    return { answerCorrect: right === true && !userNotFound };
  },
};

/**
 * A workload of kind onIdentity as a Lambda function behind Cognito's triggers: PreSignUp,
 * PostConfirmation, TokenGeneration (V2_0 for claims in access tokens) and the three of custom
 * authentication. What a hook throws refuses the step; Cognito hands its message on.
 * @example
 * export const handler = lambdaIdentity(create(ports));
 */
export function lambdaIdentity(hooks: IdentityHooks) {
  return async (event: CognitoEvent): Promise<CognitoEvent> => {
    const name = event.triggerSource.split("_", 1)[0] ?? "";
    const answer = Object.hasOwn(triggers, name) ? await triggers[name]?.(event, hooks) : undefined;
    return { ...event, response: { ...event.response, ...answer } };
  };
}

/** An unknown user has no attributes: an empty e-mail tells the hooks to send nothing. */
function userOf({ request, userName }: CognitoEvent): HookUser {
  const { sub, email } = request.userAttributes ?? {};
  return {
    userId: sub ?? userName ?? "",
    email: request.userNotFound ? "" : (email ?? ""),
  };
}

const roundsOf = ({ request }: CognitoEvent): readonly ChallengeRound[] =>
  (request.session ?? []).map(({ challengeName, challengeResult }) => ({
    challenge: challengeName,
    passed: challengeResult,
  }));
