// How the page makes and updates elements. Everything that it shows may have been written by a
// stranger (documents, mails, messages), so it goes in as text, never as HTML.

export const byId = (id) => document.getElementById(id);

const svgNames = new Set(["svg", "g", "rect", "path", "text", "tspan", "title"]);

/** An element with properties and children; strings become text. */
export function h(name, properties = {}, ...children) {
  return made(document.createElement(name), properties, children);
}

/** The same for a part of a drawing. */
export function s(name, properties = {}, ...children) {
  if (!svgNames.has(name)) throw new Error(`no part of a drawing: ${name}`);
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  return made(element, properties, children);
}

function made(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(2).filter((child) => child !== undefined && child !== false));
  return element;
}

export const text = (element, value) => {
  if (element.textContent !== value) element.textContent = value;
};

/**
 * Shows items as the children of a container: an item that did not change keeps its element, and
 * with it what is open, typed or focused there. An element with a method `update` is told of the
 * change and stays; others are made anew.
 */
export function keyed(container, items, keyOf, render, empty) {
  const before = container.cache ?? new Map();
  const after = new Map();
  for (const item of items) {
    const key = keyOf(item);
    const json = JSON.stringify(item);
    const old = before.get(key);
    if (old?.json === json) after.set(key, old);
    else if (old?.element.update) {
      old.element.update(item);
      after.set(key, { json, element: old.element });
    } else after.set(key, { json, element: carryOver(old?.element, render(item)) });
  }
  container.cache = after;
  const elements = [...after.values()].map((entry) => entry.element);
  if (elements.length === 0 && empty) {
    container.none ??= h("p", { class: "empty" }, empty);
    elements.push(container.none);
  }
  const focus = document.activeElement;
  const path = container.contains(focus) ? focus.dataset.focus : undefined;
  place(container, elements);
  if (path && !container.contains(document.activeElement))
    container.querySelector(`[data-focus="${CSS.escape(path)}"]`)?.focus();
}

/** What stays is not touched: a frame that is moved loads again, a focus is lost. */
function place(container, elements) {
  const wanted = new Set(elements);
  for (const child of [...container.children]) if (!wanted.has(child)) child.remove();
  let at = container.firstElementChild;
  for (const element of elements) {
    if (element === at) at = at.nextElementSibling;
    else container.insertBefore(element, at);
  }
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

export const pretty = (value) => JSON.stringify(value, undefined, 2);
export const number = (value) => value.toLocaleString("en");
export const plural = (count, one, many = `${one}s`) =>
  `${number(count)} ${count === 1 ? one : many}`;

/** "50 of 1,234", or the number alone where all of them are shown. */
export const ofTotal = (count, total) =>
  total === undefined || total <= count ? number(count) : `${number(count)} of ${number(total)}`;

export const time = (at) => {
  const date = new Date(at);
  const clock = date.toLocaleTimeString("en-GB");
  return date.toDateString() === new Date().toDateString()
    ? clock
    : `${date.toLocaleDateString("en-CA")} ${clock}`;
};

export const size = (bytes) =>
  bytes < 1024
    ? `${bytes} B`
    : bytes < 1024 ** 2
      ? `${(bytes / 1024).toFixed(1)} KiB`
      : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

export const tag = (label, tone = "") => h("span", { class: `tag ${tone}` }, label);
export const meta = (...parts) => h("span", { class: "meta" }, parts);
export const dim = (...parts) => h("span", { class: "dim" }, parts);

let noticeTimer;
/** Says something for a while. */
export function notice(message) {
  text(byId("notice"), message);
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => text(byId("notice"), ""), 5000);
}

/**
 * Acts by POST, and says how it went.
 * @returns the answer's JSON, or undefined where it was refused
 */
export async function act(path, body, said) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const told = answer.status === 204 ? {} : await answer.json();
    notice(answer.ok ? said(told) : told.detail);
    return answer.ok ? told : undefined;
  } catch (error) {
    notice(`No answer: ${error.message}`);
    return undefined;
  }
}

/** Text in which web addresses are links. */
export function linked(words) {
  return words
    .split(/(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]])/)
    .map((part, index) => (index % 2 === 1 ? link(part, part) : part));
}

/** A link that opens in a tab of its own and tells it nothing of this page. */
export const link = (href, ...children) =>
  h("a", { href, target: "_blank", rel: "noopener noreferrer" }, children);
