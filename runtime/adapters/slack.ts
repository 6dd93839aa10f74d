import type { Post, PostBlock } from "../ports/index.ts";
import type { Fault } from "./faults.ts";
import { exchange, outgoingUrl } from "./outgoing.ts";

/** Slack, "Reference: blocks" and "Truncating content in messages", read 2026-11; in characters. */
const limits = { text: 40_000, blocks: 50, header: 150, section: 3_000, field: 2_000, fields: 10 };
/** How long a post may take, in milliseconds, and how much of its answer is read, in bytes. */
const timeoutMs = 10_000;
const maxBytes = 65_536;

/**
 * A post as the body that an incoming webhook takes. What is longer than Slack shows is cut, with
 * a "…" at its end; fields over ten go on in a section of their own.
 * @throws `invalid` for a text that is empty, a section without text or fields
 */
export function slackMessage(fault: Fault, { text, blocks = [] }: Post): string {
  const said = (what: string, value: string): string => {
    if (typeof value !== "string" || value.trim() === "")
      throw fault("invalid", `${what} is empty; say something`);
    return value.toWellFormed();
  };
  const mrkdwn = (value: string, longest: number) => ({
    type: "mrkdwn",
    text: cut(value, longest),
  });
  const written = (block: PostBlock): object[] => {
    switch (block.type) {
      case "header": {
        // Plain text: a "<" in it is one.
        const plain = escaped(said("a header", block.text));
        return [{ type: "header", text: { type: "plain_text", text: cut(plain, limits.header) } }];
      }
      case "section":
        return [{ type: "section", text: mrkdwn(said("a section", block.text), limits.section) }];
      case "fields": {
        if (block.fields.length === 0) throw fault("invalid", "fields are empty; say something");
        const fields = block.fields.map((field) => mrkdwn(said("a field", field), limits.field));
        return chunks(fields, limits.fields).map((some) => ({ type: "section", fields: some }));
      }
    }
  };
  const all = blocks.flatMap(written);
  const shown =
    all.length <= limits.blocks
      ? all
      : [
          ...all.slice(0, limits.blocks - 1),
          { type: "section", text: mrkdwn(`… and ${all.length - limits.blocks + 1} more`, 100) },
        ];
  const message = { text: cut(said("the text", text), limits.text) };
  return JSON.stringify(shown.length > 0 ? { ...message, blocks: shown } : message);
}

/** Text as mrkdwn shows it: these three begin mentions, links and characters. */
export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/**
 * At most so many characters, with "…" where some are left out. No character, entity or link is
 * cut in two.
 */
export function cut(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const start = text
    .slice(0, longest - 1)
    // The first half of a surrogate pair, an entity or a link that has no end.
    .replace(/[\ud800-\udbff]$/, "")
    .replace(/&[a-z]{0,3}$/, "")
    .replace(/<[^<>]{0,500}$/, "");
  return `${start}…`;
}

const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, n) =>
    items.slice(n * size, (n + 1) * size),
  );

/**
 * Posts to an incoming webhook of Slack, or what speaks like one. Its URL is a secret: it stands in
 * no error.
 * @param url https, or http on this machine
 * @throws `invalid` where the channel refuses the post, `throttled`, `unavailable`; `undone` where
 *   the post is surely not there
 */
export async function postToSlack(fault: Fault, url: string, post: Post): Promise<void> {
  const body = slackMessage(fault, post);
  const to = outgoingUrl(url);
  if (!to) throw fault("unavailable", "the webhook's secret is no https URL; correct the secret");
  const headers = { "content-type": "application/json; charset=utf-8" };
  const request = new Request(to, { method: "POST", headers, body });
  const answer = await exchange(fault, request, { timeoutMs, maxBytes });
  const { status, text } = answer;
  if (status >= 200 && status < 300) return;
  if (status === 429)
    throw fault("throttled", `the channel answered 429; wait ${waitOf(answer.headers)}`);
  // One word, such as "invalid_blocks"; a longer text could hold anything.
  const reason = /^[a-z_]{1,60}$/.test(text.trim()) ? ` ${text.trim()}` : "";
  if (status >= 400 && status < 500)
    throw fault(
      "invalid",
      `the channel answered ${status}${reason}; correct the post or the webhook`,
    );
  // A gateway before it that gives up does not know what happened behind it.
  const undone = status !== 502 && status !== 504;
  throw fault("unavailable", `the channel answered ${status}; try again later`, undefined, {
    undone,
  });
}

const waitOf = (headers: Headers): string => {
  const seconds = headers.get("retry-after") ?? "";
  return /^\d{1,6}$/.test(seconds) ? `${seconds} s` : "a while";
};
