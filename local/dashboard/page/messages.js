// What would have gone out: mails and posts, as their readers would see them.

import { dim, h, linked, meta, time } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";

export const mailRow = (mail) => {
  const body = h("div", { class: "body" });
  const fill = () => {
    // Frames load when somebody looks.
    if (body.childElementCount === 0) body.append(...mailParts(mail));
  };
  return h(
    "details",
    { "data-key": mail.id, ontoggle: fill },
    h(
      "summary",
      {},
      h("span", { class: "grow" }, mail.subject),
      meta(dim(`to ${mail.to}`), dim(time(mail.at))),
    ),
    body,
  );
};

function mailParts(mail) {
  const words = h("pre", { tabindex: "0", class: "letter" }, linked(mail.text));
  const about = h(
    "p",
    { class: "dim" },
    [mail.from && `from ${mail.from}`, `to ${mail.to}`].filter(Boolean).join(", "),
  );
  if (!mail.html) return [about, words];
  // Its own address, its own rules: no script runs in it, and nothing is loaded from elsewhere.
  const frame = h("iframe", {
    class: "letter",
    src: `api/mails/${encodeURIComponent(mail.id)}/html`,
    sandbox: "allow-popups allow-popups-to-escape-sandbox",
    referrerpolicy: "no-referrer",
    title: `HTML of ${mail.subject}`,
  });
  const button = (label, part, other, pressed) => {
    const made = h("button", { type: "button", "aria-pressed": String(pressed) }, label);
    made.addEventListener("click", () => {
      part.hidden = false;
      other.hidden = true;
      for (const one of made.parentElement.children)
        one.setAttribute("aria-pressed", String(one === made));
    });
    return made;
  };
  words.hidden = true;
  return [
    about,
    h(
      "div",
      { class: "actions", role: "group", "aria-label": "Form of the mail" },
      button("HTML", frame, words, true),
      button("Text", words, frame, false),
    ),
    frame,
    words,
  ];
}

export const postRow = ({ chat, post, at }) =>
  h(
    "article",
    { class: "post" },
    h("span", { class: "face", "aria-hidden": "true" }, "S"),
    h(
      "div",
      { class: "said" },
      h("p", { class: "dim" }, h("strong", {}, chat ?? "chat"), " ", time(at)),
      post.blocks?.length ? post.blocks.map(block) : h("p", {}, mrkdwn(post.text)),
    ),
  );

function block({ type, text: words, fields }) {
  if (type === "header") return h("h3", {}, words);
  if (type === "fields")
    return h(
      "div",
      { class: "fields" },
      fields.map((field) => h("p", {}, mrkdwn(field))),
    );
  return h("p", {}, mrkdwn(words));
}
