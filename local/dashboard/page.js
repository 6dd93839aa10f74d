// The page: asks for the state each second and shows what changed. Everything that it shows may
// have been written by a stranger (documents, mails, messages), so it goes in as text, never as HTML.

const byId = (id) => document.getElementById(id);

/** An element with properties and children; strings become text. */
function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== false));
  return element;
}

const text = (element, value) => {
  if (element.textContent !== value) element.textContent = value;
};

/**
 * Shows items as the children of a container: an item that did not change keeps its element, and
 * with it what is open, typed or focused there.
 */
function keyed(container, items, keyOf, render, empty) {
  const before = container.cache ?? new Map();
  const after = new Map();
  for (const item of items) {
    const key = keyOf(item);
    const json = JSON.stringify(item);
    const old = before.get(key);
    if (old?.json === json) after.set(key, old);
    else after.set(key, { json, element: carryOver(old?.element, render(item)) });
  }
  container.cache = after;
  const elements = [...after.values()].map((entry) => entry.element);
  if (elements.length === 0 && empty) {
    container.none ??= h("p", { class: "empty" }, empty);
    elements.push(container.none);
  }
  const same =
    elements.length === container.children.length &&
    elements.every((element, index) => element === container.children[index]);
  if (same) return;
  const focus = document.activeElement;
  const path = container.contains(focus) ? focus.dataset.focus : undefined;
  container.replaceChildren(...elements);
  if (path) container.querySelector(`[data-focus="${CSS.escape(path)}"]`)?.focus();
  else if (focus && container.contains(focus)) focus.focus();
}

/** What a person has opened stays open when its element is made anew. */
function carryOver(old, fresh) {
  if (!old) return fresh;
  const opened = new Set();
  for (const part of [old, ...old.querySelectorAll("details[data-key]")])
    if (part.open && part.dataset.key) opened.add(part.dataset.key);
  for (const part of [fresh, ...fresh.querySelectorAll("details[data-key]")])
    if (opened.has(part.dataset.key)) part.open = true;
  return fresh;
}

const pretty = (value) => JSON.stringify(value, undefined, 2);
const number = (value) => value.toLocaleString("en");
const time = (at) => {
  const date = new Date(at);
  const clock = date.toLocaleTimeString("en-GB");
  return date.toDateString() === new Date().toDateString()
    ? clock
    : `${date.toLocaleDateString("en-CA")} ${clock}`;
};
const size = (bytes) =>
  bytes < 1024
    ? `${bytes} B`
    : bytes < 1024 ** 2
      ? `${(bytes / 1024).toFixed(1)} KiB`
      : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
const tag = (label, tone = "") => h("span", { class: `tag ${tone}` }, label);
const meta = (...parts) => h("span", { class: "meta" }, parts);
const methodTones = { GET: "good", HEAD: "good", POST: "blue", DELETE: "bad" };
const method = (name) => h("span", { class: `tag method ${methodTones[name] ?? "warn"}` }, name);
const statusTone = (status) =>
  status < 300 ? "good" : status < 400 ? "blue" : status < 500 ? "warn" : "bad";

let noticeTimer;
function notice(message) {
  text(byId("notice"), message);
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => text(byId("notice"), ""), 5000);
}

// Figures and counts

function showFigures(state) {
  const sum = (pick) => state.queues.reduce((total, queue) => total + pick(queue), 0);
  const running = state.workloads.filter((workload) => workload.status === "running").length;
  const dead = sum((queue) => queue.dead);
  const figures = [
    { label: "Requests", value: number(state.requests.total) },
    {
      label: "Running",
      value: number(running),
      of: `of ${state.workloads.length}`,
    },
    { label: "Waiting", value: number(sum((queue) => queue.waiting + queue.active)) },
    { label: "Dead letters", value: number(dead), bad: dead > 0 },
    { label: "Mails", value: number(state.mails.length) },
  ];
  keyed(
    byId("figures"),
    figures,
    (figure) => figure.label,
    ({ label, value, of, bad }) =>
      h(
        "div",
        {},
        h("dt", {}, label),
        h("dd", { class: bad ? "bad" : "" }, value, of ? h("small", {}, ` ${of}`) : undefined),
      ),
  );
  const stored = [...state.tables, ...state.objectStores].reduce(
    (total, store) => total + store.items.length,
    0,
  );
  text(byId("count-routes"), String(state.routes.length));
  text(byId("count-requests"), number(state.requests.total));
  text(byId("count-queues"), dead > 0 ? `${dead} dead` : String(state.queues.length));
  byId("count-queues").className = dead > 0 ? "count bad" : "count";
  text(byId("count-mails"), String(state.mails.length));
  text(byId("count-stored"), String(stored));
  text(byId("count-workloads"), `${running}/${state.workloads.length}`);
}

