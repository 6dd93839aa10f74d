// Schedules: when they run next, here and in their own zone, and a run by hand.

import { act, dim, h, text, time } from "./dom.js";

export const scheduleRow = (refresh) => (schedule) => {
  const { workload, cron, timeZone, nextRun, lastRun } = schedule;
  const run = async (event) => {
    const button = event.target;
    button.disabled = true;
    const path = `api/schedules/${encodeURIComponent(workload)}/run`;
    await act(path, {}, () => `A run of ${workload} is on its way`);
    button.disabled = false;
    await refresh();
  };
  return h(
    "article",
    { class: "schedule" },
    h("div", {}, h("h3", {}, workload), h("span", { class: "code dim" }, cron), " ", dim(timeZone)),
    h(
      "dl",
      {},
      h("dt", {}, "Next"),
      h("dd", {}, nextRun ? next(nextRun, timeZone) : "never again"),
      h("dt", {}, "Last"),
      h("dd", {}, lastRun ? moment(lastRun, time(lastRun)) : "not yet"),
    ),
    h(
      "button",
      { type: "button", onclick: run, "data-focus": "run", "aria-label": `Run ${workload} now` },
      "Run now",
    ),
  );
};

const moment = (at, words) => h("time", { datetime: at }, words);

const here = Intl.DateTimeFormat().resolvedOptions().timeZone;

function next(at, timeZone) {
  const there = new Date(at).toLocaleString("en-GB", {
    timeZone,
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "short",
  });
  return [
    moment(at, there),
    timeZone !== here && dim(`${time(at)} here`),
    h("span", { class: "dim", "data-until": at }, until(at)),
  ];
}

/** Such as "in 3 h 12 min". */
function until(at) {
  const seconds = Math.max(0, Math.round((Date.parse(at) - Date.now()) / 1000));
  const [days, hours, minutes] = [86_400, 3600, 60].map((unit, index, units) =>
    Math.floor((index === 0 ? seconds : seconds % units[index - 1]) / unit),
  );
  if (days > 0) return `in ${days} d ${hours} h`;
  if (hours > 0) return `in ${hours} h ${minutes} min`;
  return minutes > 0 ? `in ${minutes} min` : `in ${seconds} s`;
}

/** Times to come come nearer though the state stays the same. */
export function tick() {
  for (const element of document.querySelectorAll("[data-until]"))
    text(element, until(element.dataset.until));
}
