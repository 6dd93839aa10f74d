import type { Pool } from "pg";
import type { Mail, Mailer } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { checkedMail } from "../mails.ts";
import { smtp } from "../smtp.ts";
import { guarded } from "./postgres-faults.ts";

/** A mail that was handed over, as the dashboard shows it. */
export interface CapturedMail extends Mail {
  readonly id: string;
  readonly from: string;
  readonly at: Date;
}

/**
 * Captures mails in Postgres, each id once, and hands them to a mail server too where there is
 * one. A crash between the two, or while the server answers, hands a mail over again: with the same
 * Message-ID. One that is known to have been taken is not sent again.
 * @param options.name of the mailer in system.ts
 * @param options.from the sender's address
 * @param options.smtp URL of a mail server, such as "smtp://127.0.0.1:1025". Default: none
 */
export function mailer(options: {
  readonly name: string;
  readonly pool: Pool;
  readonly from: string;
  readonly smtp?: string;
}): Mailer & { captured(limit: number): Promise<readonly CapturedMail[]> } {
  const { name, pool, from } = options;
  const fault = faultsOf("mailer", name);
  const server = options.smtp ? smtp(fault, options.smtp) : undefined;
  return {
    async send(given) {
      const mail = checkedMail(fault, given);
      const { id, to, subject, text, html } = mail;
      await guarded(fault, () =>
        pool.query(
          `insert into spillway.mails (mailer, message_id, sender, recipient, subject, body, html)
           values ($1, $2, $3, $4, $5, $6, $7) on conflict (mailer, message_id) do nothing`,
          [name, id, from, to, subject, text, html],
        ),
      );
      if (!server || (await isTaken(id))) return;
      await server.send(from, mail);
      await guarded(fault, () =>
        pool.query(
          "update spillway.mails set taken_at = now() where mailer = $1 and message_id = $2",
          [name, id],
        ),
      );
    },

    /** The newest first. */
    captured: (limit) =>
      guarded(fault, async () => {
        const { rows } = await pool.query<CapturedMail & { readonly html: string | null }>(
          `select message_id as id, sender as from, recipient as to, subject, body as text, html,
             sent_at as at
           from spillway.mails where mailer = $1 order by mails.id desc limit $2`,
          [name, limit],
        );
        return rows.map(({ html, ...mail }) => (html === null ? mail : { ...mail, html }));
      }),
  };

  async function isTaken(id: string): Promise<boolean> {
    const { rowCount } = await guarded(fault, () =>
      pool.query(
        `select from spillway.mails
         where mailer = $1 and message_id = $2 and taken_at is not null`,
        [name, id],
      ),
    );
    return rowCount === 1;
  }
}
