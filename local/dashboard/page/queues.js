// Queues with their dead letters; topics, buses and streams with their readers.

import { act, dim, h, meta, number, plural, pretty, tag, time } from "./dom.js";

export const queueCard = (refresh) => (queue) => {
  const depth = (label, value, bad) =>
    h("div", {}, h("dt", {}, label), h("dd", { class: bad ? "bad" : "" }, number(value)));
  return h(
    "article",
    { class: queue.deadLetters.length > 0 ? "card whole" : "card" },
    h(
      "div",
      { class: "head" },
      h("h3", { class: "grow" }, queue.name),
      dim(
        queue.consumers.length > 0 ? `to ${queue.consumers.join(", ")}` : "no consumer runs here",
      ),
    ),
    h(
      "dl",
      { class: "depths" },
      depth("Waiting", queue.waiting),
      depth("Active", queue.active),
      depth("Dead", queue.dead, queue.dead > 0),
    ),
    queue.deadLetters.length > 0 &&
      h(
        "div",
        { class: "inner" },
        queue.deadLetters.map((letter) => deadLetter(queue.name, letter, refresh)),
      ),
    queue.dead > queue.deadLetters.length &&
      h("p", { class: "empty" }, `The newest ${queue.deadLetters.length} are shown.`),
  );
};

/** Reasons read `who "name": what`; the first look is for what. */
const saidBy = (reason) => reason.replace(/^[\w -]+ "[^"]*": /, "") || "no reason given";

const deadLetter = (queue, letter, refresh) => {
  const settle = async (button, verb) => {
    button.disabled = true;
    const path = `api/queues/${encodeURIComponent(queue)}/dead-letters/${encodeURIComponent(letter.id)}/${verb}`;
    await act(path, {}, () => (verb === "redrive" ? `Back in queue ${queue}` : "Discarded"));
    button.disabled = false;
    await refresh();
  };
  const discard = async (button) => {
    if (await confirmed(letter)) await settle(button, "discard");
  };
  return h(
    "details",
    { "data-key": letter.id },
    h(
      "summary",
      {},
      h("span", { class: "grow clip" }, saidBy(letter.reason)),
      dim(time(letter.at)),
    ),
    h(
      "div",
      { class: "body" },
      h("p", { class: "dim" }, letter.reason),
      h("pre", { tabindex: "0" }, pretty(letter.body)),
      h(
        "div",
        { class: "actions" },
        h(
          "button",
          {
            type: "button",
            "data-focus": `redrive ${letter.id}`,
            onclick: (event) => settle(event.target, "redrive"),
          },
          "Redrive",
        ),
        h(
          "button",
          {
            type: "button",
            class: "danger",
            "data-focus": `discard ${letter.id}`,
            onclick: (event) => discard(event.target),
          },
          "Discard",
        ),
      ),
    ),
  );
};

async function confirmed(letter) {
  const dialog = h(
    "dialog",
    { "aria-labelledby": "confirm-title" },
    h(
      "form",
      { method: "dialog" },
      h("h2", { id: "confirm-title" }, "Discard this message?"),
      h("p", {}, "It is removed for good; nothing will handle it."),
      h("pre", {}, pretty(letter.body)),
      h(
        "div",
        { class: "actions" },
        h("button", { value: "no", autofocus: true }, "Keep it"),
        h("button", { value: "yes", class: "danger" }, "Discard"),
      ),
    ),
  );
  // One of its own for each question: a close that is told late cannot answer the next one.
  const closed = new Promise((resolve) => {
    dialog.addEventListener("close", resolve, { once: true });
  });
  document.body.append(dialog);
  dialog.showModal();
  await closed;
  dialog.remove();
  return dialog.returnValue === "yes";
}

const kinds = { topic: "topic", bus: "bus", stream: "stream", changes: "change feed" };

export const channelRow = (channel) =>
  h(
    "details",
    { "data-key": `${channel.kind} ${channel.name}` },
    h(
      "summary",
      {},
      h("span", { class: "grow" }, h("strong", {}, channel.name)),
      meta(
        tag(kinds[channel.kind], "blue"),
        h("span", { class: "dim who" }, plural(channel.subscribers.length, "reader")),
      ),
    ),
    h(
      "div",
      { class: "body" },
      channel.subscribers.length === 0 && h("p", { class: "dim" }, "Nobody reads it."),
      h("ul", { class: "readers" }, channel.subscribers.map(reader)),
    ),
  );

const reader = ({ workload, wants, queue, positions }) =>
  h(
    "li",
    {},
    h("strong", {}, workload),
    wants ? h("code", {}, wants) : dim("everything"),
    queue && dim(`behind queue ${queue}`),
    positions &&
      h(
        "ul",
        { class: "positions" },
        positions.map(({ shard, at, behind }) =>
          h(
            "li",
            {},
            h("span", { class: "code" }, shard),
            dim(at === undefined ? "nothing read yet" : `read to ${at}`),
            behind !== undefined &&
              tag(
                behind === 0 ? "up to date" : `${number(behind)} behind`,
                behind === 0 ? "good" : "warn",
              ),
          ),
        ),
      ),
  );
