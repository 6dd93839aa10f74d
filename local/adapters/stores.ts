import path from "node:path";
import { type LocalObjectStore, objectStore } from "../../runtime/adapters/local/object-store.ts";
import { secrets } from "../../runtime/adapters/local/secrets.ts";
import { table } from "../../runtime/adapters/local/table.ts";
import { type Folder, MiB, type System, sourceOf } from "../../spec/index.ts";
import { objectsPath, type ServedStore } from "../objects.ts";
import type { AdapterOptions } from "./options.ts";

/** An object store with what the host serves of it. */
export interface OpenObjectStore extends ServedStore {
  readonly store: LocalObjectStore;
  readonly folders: Readonly<Record<string, Folder>>;
}

export interface Stores {
  readonly tables: readonly string[];
  readonly objects: ReadonlyMap<string, OpenObjectStore>;
}

/** What a form may bring where no folder says less. */
const mostBytes = 100 * MiB;
const signingKey = "object-urls";

/** Opens the tables and object stores of a system into `byName`. */
export function openStores(
  { system, pool, boss, folder, url }: AdapterOptions,
  byName: Map<string, object>,
): Stores {
  const tables: string[] = [];
  const objects = new Map<string, OpenObjectStore>();
  // Made once and kept: a URL outlives a restart.
  const keys = secrets({ names: [signingKey], folder: path.join(folder, "keys") });
  const key = () => keys.get(signingKey);
  for (const [name, spec] of Object.entries(system.stores)) {
    if (spec.kind === "table") {
      tables.push(name);
      byName.set(name, table({ name, pool }));
    } else if (spec.kind === "objectStore") {
      const store = objectStore({
        name,
        folder: path.join(folder, "objects", name),
        signing: { base: `${url}${objectsPath}/${name}`, key },
        events: { pool, boss, subscribers: subscribersOf(system, name) },
      });
      const sizes = Object.values(spec.folders).map(({ maxBytes = mostBytes }) => maxBytes);
      const maxBytes = Math.max(...sizes, sizes.length > 0 ? 0 : mostBytes);
      objects.set(name, { store, key, maxBytes, folders: spec.folders });
      byName.set(name, store);
    }
  }
  return { tables, objects };
}

/** The queues that hear of a store's objects. */
const subscribersOf = (system: System, store: string) =>
  Object.entries(system.workloads).flatMap(([name, workload]) => {
    const source = sourceOf(system, name);
    return workload.kind === "onObject" && workload.store === store && source?.via === "queue"
      ? [{ prefix: workload.prefix, queue: source.queue, options: source.options }]
      : [];
  });
