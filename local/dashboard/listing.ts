import type { ObjectInfo, ObjectStore } from "../../runtime/ports/index.ts";
import type { Folder } from "../../spec/index.ts";

/** An object store as it is declared, and the port that reads and fills it. */
export interface ObjectSource {
  readonly folders: Readonly<Record<string, Folder>>;
  readonly store: Pick<ObjectStore, "get" | "put" | "list">;
}

export interface ObjectItem extends Omit<ObjectInfo, "contentType"> {
  /** Whether a browser can show it as a picture. */
  readonly image: boolean;
}

/** A declared folder of an object store, or (prefix "") what lies in none of them. */
export interface FolderState {
  readonly name: string;
  readonly prefix: string;
  readonly maxBytes?: number;
  readonly contentTypes?: readonly string[];
  /** Whether clients may put objects here: a folder with limits. */
  readonly uploads: boolean;
  readonly total: number;
  /** Newest first; of an upload also what was made of it, as far as the keys tell. */
  readonly items: readonly (ObjectItem & { readonly derived?: readonly ObjectItem[] })[];
}

export interface ObjectStoreState {
  readonly kind: "objectStore";
  readonly name: string;
  readonly total: number;
  /** Whether there are more than were counted. */
  readonly more: boolean;
  readonly folders: readonly FolderState[];
}

type Listed = Omit<ObjectInfo, "contentType">;

/** Most keys of a store that are looked at. */
const mostKeys = 10_000;
/** Largest object whose type is looked up for a preview, in bytes. */
const mostBytes = 32 * 1024 * 1024;
/** Types that are remembered, of each store. */
const mostTypes = 1000;

/**
 * Types that browsers show in place. SVG is none of them: opened by itself it is a document that
 * can hold scripts.
 */
const pictures = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"];

/** The picture's type as it may be sent to a browser, or `undefined` for anything else. */
export const pictureType = (contentType: string): string | undefined => {
  const type = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
  return pictures.includes(type) ? type : undefined;
};

export interface ObjectListing {
  read(): Promise<readonly ObjectStoreState[]>;
  /** Something was stored: what was listed before is not shown again. */
  renew(): void;
}

/**
 * What is in the object stores. A listing opens every file, so it is kept for ten times as long as
 * it took: the dashboard never costs more than a tenth of a processor.
 * @param newest objects that are shown of each folder
 */
export function objectListing(
  sources: ReadonlyMap<string, ObjectSource>,
  newest: number,
): ObjectListing {
  const stores = [...sources].map(([name, source]) => {
    const isPicture = pictureTest(source.store);
    let kept: { readonly until: number; readonly state: Promise<ObjectStoreState> } | undefined;
    return {
      read() {
        if (kept && performance.now() < kept.until) return kept.state;
        const began = performance.now();
        const state = listStore(name, source, newest, isPicture);
        const mine = { until: Number.POSITIVE_INFINITY, state };
        kept = mine;
        state.then(
          () => {
            const now = performance.now();
            if (kept === mine) kept = { until: now + 10 * (now - began), state };
          },
          () => {
            if (kept === mine) kept = undefined;
          },
        );
        return state;
      },
      renew() {
        kept = undefined;
      },
    };
  });
  return {
    read: () => Promise.all(stores.map((store) => store.read())),
    renew: () => {
      for (const store of stores) store.renew();
    },
  };
}

/** Whether an object is a picture: listings do not say, so each version is read once. */
function pictureTest(store: ObjectSource["store"]) {
  const known = new Map<string, boolean>();
  return async ({ key, etag, bytes }: Listed): Promise<boolean> => {
    if (bytes > mostBytes) return false;
    const version = JSON.stringify([key, etag]);
    const answer = known.get(version);
    if (answer !== undefined) return answer;
    const object = await store.get(key);
    const image = object !== undefined && pictureType(object.contentType) !== undefined;
    if (known.size >= mostTypes) known.clear();
    known.set(version, image);
    return image;
  };
}

async function listStore(
  name: string,
  { store, folders }: ObjectSource,
  newest: number,
  isPicture: (object: Listed) => Promise<boolean>,
): Promise<ObjectStoreState> {
  const objects: Listed[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list("", { limit: 1000, cursor });
    objects.push(...page.objects);
    cursor = page.cursor;
  } while (cursor !== undefined && objects.length < mostKeys);
  objects.sort((a, b) => b.modified.getTime() - a.modified.getTime());

  const item = async (object: Listed): Promise<ObjectItem> => {
    const { key, bytes, etag, modified } = object;
    return { key, bytes, etag, modified, image: await isPicture(object) };
  };
  const state = async ({ name, folder, mine }: Sorted): Promise<FolderState> => {
    const uploads = acceptsUploads(folder);
    const others = uploads ? objects.filter(({ key }) => !key.startsWith(folder.prefix)) : [];
    const items = mine.slice(0, newest).map(async (object) => {
      if (!uploads) return item(object);
      const derived = derivedFrom(object.key.slice(folder.prefix.length), others);
      return { ...(await item(object)), derived: await Promise.all(derived.map(item)) };
    });
    return { name, ...folder, uploads, total: mine.length, items: await Promise.all(items) };
  };
  return {
    kind: "objectStore",
    name,
    total: objects.length,
    more: cursor !== undefined,
    folders: await Promise.all(byFolder(folders, objects).map(state)),
  };
}

/** Whether clients may put objects into a folder: it says what it takes. */
export const acceptsUploads = ({ maxBytes, contentTypes }: Folder): boolean =>
  maxBytes !== undefined || contentTypes !== undefined;

interface Sorted {
  readonly name: string;
  readonly folder: Folder;
  readonly mine: readonly Listed[];
}

/** Objects by their folders; what lies in none comes last, where there is something. */
function byFolder(folders: Readonly<Record<string, Folder>>, objects: readonly Listed[]): Sorted[] {
  const declared = Object.entries(folders).map(([name, folder]) => ({
    name,
    folder,
    mine: objects.filter(({ key }) => key.startsWith(folder.prefix)),
  }));
  const prefixes = Object.values(folders).map((folder) => folder.prefix);
  const rest = objects.filter(({ key }) => !prefixes.some((prefix) => key.startsWith(prefix)));
  if (declared.length > 0 && rest.length === 0) return declared;
  return [...declared, { name: "", folder: { prefix: "" }, mine: rest }];
}

/** Most objects that are shown beside the upload of which they were made. */
const mostDerived = 6;

/**
 * Objects that were made of an upload, as far as their keys tell: they hold its name as a whole
 * part, with its extension or, where none does, without it.
 * @param name the upload's key, without its folder's prefix
 */
export function derivedFrom<T extends { readonly key: string }>(
  name: string,
  others: readonly T[],
): readonly T[] {
  const holding = (part: string) =>
    others.filter(({ key }) => holdsWhole(key, part)).slice(0, mostDerived);
  const full = holding(name);
  return full.length > 0 ? full : holding(name.replace(/\.[^./]*$/, ""));
}

/** Whether a text holds another with no letter or digit next to it. */
function holdsWhole(text: string, part: string): boolean {
  if (part === "") return false;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1))
    if (
      !/[\p{L}\p{N}]$/u.test(text.slice(0, at)) &&
      !/^[\p{L}\p{N}]/u.test(text.slice(at + part.length))
    )
      return true;
  return false;
}
