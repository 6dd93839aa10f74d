// Workflows: a picture of the execution that is chosen (else the newest), the others to choose
// from, and a form to start one.

import { act, dim, h, keyed, number, ofTotal, plural, pretty, tag, text, time } from "./dom.js";
import { picture } from "./picture.js";

const narrow = matchMedia("(max-width: 56rem)");
const tones = { running: "blue", done: "good", compensated: "warn", stuck: "bad" };
const stepTones = { running: "blue", done: "good", failed: "bad", compensated: "warn" };

export const workflowCard = (refresh) => (first) => {
  let workflow = first;
  let chosen;
  const heading = dim();
  const view = h("div", { class: "execution" });
  const list = h("ul", { class: "executions", "aria-label": `Executions of ${first.name}` });

  const show = () => {
    const { executions } = workflow;
    const current = executions.find(({ id }) => id === chosen) ?? executions[0];
    text(heading, `${plural(workflow.steps.length, "step")}, ${counted(workflow)}`);
    view.replaceChildren(...execution(workflow, current));
    const rows = executions.map((one) => ({ ...one, current: one.id === current?.id }));
    keyed(list, rows, ({ id }) => id, row);
    list.hidden = executions.length === 0;
  };
  const choose = (id) => {
    chosen = id;
    show();
  };
  const row = (one) =>
    h(
      "li",
      {},
      h(
        "button",
        {
          type: "button",
          class: "row",
          "data-focus": one.id,
          "aria-current": one.current && "true",
          onclick: () => choose(one.id),
        },
        h("span", { class: "code grow" }, one.id),
        tag(one.status, tones[one.status]),
        dim(time(one.startedAt)),
      ),
    );
  const started = async (id) => {
    chosen = id;
    await refresh();
  };
  const card = h(
    "article",
    { class: "card workflow" },
    h("div", { class: "head" }, h("h3", { class: "grow" }, first.name), heading),
    view,
    list,
    startForm(first, started, () => workflow.executions[0]?.input),
  );
  card.update = (changed) => {
    workflow = changed;
    show();
  };
  narrow.addEventListener("change", show);
  show();
  return card;
};

const counted = ({ executions, total }) =>
  executions.length === 0
    ? "never started"
    : `${ofTotal(executions.length, total)} ${executions.length === 1 ? "execution" : "executions"}`;

function execution(workflow, current) {
  const drawing = picture(workflow, current, narrow.matches);
  if (!current) return [drawing];
  const begun = current.steps.filter(({ state }) => state !== "pending");
  return [
    h(
      "p",
      { class: "bar" },
      h("strong", { class: "code" }, current.id),
      " ",
      tag(current.status, tones[current.status]),
      " ",
      dim(lasted(current)),
    ),
    drawing,
    h("ol", { class: "steps" }, begun.map(stepRow)),
    h(
      "details",
      { class: "input", "data-key": `input ${current.id}` },
      h("summary", {}, "Input"),
      h("div", { class: "body" }, h("pre", { tabindex: "0" }, pretty(current.input))),
    ),
  ];
}

const lasted = ({ startedAt, endedAt }) =>
  endedAt
    ? `${time(startedAt)}, took ${number((Date.parse(endedAt) - Date.parse(startedAt)) / 1000)} s`
    : `since ${time(startedAt)}`;

const stepRow = ({ name, state, tries, reason, nextTryAt }) =>
  h(
    "li",
    {},
    h("strong", {}, name),
    tag(state === "compensated" ? "done, then undone" : state, stepTones[state]),
    tries > 1 && dim(`${tries} tries`),
    nextTryAt && dim(`next try at ${time(nextTryAt)}`),
    reason && h("span", { class: "reason" }, reason),
  );

function startForm({ name }, started, lastInput) {
  const input = h("textarea", { name: "input", spellcheck: "false", required: true }, "{}");
  const id = h("input", { name: "id", autocomplete: "off", placeholder: "a random one" });
  const fault = h("p", { class: "fault", role: "alert" });
  const submit = async (event) => {
    event.preventDefault();
    let value;
    try {
      value = JSON.parse(input.value);
    } catch (error) {
      text(fault, `This is no JSON: ${error.message}`);
      return;
    }
    text(fault, "");
    const path = `api/workflows/${encodeURIComponent(name)}/executions`;
    const asked = { ...(id.value && { id: id.value }), input: value };
    const answer = await act(path, asked, (told) =>
      told.started ? `Started ${told.id}` : `${told.id} was started before`,
    );
    if (answer) await started(answer.id);
  };
  const opened = (event) => {
    const last = lastInput();
    // What was typed stays.
    if (event.target.open && last && input.value === "{}") input.value = pretty(last);
  };
  return h(
    "details",
    { class: "start", "data-key": `start ${name}`, ontoggle: opened },
    h("summary", {}, "Start one"),
    h(
      "form",
      { class: "body try", onsubmit: submit },
      h("label", {}, "Input (JSON)", input),
      h("label", {}, "Id", id),
      fault,
      h("div", { class: "actions" }, h("button", { class: "main" }, "Start")),
    ),
  );
}
