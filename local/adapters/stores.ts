import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { cache, prepareCaches } from "../../runtime/adapters/local/cache.ts";
import { type LocalObjectStore, objectStore } from "../../runtime/adapters/local/object-store.ts";
import { secrets } from "../../runtime/adapters/local/secrets.ts";
import { prepareSql, sql } from "../../runtime/adapters/local/sql.ts";
import { table } from "../../runtime/adapters/local/table.ts";
import { valkeyAt } from "../../runtime/adapters/valkey.ts";
import { type Folder, MiB, type Sql } from "../../spec/index.ts";
import { objectsPath, type ServedStore } from "../objects.ts";
import { objectSubscribersOf } from "../subscribers.ts";
import type { AdapterOptions } from "./options.ts";

/** An object store with what the host serves of it. */
export interface OpenObjectStore extends ServedStore {
  readonly store: LocalObjectStore;
  readonly folders: Readonly<Record<string, Folder>>;
}

export interface Stores {
  readonly tables: readonly string[];
  readonly objects: ReadonlyMap<string, OpenObjectStore>;
  /** Why a store cannot be used, by its name: a migration that fails, say. */
  readonly faults: ReadonlyMap<string, string>;
  /** Waits for what is at work in databases and caches, 5 s at most. */
  close(): Promise<void>;
}

/** What a form may bring where no folder says less. */
const mostBytes = 100 * MiB;
const signingKey = "object-urls";

const graceMs = 5_000;

/** Opens the stores of a system into `byName`, with its databases brought up to date. */
export async function openStores(
  options: AdapterOptions,
  byName: Map<string, object>,
): Promise<Stores> {
  const { system, pool, boss, folder, url } = options;
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
        events: { pool, boss, subscribers: objectSubscribersOf(system, name) },
      });
      const sizes = Object.values(spec.folders).map(({ maxBytes = mostBytes }) => maxBytes);
      const maxBytes = Math.max(...sizes, sizes.length > 0 ? 0 : mostBytes);
      objects.set(name, { store, key, maxBytes, folders: spec.folders });
      byName.set(name, store);
    }
  }
  const servers = await openServers(options, byName);
  return { tables, objects, ...servers };
}

/** Opens what speaks with a server by connections of its own: databases and caches. */
async function openServers(
  { system, root, databaseUrl: url }: AdapterOptions,
  byName: Map<string, object>,
): Promise<Pick<Stores, "faults" | "close">> {
  const faults = new Map<string, string>();
  const opened: { close(): Promise<void> }[] = [];
  const put = (name: string, adapter: object & { close(): Promise<void> }) => {
    byName.set(name, adapter);
    opened.push(adapter);
  };
  const openSql = async (name: string, { migrations }: Sql) => {
    try {
      await prepareSql({ name, url, migrations: path.resolve(root, migrations) });
      put(name, sql({ name, url }));
    } catch (error) {
      faults.set(name, (error as Error).message);
    }
  };
  // Caches are on a server of their own where there is one, or else in the host's database.
  const { REDIS_URL: server } = process.env;
  const stores = Object.entries(system.stores);
  if (!server && stores.some(([, { kind }]) => kind === "cache")) await prepareCaches({ url });
  await Promise.all(
    stores.map(async ([name, spec]) => {
      if (spec.kind === "sql") await openSql(name, spec);
      if (spec.kind === "cache")
        put(name, server ? valkeyAt({ name, url: server }) : cache({ name, url }));
    }),
  );
  const close = async () => {
    const closed = Promise.all(opened.map((one) => one.close()));
    await Promise.race([closed, wait(graceMs, undefined, { ref: false })]);
  };
  return { faults, close };
}
