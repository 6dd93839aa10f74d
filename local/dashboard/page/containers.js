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

/** What a replica has in work is a socket that is open, or a request. */
const inWork = (kind) => (kind === "socket" ? "Open sockets" : "In flight");

/** What is counted; what a queue feeds neither admits nor refuses. */
const figuresOf = {
  http: ({ inFlight, admitted, spilled, refused, spilledShare }) => [
    { label: inWork("http"), value: number(inFlight) },
    { label: "Admitted", value: number(admitted) },
    { label: "Refused", value: number(refused), bad: refused > 0 },
    // The share is that of the last seconds: see decide.ts.
    { label: "Spilled", value: number(spilled), more: `${percent(spilledShare)} now` },
  ],
  socket: ({ inFlight }) => [{ label: inWork("socket"), value: number(inFlight) }],
};

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

const columnsOf = (kind) => [
  ["Process"],
  ["State"],
  ["Port", 1],
  [inWork(kind), 1],
  ["Restarts", 1],
  ["Since"],
];
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
    figuresOf[kind] && h("dl", { class: "depths flow" }, figuresOf[kind](container).map(figure)),
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
          h("thead", {}, h("tr", {}, columnsOf(kind).map(column))),
          h("tbody", {}, container.replicas.map(replicaRow)),
        ),
      ),
  );
};
