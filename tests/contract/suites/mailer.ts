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

/** What every Mailer does, the same on every adapter. */
export function mailerContract(
  title: string,
  { make }: { readonly make: () => Promise<MailerParts> },
): void {
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
    ])("refuses an %s that would add a header as invalid", async (_, mail) => {
      expect(await refusal(parts.mailer.send(mail))).toBe("invalid");
    });
  });
}
