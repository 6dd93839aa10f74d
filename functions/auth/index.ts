import * as z from "zod/mini";
import { createApp } from "../../runtime/http/app.ts";
import { Problem, unauthorized } from "../../runtime/http/problem.ts";
import { body } from "../../runtime/http/validate.ts";
import { type ErrorCode, isPortError, type PortError } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";

// Lengths are Amazon Cognito's own (API reference), so that what passes here is its to judge.
const email = z.string().check(z.trim(), z.toLowerCase(), z.maxLength(254), z.email());
const password = z.string().check(z.minLength(1), z.maxLength(256));
const code = z.string().check(z.trim(), z.regex(/^\d{4,10}$/, "must be the digits of the code"));
// A session of Cognito's has up to 2,048 characters; the adapter packs the user's name with it.
const session = z.string().check(z.minLength(1), z.maxLength(8192));

const signUp = body(z.strictObject({ email, password }));
const confirm = body(z.strictObject({ email, code }));
const resend = body(z.strictObject({ email }));
const signIn = body(z.strictObject({ email, password: z.optional(password) }));
const answer = body(
  z.strictObject({
    email,
    session,
    challenge: z.string().check(z.regex(/^\w{1,64}$/, "must be the challenge's name")),
    answer: z.string().check(z.minLength(1), z.maxLength(256)),
  }),
);
const refresh = body(
  z.strictObject({ refreshToken: z.string().check(z.minLength(1), z.maxLength(8192)) }),
);

/** Sign-up and sign-in, for a client's own pages. Answers never say more than the issuer does. */
export const create = ({ identity }: PortsOf<"auth">) =>
  createApp()
    .post("/api/auth/sign-up", async (c) => {
      const input = await signUp(c.req.raw);
      const user = await identity.signUp(input).catch(
        meaning({
          conflict: () => new Problem("conflict", { detail: "There is an account already." }),
          denied: (error) => new Problem("denied", { detail: wordsOf(error) }),
          invalid: () => refusedPassword,
        }),
      );
      return c.json(user, 201);
    })
    .post("/api/auth/confirm", async (c) => {
      const input = await confirm(c.req.raw);
      const wrong = () => wrongCode;
      await identity
        .confirm(input)
        .catch(meaning({ invalid: wrong, denied: wrong, "not-found": wrong, conflict: wrong }));
      return c.body(null, 204);
    })
    .post("/api/auth/resend", async (c) => {
      const input = await resend(c.req.raw);
      // Whether there was anyone to send it to is not for the client.
      await identity.resend(input).catch((error) => {
        if (isPortError(error, "throttled") || isPortError(error, "unavailable")) throw error;
        if (!isPortError(error)) throw error;
      });
      return c.body(null, 204);
    })
    .post("/api/auth/sign-in", async (c) => {
      const input = await signIn(c.req.raw);
      return c.json(await identity.signIn(input).catch(meaning(signInFailures)));
    })
    .post("/api/auth/answer", async (c) => {
      const input = await answer(c.req.raw);
      return c.json(await identity.answer(input).catch(meaning(signInFailures)));
    })
    .post("/api/auth/refresh", async (c) => {
      const input = await refresh(c.req.raw);
      return c.json(await identity.refresh(input).catch(meaning(tokenFailures)));
    })
    .post("/api/auth/sign-out", async (c) => {
      const [, accessToken] = /^bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "") ?? [];
      if (!accessToken) throw unauthorized("Send the access token that is to end.");
      await identity.signOut({ accessToken }).catch(meaning(tokenFailures));
      return c.body(null, 204);
    });

type Meanings = Partial<Record<ErrorCode, (error: PortError) => Problem>>;

/** Rethrows a port's error as what it means here; others as they are. */
const meaning =
  (meanings: Meanings) =>
  (error: unknown): never => {
    throw (isPortError(error) && meanings[error.code]?.(error)) || error;
  };

/** A hook's own words, without what an adapter puts around them: `identity "x": words; remedy`. */
const wordsOf = ({ message }: PortError): string =>
  /^[\w -]+ "[^"]*": (.*?)(?:; [^;]*)?$/s.exec(message)?.[1] ?? message;

const wrongCode = new Problem("invalid", {
  detail: "The code is wrong or has expired.",
  errors: [{ field: "code", message: "is wrong or has expired" }],
});

const refusedPassword = new Problem("invalid", {
  detail: "The password is too short, or the address cannot be used.",
  errors: [{ field: "password", message: "must be longer" }],
});

// Wrong password, wrong answer and unknown user are one and the same to the client.
const failed = () => unauthorized("E-mail or password, or the answer, is wrong.");
const signInFailures: Meanings = {
  denied: failed,
  "not-found": failed,
  invalid: failed,
  conflict: () => new Problem("conflict", { detail: "Confirm your address first." }),
};

const ended = () => unauthorized("The token is no longer valid; sign in again.", "invalid_token");
const tokenFailures: Meanings = { denied: ended, invalid: ended, "not-found": ended };
