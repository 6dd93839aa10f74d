// A workflow as a picture: its steps in a row (a column where the page is narrow), what undoes them
// beside them, and how far an execution has come.

import { h, s } from "./dom.js";

const box = { width: 136, height: 52 };
const gap = { along: 32, across: 40 };
/** What fits into a box. */
const letters = 16;
const short = (name) => (name.length > letters ? `${name.slice(0, letters - 1)}…` : name);

const words = {
  pending: "",
  running: "running",
  done: "done",
  failed: "failed",
  compensated: "undone",
  skipped: "not needed",
};
const ends = {
  running: "running",
  done: "done",
  compensated: "compensated",
  stuck: "stuck",
};

/**
 * @param workflow of the state: steps, compensations, onFailure
 * @param execution to show; without one, the declaration
 * @param upright steps below each other
 */
export function picture(workflow, execution, upright) {
  const states = new Map(execution?.steps.map((step) => [step.name, step]));
  const { nodes, lines, columns } = layout(workflow, execution);
  const along = (upright ? box.height : box.width) + gap.along;
  const across = (upright ? box.width : box.height) + gap.across;
  const place = ({ column, row }) =>
    upright
      ? { x: row * across + 2, y: column * along + 2 }
      : { x: column * along + 2, y: row * across + 2 };
  const rows = nodes.some((node) => node.row === 1) ? 2 : 1;
  const long = columns * along - gap.along + 4;
  const wide = rows * across - gap.across + 4;
  const [width, height] = upright ? [wide, long] : [long, wide];
  return h(
    "div",
    { class: "picture", tabindex: "0", role: "group", "aria-label": "Picture of the steps" },
    s(
      "svg",
      {
        width,
        height,
        viewBox: `0 0 ${width} ${height}`,
        role: "img",
        "aria-label": told(workflow, execution, states),
      },
      lines.map(([from, to]) => line(from, to, place, upright)),
      nodes.map((node) => drawn(node, place(node), states.get(node.name))),
    ),
  );
}

/** Where each box stands: column along the steps, row 1 for what undoes them. */
function layout({ steps, compensations, onFailure }, execution) {
  const nodes = steps.map(({ name }, column) => ({ name, column, row: 0, kind: "step" }));
  const lines = nodes.slice(1).map((node, index) => [nodes[index], node]);
  for (const [column, { compensate }] of steps.entries()) {
    if (compensate === undefined) continue;
    const known = nodes.find((node) => node.name === compensate);
    const undo = known ?? { name: compensate, column, row: 1, kind: "compensation" };
    if (!known) nodes.push(undo);
    lines.push([nodes[column], undo]);
  }
  const end = { name: "", column: steps.length, row: 0, kind: "end", status: execution?.status };
  lines.push([nodes[steps.length - 1], end]);
  nodes.push(end);
  const apart = compensations.filter(({ name }) => !nodes.some((node) => node.name === name));
  for (const { name } of apart) {
    const taken = nodes.filter((node) => node.row === 1).map((node) => node.column);
    const last = name === onFailure ? steps.length : steps.length - 1;
    let column = last;
    while (taken.includes(column)) column++;
    const kind = name === onFailure ? "onFailure" : "compensation";
    const node = { name, column, row: 1, kind };
    nodes.push(node);
    if (name === onFailure) lines.push([end, node]);
  }
  return { nodes, lines, columns: Math.max(...nodes.map((node) => node.column)) + 1 };
}

function line(from, to, place, upright) {
  const [a, b] = [place(from), place(to)];
  const sideways = from.row === to.row ? !upright : upright;
  const [x, y] = sideways
    ? [a.x + box.width, a.y + box.height / 2]
    : [a.x + box.width / 2, a.y + box.height];
  const [toX, toY] = sideways ? [b.x, b.y + box.height / 2] : [b.x + box.width / 2, b.y];
  const head = sideways
    ? `M${toX - 6} ${toY - 4}L${toX} ${toY}L${toX - 6} ${toY + 4}`
    : `M${toX - 4} ${toY - 6}L${toX} ${toY}L${toX + 4} ${toY - 6}`;
  // What undoes a shared step stands under another: around the corner to it.
  const middle = sideways ? `H${(x + toX) / 2}V${toY}H${toX}` : `V${(y + toY) / 2}H${toX}V${toY}`;
  return [
    s("path", { class: from.row === to.row ? "way" : "way back", d: `M${x} ${y}${middle}` }),
    s("path", { class: "way", d: head }),
  ];
}

function drawn(node, { x, y }, step) {
  const middle = x + box.width / 2;
  if (node.kind === "end") {
    const label = ends[node.status] ?? "end";
    return s(
      "g",
      { class: `node end ${node.status ?? "pending"}` },
      s("rect", { x: x + 8, y: y + 10, width: box.width - 16, height: 32, rx: 16 }),
      s("text", { x: middle, y: y + 31, "text-anchor": "middle" }, label),
    );
  }
  const state = step?.state ?? "pending";
  const below = step && state !== "pending" ? fared(step) : kinds[node.kind];
  return s(
    "g",
    { class: `node ${node.kind} ${state}` },
    s("title", {}, [node.name, below, step?.reason].filter(Boolean).join(": ")),
    s("rect", { x, y, width: box.width, height: box.height, rx: 8 }),
    s(
      "text",
      { class: "name", x: middle, y: y + (below ? 22 : 31), "text-anchor": "middle" },
      short(node.name),
    ),
    below && s("text", { class: "state", x: middle, y: y + 40, "text-anchor": "middle" }, below),
  );
}

const kinds = { compensation: "undoes it", onFailure: "on failure" };

/** How a step fares, in a few words. */
function fared({ state, tries, nextTryAt }) {
  if (nextTryAt) return `waits, try ${tries + 1}`;
  const number = state === "running" ? tries + 1 : tries;
  return number > 1
    ? `${words[state]}, ${state === "running" ? "try" : "tries:"} ${number}`
    : words[state];
}

/** The picture in words. */
function told({ steps }, execution, states) {
  if (!execution) return `Steps: ${steps.map((step) => step.name).join(", ")}`;
  const list = [...states.values()]
    .filter(({ state }) => state !== "pending")
    .map((step) => `${step.name} ${words[step.state]}`);
  return `${execution.id} is ${ends[execution.status]}: ${list.join(", ") || "nothing begun"}`;
}
