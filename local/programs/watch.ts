import { type FSWatcher, readdirSync, readFileSync, statSync, watch } from "node:fs";
import path from "node:path";
import { sha256 } from "../../components/shared/bundle-cache.ts";

/** How long files have to be left alone before it is looked what has changed, in milliseconds. */
const settleMs = 100;

/** Looks after files, by the name of what they make up. */
export interface Watcher {
  /**
   * Watches these files, and what lies in these folders, for a name.
   * @param since when they were read, as Date.now says it: a later change is told at once
   */
  set(name: string, watched: Watched, since?: number): void;
  close(): void;
}
export interface Watched {
  readonly files: readonly string[];
  /** All that is in them counts, also what is not there yet. */
  readonly folders?: readonly string[];
}

/**
 * Tells whose files have changed in their content, once they have been left alone for a moment.
 * Folders are watched, not files, for editors put new files in the place of old ones. What lies in
 * node_modules is left out: an installation is followed by a start.
 */
export function startWatcher(onChange: (names: readonly string[]) => void): Watcher {
  const known = new Map<string, { readonly watched: Watched; readonly mark: string }>();
  const watchers = new Map<string, FSWatcher>();
  let timer: NodeJS.Timeout | undefined;

  const look = () => {
    const changed: string[] = [];
    for (const [name, { watched, mark }] of known) {
      const now = markOf(watched);
      if (now === mark) continue;
      known.set(name, { watched, mark: now });
      changed.push(name);
    }
    if (changed.length > 0) onChange(changed);
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(look, settleMs);
  };
  const follow = (folder: string) => {
    if (watchers.has(folder)) return;
    try {
      const watcher = watch(folder, { persistent: false }, soon);
      watcher.on("error", () => watchers.delete(folder));
      watchers.set(folder, watcher);
    } catch {
      // It is gone, or there are no more watches to be had: this folder is not followed.
    }
  };

  return {
    set(name, given, since = Date.now()) {
      const watched = { ...given, files: given.files.filter((file) => !isInstalled(file)) };
      const isStale = filesOf(watched).some((file) => changedAt(file) > since);
      known.set(name, { watched, mark: isStale ? "" : markOf(watched) });
      if (isStale) soon();
      for (const file of filesOf(watched)) follow(path.dirname(file));
      for (const folder of watched.folders ?? []) follow(folder);
    },
    close() {
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

const isInstalled = (file: string): boolean => file.split(path.sep).includes("node_modules");

function filesOf({ files, folders = [] }: Watched): readonly string[] {
  return [...new Set([...files, ...folders.flatMap(contentOf)])].sort();
}

function contentOf(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .filter((file) => !isInstalled(file));
  } catch {
    return [];
  }
}

function changedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Of the content of all files: another one says that something has changed. */
function markOf(watched: Watched): string {
  const marks = filesOf(watched).map((file) => {
    try {
      return `${file} ${sha256(readFileSync(file))}`;
    } catch {
      return `${file} absent`;
    }
  });
  return sha256(marks.join("\n"));
}
