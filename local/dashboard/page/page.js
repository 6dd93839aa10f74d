// The page: asks for the state each second and shows what changed.

import { containerCard } from "./containers.js";
import { byId, h, keyed, number, ofTotal, text } from "./dom.js";
import { mailRow, postRow } from "./messages.js";
import { storeCard } from "./objects.js";
import { channelRow, queueCard } from "./queues.js";
import { requestRow, routeRow } from "./routes.js";
import { scheduleRow, tick } from "./schedules.js";
import { tableCard, workloadRow } from "./system.js";
import { workflowCard } from "./workflows.js";

const sum = (list, pick) => list.reduce((total, one) => total + pick(one), 0);
const running = ({ executions }) => executions.filter(({ status }) => status === "running").length;
const perhaps = (count, total = count) => Math.max(count, total);

function figuresOf(state) {
  const { queues, workloads, workflows, totals } = state;
  const dead = sum(queues, (queue) => queue.dead);
  return [
    { label: "Requests", value: number(state.requests.total) },
    {
      label: "Running",
      value: number(workloads.filter(({ status }) => status === "running").length),
      of: `of ${workloads.length}`,
    },
    { label: "Waiting", value: number(sum(queues, (queue) => queue.waiting + queue.active)) },
    { label: "Dead letters", value: number(dead), bad: dead > 0 },
    workflows.length > 0 && { label: "Under way", value: number(sum(workflows, running)) },
    { label: "Mails", value: number(perhaps(state.mails.length, totals.mails)) },
    state.posts.length > 0 && {
      label: "Posts",
      value: number(perhaps(state.posts.length, totals.posts)),
    },
  ].filter(Boolean);
}

const figure = ({ label, value, of, bad }) =>
  h(
    "div",
    {},
    h("dt", {}, label),
    h("dd", { class: bad ? "bad" : "" }, value, of ? h("small", {}, ` ${of}`) : undefined),
  );

/** Counts of the navigation; undefined hides the section: the system has nothing of it. */
function countsOf(state) {
  const { queues, workloads, totals } = state;
  const dead = sum(queues, (queue) => queue.dead);
  const some = (list) => (list.length > 0 ? number(list.length) : undefined);
  const stored = sum(state.tables, ({ items, total }) => perhaps(items.length, total));
  return {
    workloads: `${workloads.filter(({ status }) => status === "running").length}/${workloads.length}`,
    containers: replicasOf(state),
    routes: some(state.routes),
    requests: number(state.requests.total),
    objects: some(state.objectStores) && number(sum(state.objectStores, ({ total }) => total)),
    workflows: some(state.workflows),
    schedules: some(state.schedules),
    queues: some(queues) && (dead > 0 ? `${number(dead)} dead` : number(queues.length)),
    channels: some(state.channels),
    mails: number(perhaps(state.mails.length, totals.mails)),
    posts: number(perhaps(state.posts.length, totals.posts)),
    documents: some(state.tables) && number(stored),
  };
}

/** Healthy replicas of all that are wanted; undefined where nothing has processes of its own. */
function replicasOf({ workloads }) {
  const all = workloads.flatMap(({ container }) => container?.replicas ?? []);
  const healthy = all.filter(({ status }) => status === "healthy").length;
  return workloads.some(({ container }) => container) ? `${healthy}/${all.length}` : undefined;
}

function showCounts(state) {
  for (const [section, count] of Object.entries(countsOf(state))) {
    const place = byId(`count-${section}`);
    text(place, count ?? "");
    place.className = count?.endsWith("dead") ? "count bad" : "count";
    place.parentElement.hidden = count === undefined;
    byId(section).hidden = count === undefined;
  }
  text(byId("shown-mails"), ofTotal(state.mails.length, state.totals.mails));
  text(byId("shown-posts"), ofTotal(state.posts.length, state.totals.posts));
  text(byId("shown-requests"), ofTotal(state.requests.recent.length, state.requests.total));
}

const byName = ({ name }) => name;
const route = routeRow(refresh);
const queue = queueCard(refresh);
const schedule = scheduleRow(refresh);
const workflow = workflowCard(refresh);
const store = storeCard(refresh);

function show(state) {
  text(byId("name"), state.system);
  document.title = `${state.system} · Spillway`;
  keyed(byId("figures"), figuresOf(state), ({ label }) => label, figure);
  showCounts(state);
  keyed(byId("workload-list"), state.workloads, byName, workloadRow, "No workloads are declared.");
  const contained = state.workloads.filter(({ container }) => container);
  keyed(byId("container-list"), contained, byName, containerCard);
  keyed(byId("route-list"), state.routes, (one) => `${one.method} ${one.path}`, route);
  keyed(byId("request-list"), state.requests.recent, ({ id }) => id, requestRow);
  byId("request-none").hidden = state.requests.recent.length > 0;
  keyed(byId("object-list"), state.objectStores, byName, store);
  keyed(byId("workflow-list"), state.workflows, byName, workflow);
  keyed(byId("schedule-list"), state.schedules, ({ workload }) => workload, schedule);
  keyed(byId("queue-list"), state.queues, byName, queue);
  keyed(byId("channel-list"), state.channels, (one) => `${one.kind} ${one.name}`, channelRow);
  keyed(byId("mail-list"), state.mails, ({ id }) => id, mailRow, "No mail was sent yet.");
  keyed(byId("post-list"), state.posts, ({ id }) => id, postRow, "Nothing was posted yet.");
  keyed(byId("table-list"), state.tables, byName, tableCard);
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
  if (!document.hidden) {
    await refresh();
    tick();
  }
  setTimeout(loop, 1000);
}
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) void refresh();
});
void loop();
