// Objects: a box for uploads, and what is stored with previews. Pictures come from the dashboard's
// own address, which sends nothing that a browser could run.

import { dim, h, keyed, number, ofTotal, plural, size, text, time } from "./dom.js";

const address = (store, key, etag) =>
  `api/objects/${encodeURIComponent(store)}/${encodeURIComponent(key)}${etag ? `?v=${encodeURIComponent(etag)}` : ""}`;

/** What people call it; the whole key is its title. */
const fileOf = (key) => key.slice(key.lastIndexOf("/", key.length - 2) + 1);

const nameOf = (key, prefix = "") => key.slice(prefix.length) || key;

export const storeCard = (refresh) => (first) => {
  const heading = dim();
  const folders = h("div", {});
  const card = h(
    "article",
    { class: "card" },
    h("div", { class: "head" }, h("h3", { class: "grow" }, first.name), heading),
    folders,
  );
  card.update = (store) => {
    text(heading, `${plural(store.total, "object")}${store.more ? " or more" : ""}`);
    keyed(
      folders,
      store.folders.map((folder) => ({ ...folder, store: store.name })),
      ({ prefix }) => prefix,
      folderPart(refresh),
    );
  };
  card.update(first);
  return card;
};

const folderPart = (refresh) => (first) => {
  const count = dim();
  const gallery = h("ul", { class: first.uploads ? "gallery uploads" : "gallery" });
  const title = [
    h("strong", {}, first.name || "elsewhere"),
    " ",
    h("span", { class: "code dim" }, first.prefix),
  ];
  const part = first.uploads
    ? h(
        "section",
        { class: "folder", "aria-label": `Folder ${first.name}` },
        h("p", { class: "bar" }, title, " ", count),
        uploadBox(first, refresh),
        gallery,
      )
    : h(
        "details",
        { class: "folder", "data-key": `folder ${first.prefix}` },
        h("summary", {}, h("span", { class: "grow" }, title), count),
        gallery,
      );
  part.update = (folder) => {
    text(count, ofTotal(folder.items.length, folder.total));
    const items = folder.items.map((item) => ({
      ...item,
      store: folder.store,
      prefix: folder.prefix,
    }));
    keyed(
      gallery,
      items,
      ({ key }) => key,
      figure,
      first.uploads ? undefined : "Nothing stored yet.",
    );
  };
  part.update(first);
  return part;
};

const figure = (item) => {
  const { store, key, prefix, bytes, modified, derived } = item;
  return h(
    "li",
    { class: derived ? "shot upload" : "shot" },
    preview(item, store, nameOf(key, prefix)),
    h(
      "div",
      { class: "about" },
      h("a", { class: "code", href: address(store, key), title: key }, fileOf(key)),
      dim(`${size(bytes)}, ${time(modified)}`),
    ),
    derived?.length > 0 &&
      h(
        "div",
        { class: "derived", role: "group", "aria-label": `Made of ${nameOf(key, prefix)}` },
        derived.map((one) =>
          h(
            "a",
            { href: address(store, one.key), title: one.key },
            preview(one, store, one.key),
            dim(size(one.bytes)),
          ),
        ),
      ),
  );
};

/** The picture itself, or a sign where there is none to show. */
function preview({ key, etag, image }, store, alt) {
  const sign = () => h("span", { class: "preview none", "aria-hidden": "true" }, extension(key));
  if (!image) return sign();
  return h("img", {
    class: "preview",
    src: address(store, key, etag),
    alt,
    loading: "lazy",
    decoding: "async",
    onerror: (event) => event.target.replaceWith(sign()),
  });
}

const extension = (key) => /\.([A-Za-z0-9]{1,5})$/.exec(key)?.[1] ?? "file";

function uploadBox(folder, refresh) {
  const { store, prefix, maxBytes, contentTypes } = folder;
  const outcomes = h("ul", { class: "outcomes", "aria-live": "polite" });
  const limits = [
    contentTypes ? contentTypes.join(", ") : "any type",
    maxBytes !== undefined && `up to ${size(maxBytes)}`,
  ];
  const upload = async (files) => {
    for (const file of files) {
      const line = h("li", {}, `${file.name}: storing …`);
      outcomes.prepend(line);
      const fault = faultOf(file, folder) ?? (await put(file, store, prefix));
      text(line, fault ? `${file.name}: refused. ${fault}` : `${file.name}: stored`);
      line.className = fault ? "fault" : "";
      while (outcomes.children.length > 5) outcomes.lastChild.remove();
    }
    await refresh();
  };
  const input = h("input", {
    type: "file",
    multiple: true,
    accept: contentTypes?.join(","),
    onchange: async (event) => {
      const files = [...event.target.files];
      event.target.value = "";
      await upload(files);
    },
  });
  const over = (on) => (event) => {
    event.preventDefault();
    box.classList.toggle("over", on);
  };
  const box = h(
    "label",
    {
      class: "drop",
      ondragover: over(true),
      ondragleave: over(false),
      ondrop: (event) => {
        over(false)(event);
        void upload([...event.dataTransfer.files]);
      },
    },
    input,
    h("span", {}, h("b", {}, "Choose files"), " or drop them here"),
    dim(limits.filter(Boolean).join(", ")),
  );
  return h("div", { class: "bar" }, box, outcomes);
}

/** What the folder has against a file; the host looks again. */
function faultOf({ type, size: bytes }, { contentTypes, maxBytes }) {
  const kind = type || "application/octet-stream";
  const fits = (one) =>
    one === kind || one === "*/*" || (one.endsWith("/*") && kind.startsWith(one.slice(0, -1)));
  if (contentTypes && !contentTypes.some(fits))
    return `It is of type ${kind}; the folder takes ${contentTypes.join(", ")}.`;
  if (maxBytes !== undefined && bytes > maxBytes)
    return `It has ${number(bytes)} bytes; the folder takes ${number(maxBytes)}.`;
  return undefined;
}

async function put(file, store, prefix) {
  try {
    const answer = await fetch(address(store, prefix + file.name), {
      method: "PUT",
      headers: { "content-type": file.type || "application/octet-stream" },
      body: file,
    });
    return answer.ok ? undefined : (await answer.json()).detail;
  } catch (error) {
    return `No answer: ${error.message}`;
  }
}
