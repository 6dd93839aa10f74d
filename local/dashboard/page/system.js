// The system itself: workloads with their placement, and the documents of its tables.

import { dim, h, meta, number, ofTotal, plural, pretty, tag } from "./dom.js";

const statusTags = {
  running: ["running", "good"],
  starting: ["starting", "warn"],
  "no-code": ["no code yet", "warn"],
  "not-local": ["not run locally yet", "warn"],
  failed: ["failed", "bad"],
};

const reason = ({ question, kind, text: words }) =>
  h(
    "li",
    {},
    dim(question),
    h("span", {}, words, " ", kind === "limit" ? tag("limit", "warn") : undefined),
  );

export const workloadRow = (workload) =>
  h(
    "details",
    { "data-key": workload.name },
    h(
      "summary",
      {},
      h("span", { class: "grow" }, h("strong", {}, workload.name), " ", dim(workload.trigger)),
      meta(
        tag(...statusTags[workload.status]),
        tag(workload.host, "blue"),
        h("span", { class: "dim who" }, workload.monthly ?? ""),
      ),
    ),
    h(
      "div",
      { class: "body" },
      workload.reason && h("p", { class: "dim" }, workload.reason),
      h(
        "h3",
        {},
        `Placed on ${workload.host}${workload.monthly ? `, about ${workload.monthly} a month` : ""}`,
      ),
      h("ul", { class: "reasons" }, workload.because.map(reason)),
    ),
  );

export const tableCard = (table) =>
  h(
    "article",
    { class: "card" },
    h(
      "div",
      { class: "head" },
      h("h3", { class: "grow" }, table.name),
      dim(
        table.total === undefined
          ? `${number(table.items.length)}${table.more ? " newest" : ""} documents`
          : `${ofTotal(table.items.length, table.total)} ${plural(table.total, "document").replace(/^\S+ /, "")}`,
      ),
    ),
    h(
      "div",
      {
        class: "inner scroll",
        tabindex: "0",
        role: "group",
        "aria-label": `Documents of ${table.name}`,
      },
      table.items.length === 0 && h("p", { class: "empty" }, "Nothing stored yet."),
      table.items.map(documentRow),
    ),
  );

const documentRow = ({ pk, sk, document: content }) =>
  h(
    "details",
    { "data-key": `${pk} ${sk}` },
    h("summary", {}, h("span", { class: "code grow clip" }, `${pk} / ${sk}`)),
    h("div", { class: "body" }, h("pre", { tabindex: "0" }, pretty(content))),
  );
