import { createHash } from "node:crypto";
import { createTransport } from "nodemailer";
import type { ErrorCode } from "../ports/index.ts";
import type { Fault } from "./faults.ts";
import type { CheckedMail } from "./mails.ts";
import { isLoopback } from "./outgoing.ts";

/** In milliseconds, for a connection and its greeting, and for each answer. */
const connectMs = 5_000;
const answerMs = 15_000;

/**
 * Hands mails to a server over SMTP, one connection each.
 * @param url such as "smtp://127.0.0.1:1025" or "smtps://user:password@mail.example"; what goes
 *   to another machine is encrypted, or not sent
 * @throws `invalid` where the url is none; of a send: `invalid` where the server refuses the mail
 *   for good, `denied` where it refuses us, `unavailable` otherwise
 */
export function smtp(fault: Fault, url: string) {
  const { host, port, secure, user, pass } = serverOf(fault, url);
  const transport = createTransport({
    host,
    port,
    secure,
    ...(user !== "" && { auth: { user, pass } }),
    requireTLS: !secure && !isLoopback(host),
    ignoreTLS: isLoopback(host) && !secure,
    connectionTimeout: connectMs,
    greetingTimeout: connectMs,
    socketTimeout: answerMs,
    // A mail's text is text: it names no file and no address to be fetched.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send(from: string, { to, subject, text, html, id }: CheckedMail): Promise<void> {
      const messageId = messageIdOf(id, from);
      try {
        await transport.sendMail({ from, to, subject, text, html, messageId });
      } catch (error) {
        throw refused(fault, error as SmtpError);
      }
    },
  };
}

/**
 * The Message-ID of a mail: the same for each try to send it.
 * @param id of the mail; one that cannot stand in a Message-ID does so by its hash
 * @param from the sender's address, whose domain makes it unique
 */
export function messageIdOf(id: string, from: string): string {
  // A dot-atom of RFC 5322, as far as programs agree on it.
  const name = /^[\w-]+(\.[\w-]+)*$/.test(id)
    ? id
    : createHash("sha256").update(id).digest("hex").slice(0, 40);
  return `<${name}@${/@([^@>]+)>?$/.exec(from)?.[1] ?? "localhost"}>`;
}

interface SmtpError extends Error {
  readonly code?: string;
  readonly command?: string;
  readonly responseCode?: number;
}

/** Commands whose refusal is about this mail: its receiver and its content. */
const aboutMail = ["RCPT TO", "DATA"];

function refused(fault: Fault, error: SmtpError) {
  const { code = "no code", command = "", responseCode = 0 } = error;
  const forGood = responseCode >= 500 && aboutMail.includes(command);
  const aboutUs = code === "EAUTH" || (responseCode >= 500 && command === "MAIL FROM");
  const meaning: ErrorCode = aboutUs ? "denied" : forGood ? "invalid" : "unavailable";
  const remedy = {
    denied: "check SPILLWAY_SMTP_URL and the sender's address",
    invalid: "correct the mail",
    unavailable: "try again later",
  }[meaning];
  const answer = responseCode > 0 ? `${responseCode}` : code;
  // The server's own words may repeat what was sent, so only their code goes on.
  return fault(meaning, `the mail server answered ${answer}; ${remedy}`, new Error(code));
}

/** No cause goes on: it would hold the URL, with its password. */
function serverOf(fault: Fault, text: string) {
  // A "%" that begins no character would throw below.
  const isText = URL.canParse(text) && !/%(?![0-9a-f]{2})/i.test(text);
  const url = isText ? new URL(text) : undefined;
  if (!url || !["smtp:", "smtps:"].includes(url.protocol) || url.hostname === "")
    throw fault("invalid", "the mail server's URL is none; use smtp://host:port");
  const secure = url.protocol === "smtps:";
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(url.port) || (secure ? 465 : 587),
    secure,
    user: decodeURIComponent(url.username),
    pass: decodeURIComponent(url.password),
  };
}
