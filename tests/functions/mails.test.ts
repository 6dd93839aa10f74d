import { describe, expect, test } from "vitest";
import { create as mailCode } from "../../functions/mail-code/index.ts";
import { create as notify } from "../../functions/notify/index.ts";
import { create as signUpRules } from "../../functions/sign-up-rules/index.ts";
import { create as welcome } from "../../functions/welcome/index.ts";
import type { Json } from "../../runtime/ports/index.ts";
import { mailerFake, messageOf, queueFake } from "./fakes.ts";

const user = { userId: "u-1", email: "ann@shop.example" };

describe("sign-up rules", () => {
  const { preSignUp, preToken } = signUpRules();

  test.each(["ann@shop.example", "a.b+c@sub.shop.example", "x@mailinator.com.example"])(
    "%s may sign up, and has to confirm",
    async (email) => {
      expect(await preSignUp({ email })).toBeUndefined();
    },
  );

  test.each([
    "ann",
    "@shop.example",
    "ann@",
    "ann@shop",
    "ann@shop..example",
    "a b@shop.example",
    "ann@mailinator.com",
    "ann@MAILINATOR.com",
    "ann@sub.yopmail.com",
  ])("%s may not", async (email) => {
    await expect(preSignUp({ email })).rejects.toMatchObject({ code: "denied" });
  });

  test("tokens say that it is a customer", async () => {
    expect(await preToken(user)).toEqual({ claims: { tier: "customer" } });
  });
});

describe("sign-in by a mailed code", () => {
  const round = (passed: boolean, challenge = "CUSTOM_CHALLENGE") => ({ challenge, passed });

  test.each([
    ["at first", [], "next"],
    ["after a wrong answer", [round(false)], "next"],
    ["after a right answer", [round(false), round(true)], "issue-tokens"],
    ["after three wrong answers", [round(false), round(false), round(false)], "fail"],
    ["after a right answer and then a wrong one", [round(true), round(false)], "next"],
    ["after a round of another kind that passed", [round(true, "SRP_A")], "next"],
  ])("%s: %j", async (_, rounds, next) => {
    expect(await mailCode({ mails: queueFake() }).defineChallenge(user, rounds)).toBe(next);
  });

  test("mails six digits, a new code each time, and expects them", async () => {
    const mails = queueFake();
    const { createChallenge } = mailCode({ mails });
    const codes = new Set<string>();
    for (let i = 0; i < 20; i += 1) {
      const { parameters, expected } = await createChallenge(user, []);
      const code = String(expected.code);
      expect(code).toMatch(/^\d{6}$/);
      expect(JSON.stringify(parameters)).not.toContain(code);
      expect(mails.sent.at(-1)).toEqual({ template: "code", to: user.email, data: { code } });
      codes.add(code);
    }
    expect(codes.size).toBeGreaterThan(15);
  });

  test("looks the same to an unknown user, who gets no mail", async () => {
    const mails = queueFake();
    const { createChallenge } = mailCode({ mails });
    const known = await createChallenge(user, []);
    const unknown = await createChallenge({ userId: "u-2", email: "" }, []);
    expect(unknown.parameters).toEqual(known.parameters);
    expect(mails.sent).toHaveLength(1);
  });

  test.each([
    ["123456", true],
    [" 123456 ", true],
    ["123457", false],
    ["12345", false],
    ["1234567", false],
    ["", false],
    ["一二三四五六", false],
  ])("answer %j is right: %s", async (answer, right) => {
    const { verifyChallenge } = mailCode({ mails: queueFake() });
    expect(await verifyChallenge(user, { code: "123456" }, answer)).toBe(right);
  });

  test("no answer is right where none is expected", async () => {
    const { verifyChallenge } = mailCode({ mails: queueFake() });
    expect(await verifyChallenge(user, {}, "")).toBe(false);
  });
});

describe("mails", () => {
  test("what the hooks put into the queue can be sent", async () => {
    const mails = queueFake();
    const mailer = mailerFake();
    await welcome({ mails }).postConfirmation(user);
    const { expected } = await mailCode({ mails }).createChallenge(user, []);
    for (const body of mails.sent) await notify({ mailer })(messageOf(body));
    expect(mailer.mails.map(({ to, subject }) => [to, subject])).toEqual([
      [user.email, "Welcome to the shop"],
      [user.email, "Your code to sign in"],
    ]);
    expect(mailer.mails[1]?.text).toContain(expected.code);
  });

  test.each<Json>([
    null,
    "welcome",
    {},
    { template: "offers", to: "ann@shop.example", data: {} },
    { template: "welcome", to: "ann", data: {} },
    { template: "welcome", to: "ann@shop.example\r\nBcc: all@shop.example", data: {} },
    { template: "code", to: "ann@shop.example", data: {} },
    { template: "code", to: "ann@shop.example", data: { code: "<b>1</b>" } },
    { template: "welcome", to: "ann@shop.example", data: {}, from: "boss@shop.example" },
  ])("%j is no mail: it goes to the dead letters", async (body) => {
    const mailer = mailerFake();
    await expect(notify({ mailer })(messageOf(body))).rejects.toMatchObject({ code: "invalid" });
    expect(mailer.mails).toEqual([]);
  });
});
