import { randomUUID } from "node:crypto";
import type { Mail } from "../ports/index.ts";
import type { Fault } from "./faults.ts";
import { utf8Bytes } from "./limits.ts";

/** One address: no list, no display name, no way to add a header. At most 254 (RFC 5321). */
const address = /^[^\s\p{Cc}@<>(),;:"\\]{1,64}@[^\s\p{Cc}@<>(),;:"\\]{1,189}$/u;
export const isAddress = (text: string): boolean => text.isWellFormed() && address.test(text);

const idPattern = /^[\x20-\x7e]{1,200}$/;
/** Of both texts together. SES takes 40 MB, many receivers ten (quotas, read 2026-11). */
const maxBytes = 5_242_880;

/** A mail as every adapter hands it over. */
export interface CheckedMail extends Mail {
  readonly id: string;
}

/**
 * A mail that is fit to be sent; what no text can hold (NUL, lone surrogates) is replaced.
 * @throws `invalid` for another address than one, a subject with control characters, another id;
 *   `too-large` over 5 MiB
 */
export function checkedMail(fault: Fault, mail: Mail): CheckedMail {
  const { to, subject, text, html, id = randomUUID() } = mail;
  if (!isAddress(to))
    throw fault("invalid", `address ${JSON.stringify(to.slice(0, 80))}; give one address`);
  if (/\p{Cc}/u.test(subject))
    throw fault("invalid", "subject has control characters; give one line of text");
  if (!idPattern.test(id))
    throw fault("invalid", "id is of another form; use 1 to 200 printable ASCII characters");
  const bytes = utf8Bytes(text) + utf8Bytes(html ?? "");
  if (bytes > maxBytes)
    throw fault("too-large", `mail of ${bytes} bytes; send at most ${maxBytes}, or a link`);
  return {
    to,
    subject: subject.toWellFormed(),
    text: plain(text),
    ...(html !== undefined && { html: plain(html) }),
    id,
  };
}

const plain = (text: string): string => text.toWellFormed().replaceAll("\0", "\ufffd");
