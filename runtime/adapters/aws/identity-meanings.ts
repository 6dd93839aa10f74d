import type { ErrorCode } from "../../ports/index.ts";

/** What a service's error means in one call, by its name. */
export type Meanings = Readonly<Record<string, readonly [ErrorCode, string]>>;

// One text for each, so that an answer tells no more than its code.
const notKnown = ["denied", "wrong e-mail or password; try again"] as const;
const badCode = ["invalid", "the code is wrong or has expired; ask for a new one"] as const;
export const badToken = ["denied", "the token is not valid; sign in again"] as const;
export const badAnswer = ["denied", "the answer is wrong or too late; sign in again"] as const;
const badInput = ["invalid", "e-mail or password has a wrong form; correct it"] as const;

export const signUpMeanings: Meanings = {
  InvalidParameterException: badInput,
  InvalidPasswordException: ["invalid", "the password is too weak; use a longer one of all kinds"],
  UsernameExistsException: ["conflict", "the e-mail has a user already; sign in"],
};
export const confirmMeanings: Meanings = {
  AliasExistsException: ["conflict", "the e-mail has a user already; sign in"],
  CodeMismatchException: badCode,
  ExpiredCodeException: badCode,
  InvalidParameterException: badCode,
  NotAuthorizedException: badCode,
  TooManyFailedAttemptsException: ["throttled", "too many wrong codes; try again later"],
  UserNotFoundException: badCode,
};
export const signInMeanings: Meanings = {
  InvalidParameterException: badInput,
  NotAuthorizedException: notKnown,
  PasswordResetRequiredException: notKnown,
  UserNotConfirmedException: ["conflict", "the e-mail is not confirmed; confirm it first"],
  UserNotFoundException: notKnown,
};
export const answerMeanings: Meanings = {
  CodeMismatchException: badAnswer,
  ExpiredCodeException: badAnswer,
  InvalidParameterException: badAnswer,
  NotAuthorizedException: badAnswer,
  ResourceNotFoundException: badAnswer,
  UserNotFoundException: badAnswer,
};
export const tokenMeanings: Meanings = {
  InvalidParameterException: badToken,
  NotAuthorizedException: badToken,
  UserNotFoundException: badToken,
};
