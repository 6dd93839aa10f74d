export interface Tokens {
  /** For APIs: a JWT with `sub`, `client_id`, `token_use: "access"`. */
  readonly accessToken: string;
  /** For the client: a JWT with `sub`, `aud`, `email`. */
  readonly idToken: string;
  /** Absent in the answer to `refresh`. */
  readonly refreshToken?: string;
  /** Life of the access token, in seconds. */
  readonly expiresIn: number;
}

/** A question that must be answered before there are tokens (custom auth). */
export interface Challenge {
  readonly challenge: string;
  readonly session: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Users by e-mail and password; tokens are OIDC JWTs, their keys stand in the issuer's JWKS. */
export interface Identity {
  /** Makes an unconfirmed user and mails a code. Throws `conflict`, `invalid`, `denied` (hook). */
  signUp(input: {
    readonly email: string;
    readonly password: string;
  }): Promise<{ readonly userId: string; readonly confirmed: boolean }>;
  /** Throws `invalid` for a wrong or expired code, and for an unknown user. */
  confirm(input: { readonly email: string; readonly code: string }): Promise<void>;
  /** Mails a new code. Says nothing about whether the user exists. */
  resend(input: { readonly email: string }): Promise<void>;
  /**
   * With a password: tokens. Without: starts the custom challenge.
   * Throws `denied` for a wrong password or unknown user alike, `conflict` where unconfirmed.
   */
  signIn(input: {
    readonly email: string;
    readonly password?: string;
  }): Promise<Tokens | Challenge>;
  /** Answers a challenge: tokens, or the next question. Throws `denied`. */
  answer(input: {
    readonly email: string;
    readonly challenge: string;
    readonly session: string;
    readonly answer: string;
  }): Promise<Tokens | Challenge>;
  /** New access and id tokens. Throws `denied` for a revoked or expired refresh token. */
  refresh(input: { readonly refreshToken: string }): Promise<Tokens>;
  /** Revokes all the user's refresh tokens. Throws `denied` for a token that is not valid. */
  signOut(input: { readonly accessToken: string }): Promise<void>;
}

/** What hooks are told of the user. */
export interface HookUser {
  readonly userId: string;
  /**
   * "" in a challenge for a user that does not exist (Cognito asks all the same, so that nobody
   * learns who does): answer alike, send nothing.
   */
  readonly email: string;
}

/** One answered round of a custom challenge. */
export interface ChallengeRound {
  readonly challenge: string;
  readonly passed: boolean;
}

/** What a workload of kind onIdentity may have; it needs those that its `hooks` name. */
export interface IdentityHooks {
  /** Refuse by throwing PortError "denied"; the message reaches the client. */
  preSignUp?(user: { readonly email: string }): Promise<{ readonly confirm?: boolean } | undefined>;
  postConfirmation?(user: HookUser): Promise<void>;
  /** Claims to add to both tokens. */
  preToken?(user: HookUser): Promise<{ readonly claims: Readonly<Record<string, string>> }>;
  defineChallenge?(
    user: HookUser,
    rounds: readonly ChallengeRound[],
  ): Promise<"next" | "issue-tokens" | "fail">;
  /** `expected` never leaves the issuer; `parameters` go to the client. */
  createChallenge?(
    user: HookUser,
    rounds: readonly ChallengeRound[],
  ): Promise<{
    readonly parameters: Readonly<Record<string, string>>;
    readonly expected: Readonly<Record<string, string>>;
  }>;
  verifyChallenge?(
    user: HookUser,
    expected: Readonly<Record<string, string>>,
    answer: string,
  ): Promise<boolean>;
}
