import { SESv2Client, SendEmailCommand } from "@aws-sdk/client-sesv2";
import type { Mailer } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { checkedMail } from "../mails.ts";
import { clientSettings, lazy } from "./client.ts";
import { nameOf, portError } from "./errors.ts";

/** What SES says of us, and not of the mail (SES API v2, SendEmail, read 2026-11). */
const codes = {
  AccountSuspendedException: "unavailable",
  MailFromDomainNotVerifiedException: "unavailable",
  NotFoundException: "unavailable",
  SendingPausedException: "unavailable",
} as const;

/**
 * Sends by SES. Needs ses:SendEmail on the sender's identity.
 *
 * SES gives each mail a Message-ID of its own, whatever it is sent ("Amazon SES header fields",
 * read 2026-11), and knows no key: the mail's id goes out as the header X-Spillway-Id.
 * @param options.from the sender's address
 * @param options.location ARN of the sender's identity, whose region is used: SES is not in all
 * @param options.client default: one of its own, made at its first use
 */
export function mailer(options: {
  readonly name: string;
  readonly from: string;
  readonly location: string;
  readonly client?: SESv2Client;
}): Mailer {
  const { name, from, location } = options;
  const made = lazy(() => {
    const region = location.split(":")[3];
    return new SESv2Client({ ...clientSettings(), ...(region && { region }) });
  });
  const client = () => options.client ?? made();
  const fault = faultsOf("mailer", name);
  const written = (Data: string) => ({ Data, Charset: "UTF-8" });
  return {
    async send(mail) {
      const { to, subject, text, html, id } = checkedMail(fault, mail);
      const command = new SendEmailCommand({
        FromEmailAddress: from,
        Destination: { ToAddresses: [to] },
        Content: {
          Simple: {
            Subject: written(subject),
            Body: { Text: written(text), ...(html !== undefined && { Html: written(html) }) },
            Headers: [{ Name: "X-Spillway-Id", Value: id }],
          },
        },
      });
      try {
        await client().send(command);
      } catch (error) {
        if (isUnverified(error))
          throw fault("unavailable", "SES has not verified the address; verify it there", error);
        throw portError(fault, error, codes);
      }
    },
  };
}

/** SES rejects a mail by one name for its content, and for an identity that waits to be verified. */
const isUnverified = (error: unknown): boolean =>
  nameOf(error) === "MessageRejected" && /not verified/i.test((error as Error).message);
