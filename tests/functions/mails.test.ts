import { describe, expect, test } from "vitest";
import { create as mailCode } from "../../functions/mail-code/index.ts";
import { create as notify } from "../../functions/notify/index.ts";
import { create as signUpRules } from "../../functions/sign-up-rules/index.ts";
import { create as welcome } from "../../functions/welcome/index.ts";
import type { Json, Mail } from "../../runtime/ports/index.ts";
import { chatFake, mailerFake, messageOf, queueFake } from "./fakes.ts";

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
    for (const body of mails.sent) await notify({ mailer, chat: chatFake() })(messageOf(body));
    expect(mailer.mails.map(({ to, subject }) => [to, subject])).toEqual([
      [user.email, "Welcome to the shop"],
      [user.email, "Your code to sign in"],
    ]);
    expect(mailer.mails[1]?.text).toContain(expected.code);
  });

  const to = user.email;
  const sent = async (body: Json) => {
    const [mailer, chat] = [mailerFake(), chatFake()];
    await notify({ mailer, chat })(messageOf(body));
    return { mail: mailer.mails[0] as Required<Mail>, posts: chat.posts };
  };
  const receipt = {
    orderId: "o-1",
    items: [{ sku: "print-a4", quantity: 2 }],
    total: 123_456,
    currency: "EUR",
  };

  test.each<[string, Json, string]>([
    ["receipt", receipt, "€1,234.56"],
    ["receipt", { ...receipt, currency: "JPY" }, "¥123,456"],
    ["receipt", receipt, "2 × print-a4"],
    ["apology", { orderId: "o-1", because: "payment" }, "Your payment was not accepted."],
    ["apology", { orderId: "o-1", because: "stock" }, "We do not have enough"],
    ["review", { orderId: "o-1" }, "o-1"],
    [
      "report",
      { reportId: "r-1", url: "https://shop.example/r?a=1" },
      "https://shop.example/r?a=1",
    ],
    [
      "report",
      { reportId: "r-1", url: "http://127.0.0.1/r", from: "2026-11-01", to: "2026-11-30" },
      "from 2026-11-01 to 2026-11-30",
    ],
  ])("a %s of %j says %s, as text and as HTML", async (template, data, words) => {
    const { mail } = await sent({ template, to, data });
    expect(mail.text).toContain(words);
    expect(mail.html).toContain(words);
    expect(mail.to).toBe(to);
  });

  test("HTML shows what is given, and takes nothing of it for markup", async () => {
    const items = [{ sku: `<img src=x onerror="alert('1')">`, quantity: 1 }];
    const { mail } = await sent({ template: "receipt", to, data: { ...receipt, items } });
    expect(mail.html).not.toContain("<img");
    expect(mail.html).toContain("&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;");
    const data = { reportId: "r-1", url: 'https://shop.example/"><script>' };
    const { mail: report } = await sent({ template: "report", to, data });
    expect(report.html).not.toContain("<script>");
  });

  test("a mail has one id for all its tries: its sender's, else its message's", async () => {
    const mail = { template: "review", to, data: { orderId: "o-1" } };
    expect((await sent(mail)).mail.id).toBe("notify-m-1");
    expect((await sent(mail)).mail.id).toBe("notify-m-1");
    expect((await sent({ ...mail, id: "review-o-1" })).mail.id).toBe("review-o-1");
  });

  test("what is for the chat is posted there", async () => {
    const { mail, posts } = await sent({ chat: { text: "hello" } });
    expect([mail, posts]).toEqual([undefined, [{ text: "hello" }]]);
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
    { template: "welcome", to: "ann@shop.example", data: {}, id: "a b" },
    { template: "report", to: "ann@shop.example", data: { reportId: "r", url: "javascript:1" } },
    { template: "apology", to: "ann@shop.example", data: { orderId: "o-1", because: "<b>" } },
    { chat: { text: "" } },
    { chat: { text: "hello" }, template: "welcome", to: "ann@shop.example", data: {} },
  ])("%j is no mail: it goes to the dead letters", async (body) => {
    const [mailer, chat] = [mailerFake(), chatFake()];
    const work = notify({ mailer, chat })(messageOf(body));
    await expect(work).rejects.toMatchObject({ code: "invalid" });
    expect([mailer.mails, chat.posts]).toEqual([[], []]);
  });
});