// Routes

let token;
function keepToken(value) {
  token = value;
  byId("route-token").hidden = token === undefined;
}
byId("forget").addEventListener("click", () => keepToken(undefined));

function routeRow(route) {
  const key = `${route.method} ${route.path}`;
  return h(
    "details",
    { "data-key": key },
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
    h("div", { class: "body" }, tryForm(route)),
  );
}

function tryForm(route) {
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
  return h(
    "form",
    {
      class: "try",
      onsubmit: (event) => {
        event.preventDefault();
        void send(route, event.target, outcome, hasBody ? body.value : undefined);
      },
    },
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
  await refresh();
}

function parse(content) {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}

// Requests

const requestRow = (request) =>
  h(
    "tr",
    { title: `request ${request.id}` },
    h("td", { class: "dim" }, time(request.at)),
    h("td", { class: "wrap code" }, `${request.method} ${request.path}`),
    h("td", {}, tag(String(request.status), statusTone(request.status))),
    h("td", { class: "number" }, `${request.ms.toFixed(1)} ms`),
    h("td", { class: "dim" }, request.workload ?? "—"),
  );

// Queues

function queueCard(queue) {
  const depth = (label, value, bad) =>
    h("div", {}, h("dt", {}, label), h("dd", { class: bad ? "bad" : "" }, number(value)));
  return h(
    "article",
    { class: "card" },
    h(
      "div",
      { class: "head" },
      h("h3", { class: "grow" }, queue.name),
      h(
        "span",
        { class: "dim" },
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
        queue.deadLetters.map((letter) => deadLetter(queue.name, letter)),
      ),
    queue.dead > queue.deadLetters.length &&
      h("p", { class: "empty" }, `The newest ${queue.deadLetters.length} are shown.`),
  );
}

/** Reasons read `who "name": what`; the first look is for what. */
const saidBy = (reason) => reason.replace(/^[\w -]+ "[^"]*": /, "") || "no reason given";

const deadLetter = (queue, letter) =>
  h(
    "details",
    { "data-key": letter.id },
    h(
      "summary",
      {},
      h("span", { class: "grow clip" }, saidBy(letter.reason)),
      h("span", { class: "dim" }, time(letter.at)),
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
            onclick: (event) => act(event.target, queue, letter, "redrive"),
          },
          "Redrive",
        ),
        h(
          "button",
          {
            type: "button",
            class: "danger",
            "data-focus": `discard ${letter.id}`,
            onclick: (event) => discard(event.target, queue, letter),
          },
          "Discard",
        ),
      ),
    ),
  );

async function discard(button, queue, letter) {
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
  if (dialog.returnValue === "yes") await act(button, queue, letter, "discard");
}

async function act(button, queue, letter, verb) {
  button.disabled = true;
  const path = `api/queues/${encodeURIComponent(queue)}/dead-letters/${encodeURIComponent(letter.id)}/${verb}`;
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    if (answer.ok) notice(verb === "redrive" ? `Back in queue ${queue}` : "Discarded");
    else notice((await answer.json()).detail);
  } catch (error) {
    notice(`No answer: ${error.message}`);
  }
  button.disabled = false;
  await refresh();
}

// Mails, stores, workloads

