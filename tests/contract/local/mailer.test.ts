import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { mailer } from "../../../runtime/adapters/local/mailer.ts";
import type { Postgres } from "../../../runtime/adapters/local/postgres.ts";
import { messageIdOf } from "../../../runtime/adapters/smtp.ts";
import { mailerContract } from "../suites/mailer.ts";
import { refusal } from "../suites/refusal.ts";
import { temporaryDatabase } from "./database.ts";
import { nobodyThere, startMailbox } from "./mailbox.ts";

const from = "shop@example.com";
const mail = { to: "ada@example.com", subject: "Hi", text: "there" };

mailerContract("local mailer", {
  whole: true,
  async make() {
    const { pool, stop } = await temporaryDatabase();
    const adapter = mailer({ name: "mailer", pool, from });
    return {
      mailer: adapter,
      async delivered(to) {
        const mails = await adapter.captured(1000);
        return mails.filter((one) => one.to === to).toReversed();
      },
      close: stop,
    };
  },
});

let postgres: Postgres;
beforeAll(async () => {
  postgres = await temporaryDatabase();
});
afterAll(() => postgres?.stop());

let made = 0;
const open = (smtp?: string) =>
  mailer({ name: `mailer-${++made}`, pool: postgres.pool, from, ...(smtp && { smtp }) });

describe("captured mails", () => {
  it("are listed with sender and time, the newest first, no more than were asked for", async () => {
    const { send, captured } = open();
    for (const subject of ["1", "2", "3"]) await send({ ...mail, subject });
    const mails = await captured(2);
    expect(mails.map(({ subject }) => subject)).toEqual(["3", "2"]);
    expect(mails[0]).toMatchObject({ from, to: mail.to, at: expect.any(Date) });
  });

  it("are captured once by their id, the first as it was", async () => {
    const { send, captured } = open();
    await Promise.all(Array.from({ length: 10 }, () => send({ ...mail, id: "same" })));
    await send({ ...mail, subject: "changed", id: "same" });
    expect(await captured(10)).toMatchObject([{ id: "same", subject: "Hi" }]);
  });
});

describe("a mail server beside them", () => {
  it("gets each mail, with both texts and a Message-ID from its id", async () => {
    const mailbox = await startMailbox();
    const { send } = open(mailbox.url);
    await send({ ...mail, subject: "Grüße", html: "<p>there</p>", id: "receipt-1" });
    await mailbox.close();
    expect(mailbox.received).toMatchObject([{ from, to: [mail.to] }]);
    const [{ source } = { source: "" }] = mailbox.received;
    expect(source).toContain("Message-ID: <receipt-1@example.com>");
    expect(source).toContain("Subject: =?UTF-8?");
    expect(source).toMatch(/multipart\/alternative.*text\/plain.*there.*<p>there<\/p>/s);
  });

  it("gets a mail once that it has taken, however often it is sent", async () => {
    const mailbox = await startMailbox();
    const { send } = open(mailbox.url);
    for (let n = 0; n < 3; n++) await send({ ...mail, id: "again" });
    await mailbox.close();
    expect(mailbox.received).toHaveLength(1);
  });

  it("gets a mail again, with the same Message-ID, that it may have taken", async () => {
    let failures = 1;
    const mailbox = await startMailbox((at) =>
      at === "DATA" && failures-- > 0 ? { code: 451, text: "later" } : undefined,
    );
    const { send, captured } = open(mailbox.url);
    expect(await refusal(send({ ...mail, id: "late" }))).toBe("unavailable");
    await send({ ...mail, id: "late" });
    await mailbox.close();
    expect(mailbox.received.map(({ source }) => /^Message-ID: .*$/m.exec(source)?.[0])).toEqual([
      "Message-ID: <late@example.com>",
    ]);
    expect(await captured(10)).toHaveLength(1);
  });

  it.each([
    ["refuses the receiver", "RCPT TO", 550, "invalid"],
    ["refuses the content", "DATA", 554, "invalid"],
    ["is busy", "RCPT TO", 450, "unavailable"],
  ] as const)("that %s gives %s %s the code %s", async (_, at, code, expected) => {
    const mailbox = await startMailbox((now) => (now === at ? { code, text: "no" } : undefined));
    expect(await refusal(open(mailbox.url).send(mail))).toBe(expected);
    await mailbox.close();
  });

  it("that is not there is unavailable; the mail is captured all the same", async () => {
    const { send, captured } = open(await nobodyThere());
    expect(await refusal(send(mail))).toBe("unavailable");
    expect(await captured(10)).toHaveLength(1);
  });

  it("that refuses the password says denied, in words and causes without it", async () => {
    const mailbox = await startMailbox();
    const url = mailbox.url.replace("smtp://", "smtp://shop:s%3Ccret@");
    const log = vi.spyOn(console, "error");
    const failure = await open(url)
      .send(mail)
      .catch((error: unknown) => error);
    await mailbox.close();
    expect(await refusal(Promise.reject(failure))).toBe("denied");
    expect(`${failure} ${(failure as Error).cause}`).not.toMatch(/s<cret|s%3Ccret/);
    expect(log).not.toHaveBeenCalled();
  });

  it.each(["http://shop:secret@example.com", "smtp://shop:secret%@example.com", "secret"])(
    "whose URL is none, such as %j, is refused at the start, without its password",
    (url) => {
      const opening = () => open(url);
      expect(opening).toThrow("the mail server's URL is none; use smtp://host:port");
      expect(opening).not.toThrow("secret");
    },
  );
});

describe("a Message-ID", () => {
  it.each([
    ["order-1.receipt", "shop@example.com", "<order-1.receipt@example.com>"],
    ["x", "Shop <shop@example.com>", "<x@example.com>"],
    ["a..b", "shop@example.com", /^<[0-9a-f]{40}@example\.com>$/],
    ["a> b\\", "shop@example.com", /^<[0-9a-f]{40}@example\.com>$/],
  ])("of %j from %j can stand in a header", (id, sender, expected) => {
    expect(messageIdOf(id, sender)).toMatch(expected);
    expect(messageIdOf(id, sender)).toBe(messageIdOf(id, sender));
  });
});
