// Routes: a form for each, which sends a request and shows the answer.

import { byId, dim, h, meta, notice, pretty, tag, time } from "./dom.js";

const methodTones = { GET: "good", HEAD: "good", POST: "blue", DELETE: "bad" };
const method = (name) => h("span", { class: `tag method ${methodTones[name] ?? "warn"}` }, name);
const statusTone = (status) =>
  status < 300 ? "good" : status < 400 ? "blue" : status < 500 ? "warn" : "bad";

/** Of the last sign-in; sent with each request. */
let token;
function keepToken(value) {
  token = value;
  byId("route-token").hidden = token === undefined;
}
byId("forget").addEventListener("click", () => keepToken(undefined));

export const routeRow = (refresh) => (route) =>
  h(
    "details",
    { "data-key": `${route.method} ${route.path}` },
    h(
      "summary",
      {},
      method(route.method),
      h("span", { class: "code grow" }, route.path),
      meta(
        !route.running && tag("not running", "warn"),
        tag(route.auth === "jwt" ? "token" : "public", route.auth === "jwt" ? "" : "blue"),
        h("span", { class: "dim who" }, route.workload),
      ),
    ),
    h("div", { class: "body" }, tryForm(route, refresh)),
  );

function tryForm(route, refresh) {
  const hasBody = ["POST", "PUT", "PATCH"].includes(route.method);
  const parameters = [...route.path.matchAll(/\{(\w+)\+?\}/g)].map((match) => match[1]);
  const fields = parameters.map((name) =>
    h("label", {}, name, h("input", { name, required: true, autocomplete: "off" })),
  );
  const body = h("textarea", { name: "(body)", spellcheck: "false" }, "{}");
  const outcome = h("div", { hidden: true });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(route.curl);
      notice("curl line copied");
    } catch {
      notice("The browser does not allow copying here; select the line instead");
    }
  };
  const submit = async (event) => {
    event.preventDefault();
    await send(route, event.target, outcome, hasBody ? body.value : undefined);
    await refresh();
  };
  return h(
    "form",
    { class: "try", onsubmit: submit },
    fields.length > 0 && h("div", { class: "fields" }, fields),
    hasBody && h("label", {}, "Body (JSON)", body),
    h(
      "div",
      { class: "actions" },
      h("button", { class: "main" }, "Send"),
      h("button", { type: "button", onclick: copy }, "Copy curl"),
    ),
    h("pre", { tabindex: "0", "aria-label": "curl line" }, route.curl),
    outcome,
  );
}

async function send(route, form, outcome, body) {
  const path = route.path.replace(/\{(\w+)(\+?)\}/g, (_, name, rest) => {
    const value = form.elements[name].value;
    return rest ? encodeURI(value) : encodeURIComponent(value);
  });
  const headers = {};
  if (body !== undefined) headers["content-type"] = "application/json";
  if (token) headers.authorization = `Bearer ${token}`;
  const started = performance.now();
  outcome.hidden = false;
  try {
    const verb = route.method === "ANY" ? "GET" : route.method;
    const answer = await fetch(path, { method: verb, headers, body, redirect: "manual" });
    const content = await answer.text();
    const json = parse(content);
    if (typeof json?.accessToken === "string") keepToken(json.accessToken);
    outcome.replaceChildren(
      h(
        "p",
        {},
        tag(String(answer.status), statusTone(answer.status)),
        ` ${Math.round(performance.now() - started)} ms`,
      ),
      h("pre", { tabindex: "0" }, json === undefined ? content || "(empty)" : pretty(json)),
    );
  } catch (error) {
    outcome.replaceChildren(h("p", {}, tag("no answer", "bad"), ` ${error.message}`));
  }
}

function parse(content) {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}

export const requestRow = (request) =>
  h(
    "tr",
    { title: `request ${request.id}` },
    h("td", { class: "dim" }, time(request.at)),
    h("td", { class: "wrap code" }, `${request.method} ${request.path}`),
    h("td", {}, tag(String(request.status), statusTone(request.status))),
    h("td", { class: "number" }, `${request.ms.toFixed(1)} ms`),
    h("td", {}, dim(request.workload ?? "—")),
  );