const mailRow = (mail) =>
  h(
    "details",
    { "data-key": mail.id },
    h(
      "summary",
      {},
      h("span", { class: "grow" }, mail.subject),
      meta(
        h("span", { class: "dim" }, `to ${mail.to}`),
        h("span", { class: "dim" }, time(mail.at)),
      ),
    ),
    h("div", { class: "body" }, h("pre", { tabindex: "0" }, mail.text)),
  );

const storeCard = (store) =>
  h(
    "article",
    { class: "card" },
    h(
      "div",
      { class: "head" },
      h("h3", { class: "grow" }, store.name),
      h("span", { class: "dim" }, store.kind === "table" ? "documents" : "objects"),
    ),
    h(
      "div",
      { class: "inner" },
      store.items.length === 0 && h("p", { class: "empty" }, "Nothing stored yet."),
      store.items.map(store.kind === "table" ? documentRow : objectRow),
      store.more &&
        h(
          "p",
          { class: "empty" },
          store.kind === "table"
            ? "Only the newest documents are shown."
            : `The first ${store.items.length} are shown.`,
        ),
    ),
  );

const documentRow = ({ pk, sk, document: content }) =>
  h(
    "details",
    { "data-key": `${pk} ${sk}` },
    h("summary", {}, h("span", { class: "code grow clip" }, `${pk} / ${sk}`)),
    h("div", { class: "body" }, h("pre", { tabindex: "0" }, pretty(content))),
  );

const objectRow = ({ key, bytes, modified }) =>
  h(
    "p",
    { class: "head" },
    h("span", { class: "code grow" }, key),
    h("span", { class: "dim" }, `${size(bytes)}, ${time(modified)}`),
  );

const statusTags = {
  running: ["running", "good"],
  "no-code": ["no code yet", "warn"],
  "not-local": ["not run locally yet", "warn"],
  failed: ["failed", "bad"],
};

const reason = ({ question, kind, text: words }) =>
  h(
    "li",
    {},
    h("span", { class: "dim" }, question),
    h("span", {}, words, " ", kind === "limit" ? tag("limit", "warn") : undefined),
  );

const workloadRow = (workload) =>
  h(
    "details",
    { "data-key": workload.name },
    h(
      "summary",
      {},
      h(
        "span",
        { class: "grow" },
        h("strong", {}, workload.name),
        " ",
        h("span", { class: "dim" }, workload.trigger),
      ),
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

// Updating

function show(state) {
  text(byId("name"), state.system);
  document.title = `${state.system} · Spillway`;
  showFigures(state);
  keyed(
    byId("route-list"),
    state.routes,
    (route) => `${route.method} ${route.path}`,
    routeRow,
    "No routes are declared.",
  );
  keyed(byId("request-list"), state.requests.recent, (request) => request.id, requestRow);
  byId("request-none").hidden = state.requests.recent.length > 0;
  keyed(
    byId("queue-list"),
    state.queues,
    (queue) => queue.name,
    queueCard,
    "No queues are declared.",
  );
  keyed(byId("mail-list"), state.mails, (mail) => mail.id, mailRow, "No mail was sent yet.");
  keyed(
    byId("store-list"),
    [...state.tables, ...state.objectStores],
    (store) => store.name,
    storeCard,
    "No stores are declared.",
  );
  keyed(
    byId("workload-list"),
    state.workloads,
    (workload) => workload.name,
    workloadRow,
    "No workloads are declared.",
  );
}

function live(on, words) {
  text(byId("live"), words);
  byId("live").className = on ? "live on" : "live";
}

let seen;
let busy;
/** Asks once; an unchanged state is a 304 and costs nothing here. */
function refresh() {
  busy ??= ask().finally(() => {
    busy = undefined;
  });
  return busy;
}

async function ask() {
  try {
    const answer = await fetch("api/state", {
      cache: "no-store",
      headers: seen ? { "if-none-match": seen } : {},
    });
    if (answer.status === 200) {
      seen = answer.headers.get("etag");
      show(await answer.json());
    } else if (answer.status !== 304) throw new Error(String(answer.status));
    live(true, "live");
  } catch {
    live(false, "stopped; waiting for it");
  }
}

async function loop() {
  if (!document.hidden) await refresh();
  setTimeout(loop, 1000);
}
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) void refresh();
});
void loop();
