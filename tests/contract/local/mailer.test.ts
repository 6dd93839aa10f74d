import { describe, expect, it } from "vitest";
import { mailer } from "../../../runtime/adapters/local/mailer.ts";
import { mailerContract } from "../suites/mailer.ts";
import { temporaryDatabase } from "./database.ts";

const from = "shop@example.com";

mailerContract("local mailer", {
  async make() {
    const { pool, stop } = await temporaryDatabase();
    const adapter = mailer({ name: "mailer", pool, from });
    return {
      mailer: adapter,
      async delivered(to) {
        const mails = await adapter.captured(1000);
        return mails.filter((mail) => mail.to === to).toReversed();
      },
      close: stop,
    };
  },
});

describe("captured mails", () => {
  it("are listed with sender and time, the newest first, no more than were asked for", async () => {
    const { pool, stop } = await temporaryDatabase();
    try {
      const { send, captured } = mailer({ name: "mailer", pool, from });
      for (const subject of ["1", "2", "3"]) await send({ to: "a@example.com", subject, text: "" });
      const mails = await captured(2);
      expect(mails.map((mail) => mail.subject)).toEqual(["3", "2"]);
      expect(mails[0]).toMatchObject({ from, to: "a@example.com", at: expect.any(Date) });
    } finally {
      await stop();
    }
  });
});
