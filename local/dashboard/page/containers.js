// Workloads with processes of their own: their replicas, and what went where.

import { dim, h, meta, number, tag, time } from "./dom.js";

const tones = {
  healthy: "good",
  starting: "warn",
  failing: "bad",
  draining: "blue",
  ended: "bad",
};

const percent = (share) => `${Math.round(share * 100)} %`;

/** What is counted; what a queue feeds neither admits nor refuses. */
const figuresOf = ({ inFlight, admitted, spilled, refused, spilledShare }) => [
  { label: "In flight", value: number(inFlight) },
  { label: "Admitted", value: number(admitted) },
  { label: "Refused", value: number(refused), bad: refused > 0 },
  // The share is that of the last seconds: see decide.ts.
  { label: "Spilled", value: number(spilled), more: `${percent(spilledShare)} now` },
];

const figure = ({ label, value, bad, more }) =>
  h(
    "div",
    {},
    h("dt", {}, label),
    h("dd", { class: bad ? "bad" : "" }, value, more && h("small", {}, ` ${more}`)),
  );

const replicaRow = ({ pid, port, status, since, restarts, inFlight }) =>
  h(
    "tr",
    {},
    h("td", { class: "code" }, pid === undefined ? "none" : String(pid)),
    h("td", {}, tag(status, tones[status])),
    h("td", { class: "number" }, port === undefined ? "" : String(port)),
    h("td", { class: "number" }, number(inFlight)),
    h("td", { class: "number" }, number(restarts)),
    h("td", {}, time(since)),
  );

const columns = [["Process"], ["State"], ["Port", 1], ["In flight", 1], ["Restarts", 1], ["Since"]];
const column = ([label, isNumber]) =>
  h("th", { scope: "col", class: isNumber ? "number" : "" }, label);

export const containerCard = ({ name, kind, host, reason, container }) => {
  const healthy = container.replicas.filter(({ status }) => status === "healthy").length;
  const all = container.replicas.length;
  return h(
    "article",
    { class: "card" },
    h(
      "div",
      { class: "head" },
      h("h3", { class: "grow" }, name),
      meta(
        tag(`${healthy} of ${all} healthy`, healthy === all && all > 0 ? "good" : "bad"),
        tag(host, "blue"),
      ),
    ),
    reason && h("p", { class: "said" }, dim(reason)),
    kind === "http" && h("dl", { class: "depths flow" }, figuresOf(container).map(figure)),
    all > 0 &&
      h(
        "div",
        {
          class: "inner scroll",
          tabindex: "0",
          role: "group",
          "aria-label": `Replicas of ${name}`,
        },
        h(
          "table",
          {},
          h("thead", {}, h("tr", {}, columns.map(column))),
          h("tbody", {}, container.replicas.map(replicaRow)),
        ),
      ),
  );
};
