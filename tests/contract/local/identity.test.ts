import { randomUUID } from "node:crypto";
import { createLocalJWKSet, decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  identity,
  type LocalIdentity,
  openidConfiguration,
} from "../../../runtime/adapters/local/identity.ts";
import { mailer } from "../../../runtime/adapters/local/mailer.ts";
import type { Postgres } from "../../../runtime/adapters/local/postgres.ts";
import type { IdentityHooks } from "../../../runtime/ports/index.ts";
import { identityContract } from "../suites/identity.ts";
import { refusal, tally } from "../suites/refusal.ts";
import { temporaryDatabase } from "./database.ts";

const issuer = "http://127.0.0.1:8787";
const settings = { passwordMinLength: 12, accessMinutes: 60, refreshDays: 30 };

identityContract("local identity", {
  async make(hooks) {
    const { pool, stop } = await temporaryDatabase();
    const { send: sendMail, captured } = mailer({ name: "mailer", pool, from: "a@example.com" });
    const adapter = identity({ name: "identity", pool, settings, issuer, hooks, sendMail });
    return {
      identity: adapter,
      issuer,
      audience: adapter.clientId,
      keys: createLocalJWKSet(await adapter.jwks()),
      async code(email) {
        const mail = (await captured(1000)).find((one) => one.to === email);
        return /\b\d{6}\b/.exec(mail?.text ?? "")?.[0] ?? "no code was mailed";
      },
      close: stop,
    };
  },
  capabilities: { checksConfirmationCode: true, resendsCodes: true, callsHooks: true },
});

