// Slack's mrkdwn (docs.slack.dev, "Formatting message text"), as elements.

import { h, link } from "./dom.js";

const rules = [
  { form: /```([\s\S]+?)```/, make: ([, code]) => h("pre", {}, plain(code)) },
  { form: /`([^`\n]+)`/, make: ([, code]) => h("code", {}, plain(code)) },
  { form: /<([^<>|\s]+)(?:\|([^<>]*))?>/, make: ([, to, label]) => reference(to, label) },
  {
    form: /(?<![\w*])\*(?=\S)([^*\n]+)(?<=\S)\*(?![\w*])/,
    make: ([, inner]) => h("b", {}, mrkdwn(inner)),
  },
  {
    form: /(?<![\w])_(?=\S)([^_\n]+)(?<=\S)_(?![\w])/,
    make: ([, inner]) => h("i", {}, mrkdwn(inner)),
  },
  {
    form: /(?<![\w~])~(?=\S)([^~\n]+)(?<=\S)~(?![\w~])/,
    make: ([, inner]) => h("s", {}, mrkdwn(inner)),
  },
];

/** Three characters are escaped, and no others. */
const plain = (words) =>
  words.replace(/&(amp|lt|gt);/g, (_, name) => ({ amp: "&", lt: "<", gt: ">" })[name]);

/** A text with its markup as nodes; what is no markup stays as it is. */
export function mrkdwn(words) {
  const nodes = [];
  for (let rest = words; ; ) {
    const found = rules
      .map(({ form, make }) => ({ match: form.exec(rest), make }))
      .filter(({ match }) => match)
      .sort((a, b) => a.match.index - b.match.index)[0];
    if (!found) return [...nodes, plain(rest)];
    const { match, make } = found;
    nodes.push(plain(rest.slice(0, match.index)), make(match));
    rest = rest.slice(match.index + match[0].length);
  }
}

/** A link only where it leads to the web or a mail; people and channels by their names. */
function reference(to, label) {
  const words = plain(label || to);
  if (/^(https?:\/\/|mailto:)/i.test(to)) return link(plain(to), words);
  return h("b", {}, /^[@#!]/.test(to) && !label ? to.replace("!", "@") : words);
}
