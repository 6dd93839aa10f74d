import type { Pool } from "pg";
import type { Mail, Mailer } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { guarded } from "./postgres-faults.ts";

/** A mail that was handed over, as the dashboard shows it. */
export interface CapturedMail extends Mail {
  readonly id: string;
  readonly from: string;
  readonly at: Date;
}

/** One address: no list, no display name, no way to add a header. At most 254 (RFC 5321). */
const address = /^[^\s\p{Cc}@<>(),;:"\\]{1,64}@[^\s\p{Cc}@<>(),;:"\\]{1,189}$/u;
export const isAddress = (text: string): boolean => text.isWellFormed() && address.test(text);

/**
 * Mails are captured in Postgres and go nowhere.
 * @param options.name of the mailer in system.ts
 * @param options.from the sender's address
 */
export function mailer({
  name,
  pool,
  from,
}: {
  name: string;
  pool: Pool;
  from: string;
}): Mailer & { captured(limit: number): Promise<readonly CapturedMail[]> } {
  const fault = faultsOf("mailer", name);
  return {
    async send({ to, subject, text }) {
      if (!isAddress(to))
        throw fault("invalid", `address ${JSON.stringify(to.slice(0, 80))}; give one address`);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
      if (/[\u0000-\u001f\u007f]/.test(subject))
        throw fault("invalid", "subject has control characters; give one line of text");
      const body = text.toWellFormed().replaceAll("\0", "\ufffd");
      await guarded(fault, () =>
        pool.query(
          "insert into spillway.mails (mailer, sender, recipient, subject, body) values ($1, $2, $3, $4, $5)",
          [name, from, to, subject.toWellFormed(), body],
        ),
      );
    },

    /** The newest first. */
    captured: (limit) =>
      guarded(fault, async () => {
        const { rows } = await pool.query<CapturedMail>(
          `select id, sender as from, recipient as to, subject, body as text, sent_at as at
           from spillway.mails where mailer = $1 order by id desc limit $2`,
          [name, limit],
        );
        return rows;
      }),
  };
}