describe("a local identity", () => {
  let postgres: Postgres;
  let mails: ReturnType<typeof mailer>;
  beforeAll(async () => {
    postgres = await temporaryDatabase();
    mails = mailer({ name: "mailer", pool: postgres.pool, from: "a@example.com" });
  });
  afterAll(() => postgres?.stop());

  const password = "correct horse 9 Battery!";
  const address = () => `${randomUUID()}@example.com`;
  const make = (hooks: IdentityHooks = {}, name = "identity", iss = issuer): LocalIdentity =>
    identity({ name, pool: postgres.pool, settings, issuer: iss, hooks, sendMail: mails.send });
  const codeFor = async (email: string) => {
    const mail = (await mails.captured(1000)).find((one) => one.to === email);
    return /\b\d{6}\b/.exec(mail?.text ?? "")?.[0] ?? "no code was mailed";
  };
  /** Confirms at once, so that one password is hashed and no more. */
  const trusting: IdentityHooks = { preSignUp: async () => ({ confirm: true }) };
  const signedIn = async (subject: LocalIdentity) => {
    const email = address();
    await subject.signUp({ email, password });
    const tokens = await subject.signIn({ email, password });
    if (!("accessToken" in tokens)) throw new Error("a challenge came instead of tokens");
    return { email, ...tokens };
  };
  const sql = (text: string, values: unknown[] = []) => postgres.pool.query(text, values);
  /** All that is stored, as text. */
  const dump = async () => {
    const tables = ["users", "refresh_tokens", "challenges", "attempts"];
    const rows = await Promise.all(
      tables.map((name) =>
        sql(`select t::text, encode(t::text::bytea, 'escape') from spillway.${name} t`),
      ),
    );
    return JSON.stringify(rows.map((result) => result.rows));
  };

  it("has one key, however many make it at the same time, and shows its public half", async () => {
    const sets = await Promise.all([1, 2, 3].map(() => make({}, "first").jwks()));
    expect(sets[1]).toEqual(sets[0]);
    expect(sets[2]).toEqual(sets[0]);
    expect(Object.keys(sets[0]?.keys[0] ?? {}).sort()).toEqual(
      ["alg", "e", "kid", "kty", "n", "use"].sort(),
    );
    expect((await make({}, "second").jwks()).keys[0]?.kid).not.toBe(sets[0]?.keys[0]?.kid);
  });

  it("stores no password, code, token or session that could be used", async () => {
    const subject = make({
      ...trusting,
      defineChallenge: async () => "next",
      createChallenge: async () => ({ parameters: {}, expected: {} }),
    });
    const { email, refreshToken = "none" } = await signedIn(subject);
    const asked = await subject.signIn({ email });
    const unconfirmed = address();
    await make().signUp({ email: unconfirmed, password });
    const stored = await dump();
    const session = "session" in asked ? asked.session : "none";
    expect(stored).toContain(email);
    for (const secret of [password, refreshToken, session]) expect(stored).not.toContain(secret);
    expect(stored).not.toMatch(new RegExp(`\\D${await codeFor(unconfirmed)}\\D`));
  });

  it("takes an address for the same in any case", async () => {
    const subject = make(trusting);
    const { email } = await signedIn(subject);
    const upper = email.toUpperCase();
    expect(await refusal(subject.signUp({ email: upper, password }))).toBe("conflict");
    expect(await refusal(subject.signIn({ email: upper, password }))).toBe("nothing refused");
  });

  it("slows down guesses at a password, whether there is a user or not", async () => {
    const subject = make(trusting);
    const known = address();
    await subject.signUp({ email: known, password });
    const words: string[][] = [];
    for (const email of [known, address()]) {
      const guesses = Array.from({ length: 12 }, () =>
        subject.signIn({ email, password: "wrong" }),
      );
      expect(await tally(guesses)).toEqual({ denied: 10, throttled: 2 });
      words.push((await Promise.allSettled(guesses)).map((end) => JSON.stringify(end)).sort());
    }
    expect(words[1]).toEqual(words[0]);
    await sql("update spillway.attempts set blocked_until = now() + interval '1 minute'");
    expect(await refusal(subject.signIn({ email: known, password }))).toBe("throttled");
    await sql("update spillway.attempts set blocked_until = now()");
    expect(await refusal(subject.signIn({ email: known, password }))).toBe("nothing refused");
    expect(await refusal(subject.signIn({ email: known, password: "wrong" }))).toBe("denied");
  });

  it("takes about as long for an unknown user as for a wrong password", async () => {
    const subject = make(trusting);
    const known = address();
    await subject.signUp({ email: known, password });
    const time = async (email: string) => {
      const began = performance.now();
      expect(await refusal(subject.signIn({ email, password: "wrong" }))).toBe("denied");
      return performance.now() - began;
    };
    const times: { known: number; unknown: number }[] = [];
    for (let round = 0; round < 5; round++)
      times.push({ known: await time(known), unknown: await time(address()) });
    const fastest = (of: "known" | "unknown") => Math.min(...times.map((one) => one[of]));
    // Without the hash an unknown user would be told apart by a factor of ten and more.
    expect(fastest("unknown") / fastest("known")).toBeGreaterThan(0.5);
    expect(fastest("unknown") / fastest("known")).toBeLessThan(2);
  });

  it("takes five codes, then none until a new one is mailed", async () => {
    const subject = make();
    const email = address();
    await subject.signUp({ email, password });
    const right = await codeFor(email);
    const wrong = right === "000000" ? "111111" : "000000";
    const guesses = Array.from({ length: 5 }, () => subject.confirm({ email, code: wrong }));
    expect(await tally(guesses)).toEqual({ invalid: 5 });
    expect(await refusal(subject.confirm({ email, code: right }))).toBe("invalid");
    await subject.resend({ email });
    expect(await refusal(subject.confirm({ email, code: await codeFor(email) }))).toBe(
      "nothing refused",
    );
  });

  it("confirms once when the code comes twice at the same time", async () => {
    let confirmations = 0;
    const subject = make({
      async postConfirmation() {
        confirmations++;
      },
    });
    const email = address();
    await subject.signUp({ email, password });
    const code = await codeFor(email);
    const both = [subject.confirm({ email, code }), subject.confirm({ email, code })];
    expect(await tally(both)).toEqual({ fulfilled: 1, invalid: 1 });
    expect(confirmations).toBe(1);
  });

  it("mails a bounded number of codes", async () => {
    const subject = make();
    const email = address();
    const asked = Array.from({ length: 12 }, () => subject.resend({ email }));
    expect(await tally(asked)).toEqual({ fulfilled: 10, throttled: 2 });
  });

  it("refuses a code, a refresh token and a session whose time has passed", async () => {
    const subject = make({
      ...trusting,
      defineChallenge: async () => "next",
      createChallenge: async () => ({ parameters: {}, expected: {} }),
    });
    const { email, refreshToken = "" } = await signedIn(subject);
    const asked = await subject.signIn({ email });
    const unconfirmed = address();
    await make().signUp({ email: unconfirmed, password });
    await sql("update spillway.users set code_expires = now()");
    await sql("update spillway.refresh_tokens set expires_at = now()");
    await sql("update spillway.challenges set expires_at = now()");
    const code = await codeFor(unconfirmed);
    expect(await refusal(subject.confirm({ email: unconfirmed, code }))).toBe("invalid");
    expect(await refusal(subject.refresh({ refreshToken }))).toBe("denied");
    if (!("session" in asked)) throw new Error("tokens came instead of a challenge");
    expect(await refusal(subject.answer({ email, ...asked, answer: "x" }))).toBe("denied");
  });

  it("signs out with an access token of its own issuer and client alone", async () => {
    const { accessToken, idToken } = await signedIn(make(trusting));
    expect(await refusal(make().signOut({ accessToken: idToken }))).toBe("denied");
    expect(await refusal(make({}, "other").signOut({ accessToken }))).toBe("denied");
    const elsewhere = make({}, "identity", "http://elsewhere.example");
    expect(await refusal(elsewhere.signOut({ accessToken }))).toBe("denied");
    expect(await refusal(make().signOut({ accessToken }))).toBe("nothing refused");
  });

  it("lets no hook change who a token is for", async () => {
    const forged = {
      sub: "root",
      client_id: "x",
      token_use: "id",
      exp: "9",
      iss: "x",
      tier: "gold",
    };
    const subject = make({ ...trusting, preToken: async () => ({ claims: forged }) });
    const { accessToken } = await signedIn(subject);
    const claims = decodeJwt(accessToken);
    expect(claims).toMatchObject({ iss: issuer, client_id: "identity", token_use: "access" });
    expect(claims).toMatchObject({ sub: expect.stringMatching(/^[0-9a-f-]{36}$/), tier: "gold" });
  });

  it("is unavailable where a hook fails, and keeps the hook's words to itself", async () => {
    const broken: IdentityHooks = {
      async preSignUp() {
        throw new Error("password of the rules' database: hunter2");
      },
    };
    const failing = make(broken).signUp({ email: address(), password });
    expect(await refusal(failing)).toBe("unavailable");
    expect(String(await failing.catch((error: unknown) => error))).not.toContain("hunter2");
  });

  it("asks for a password where no challenge is declared", async () => {
    expect(await refusal(make().signIn({ email: address() }))).toBe("invalid");
  });

  it.each(["a\0b@example.com", "a@example.com\r\nb", `${"x".repeat(300)}@example.com`])(
    "refuses the address %j in every call, as it would one that nobody has",
    async (email) => {
      const subject = make({ defineChallenge: async () => "next" });
      expect(await refusal(subject.signUp({ email, password }))).toBe("invalid");
      expect(await refusal(subject.confirm({ email, code: "123456" }))).toBe("invalid");
      expect(await refusal(subject.resend({ email }))).toBe("nothing refused");
      expect(await refusal(subject.signIn({ email, password }))).toBe("denied");
      expect(await refusal(subject.signIn({ email }))).toBe("denied");
      const made = { challenge: "CUSTOM_CHALLENGE", session: "x", answer: "x" };
      expect(await refusal(subject.answer({ email, ...made }))).toBe("denied");
    },
  );

  it("describes itself to clients", () => {
    expect(openidConfiguration(issuer)).toMatchObject({
      issuer,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      id_token_signing_alg_values_supported: ["RS256"],
    });
  });
});
