// Slack's mrkdwn (docs.slack.dev, "Formatting message text"), as elements.

import { h, link } from "./dom.js";

const rules = [
  { form: /```([\s\S]+?)```/, make: ([, code]) => h("pre", {}, plain(code)) },
  { form: /`([^`\n]+)`/, make: ([, code]) => h("code", {}, plain(code)) },
  { form: /<([^<>|\s]+)(?:\|([^<>]*))?>/, make: ([, to, label]) => reference(to, label) },
  { form: /(?<![\w*])\*([^*\n]+)\*(?![\w*])/, make: ([, inner]) => h("b", {}, mrkdwn(inner)) },
  { form: /(?<![\w])_([^_\n]+)_(?![\w])/, make: ([, inner]) => h("i", {}, mrkdwn(inner)) },
  { form: /(?<![\w~])~([^~\n]+)~(?![\w~])/, make: ([, inner]) => h("s", {}, mrkdwn(inner)) },
];

/** Three characters are escaped, and no others. */
const plain = (words) =>
  words.replace(/&(amp|lt|gt);/g, (_, name) => ({ amp: "&", lt: "<", gt: ">" })[name]);

/** A text with its markup as nodes; what is no markup stays as it is. */
export function mrkdwn(words) {
  let first;
  for (const { form, make } of rules) {
    const match = form.exec(words);
    if (match && (!first || match.index < first.match.index)) first = { match, make };
  }
  if (!first) return [plain(words)];
  const { match, make } = first;
  return [
    plain(words.slice(0, match.index)),
    make(match),
    ...mrkdwn(words.slice(match.index + match[0].length)),
  ];
}

/** A link only where it leads to the web or a mail; people and channels by their names. */
function reference(to, label) {
  const words = plain(label || to);
  if (/^(https?:\/\/|mailto:)/i.test(to)) return link(plain(to), words);
  return h("b", {}, /^[@#!]/.test(to) && !label ? to.replace("!", "@") : words);
}
