import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Mail, Mailer } from "../../../runtime/ports/index.ts";
import { refusal } from "./refusal.ts";

export interface MailerParts {
  readonly mailer: Mailer;
  /** The mails to one address that were handed over, oldest first. */
  delivered(to: string): Promise<readonly Mail[]>;
  close(): Promise<void>;
}

export interface MailerSubject {
  /** Both texts of a mail can be looked at, and its id. An emulator may keep the HTML alone. */
  readonly whole: boolean;
  readonly make: () => Promise<MailerParts>;
}

/** What every Mailer does, the same on every adapter. */
export function mailerContract(title: string, { make, whole }: MailerSubject): void {
  describe(title, () => {
    let parts: MailerParts;
    beforeAll(async () => {
      parts = await make();
    });
    afterAll(() => parts?.close());

    const address = () => `${randomUUID()}@example.com`;

    it("hands mails over as they are, in their order", async () => {
      const to = address();
      const mails = [
        { to, subject: "Wélcome 😀", text: "Line one\nLine two\n\n.\nend" },
        { to, subject: "Second", text: "" },
      ];
      for (const mail of mails) await parts.mailer.send(mail);
      expect(await parts.delivered(to)).toEqual(mails.map((mail) => expect.objectContaining(mail)));
    });

    it("hands a mail over with its HTML and its id", async () => {
      const to = address();
      const mail = { to, subject: "Both", text: "Plain ü", html: "<p>Fäncy &amp; <b>bold</b></p>" };
      await parts.mailer.send({ ...mail, id: "receipt <1>" });
      const seen = whole ? { ...mail, id: "receipt <1>" } : { to, html: mail.html };
      expect(await parts.delivered(to)).toEqual([expect.objectContaining(seen)]);
    });

    it("hands over each of many that are sent at the same time", async () => {
      const to = address();
      await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          parts.mailer.send({ to, subject: String(n), text: "x" }),
        ),
      );
      expect(await parts.delivered(to)).toHaveLength(20);
    });

    it.each(["", "nobody", "@example.com", "a@", "a b@example.com", "a@b@example.com"])(
      "refuses the address %j as invalid",
      async (to) => {
        expect(await refusal(parts.mailer.send({ to, subject: "s", text: "t" }))).toBe("invalid");
      },
    );

    it.each([
      ["address", { to: "a@example.com\r\nBcc: b@example.com", subject: "s", text: "t" }],
      ["subject", { to: "a@example.com", subject: "s\r\nBcc: b@example.com", text: "t" }],
      ["id", { to: "a@example.com", subject: "s", text: "t", id: "1\r\nBcc: b@example.com" }],
    ])("refuses an %s that would add a header as invalid", async (_, mail) => {
      expect(await refusal(parts.mailer.send(mail))).toBe("invalid");
    });

    it.each(["", "ü", "x".repeat(201)])("refuses the id %j as invalid", async (id) => {
      const mail = { to: address(), subject: "s", text: "t", id };
      expect(await refusal(parts.mailer.send(mail))).toBe("invalid");
    });

    it("refuses a mail of over 5 MiB as too-large", async () => {
      const half = "x".repeat(2_621_440);
      const mail = { to: address(), subject: "s", text: half, html: `${half}!` };
      expect(await refusal(parts.mailer.send(mail))).toBe("too-large");
      expect(await parts.delivered(mail.to)).toEqual([]);
    });
  });
}
