import path from "node:path";
import type { Pool } from "pg";
import type { Boss } from "../runtime/adapters/local/boss.ts";
import { identity } from "../runtime/adapters/local/identity.ts";
import { mailer } from "../runtime/adapters/local/mailer.ts";
import { objectStore } from "../runtime/adapters/local/object-store.ts";
import { queue, queueAdmin } from "../runtime/adapters/local/queue.ts";
import { secrets } from "../runtime/adapters/local/secrets.ts";
import { documents, table } from "../runtime/adapters/local/table.ts";
import type { IdentityHooks, ObjectStore, QueueAdmin } from "../runtime/ports/index.ts";
import type { System } from "../spec/index.ts";
import type { Adapters } from "./ports.ts";
import { type StateSources, shown } from "./state.ts";

export interface AdapterOptions {
  readonly system: System;
  readonly pool: Pool;
  readonly boss: Boss;
  /** The data folder. */
  readonly folder: string;
  /** Of the gateway, which is the issuer of the tokens too. */
  readonly url: string;
  /** Read at each sign-up and sign-in: filled as the workloads are loaded. */
  readonly hooks: IdentityHooks;
}

type Lists = Pick<StateSources, "tables" | "objectStores" | "mails">;

/** Every adapter of a system on this machine, with what the host and the dashboard read of them. */
export interface OpenAdapters extends Adapters, Lists {
  readonly queues: ReadonlyMap<string, QueueAdmin>;
  /** Absent where the system declares no identity. */
  readonly identity?: ReturnType<typeof identity>;
}

/** Makes an adapter for everything that has one; what has none is left out of `byName`. */
export function openAdapters(options: AdapterOptions): OpenAdapters {
  const { system, pool, boss, folder, url, hooks } = options;
  const byName = new Map<string, object>();
  const queues = new Map<string, QueueAdmin>();
  const tables: string[] = [];
  const objectStores = new Map<string, ObjectStore>();
  const mailers: ReturnType<typeof mailer>[] = [];
  let issuer: ReturnType<typeof identity> | undefined;

  for (const [name, store] of Object.entries(system.stores)) {
    if (store.kind === "table") {
      tables.push(name);
      byName.set(name, table({ name, pool }));
    } else if (store.kind === "objectStore") {
      const adapter = objectStore({ name, folder: path.join(folder, "objects", name) });
      objectStores.set(name, adapter);
      byName.set(name, adapter);
    }
  }
  for (const [name, channel] of Object.entries(system.channels)) {
    if (channel.kind !== "queue") continue;
    queues.set(name, queueAdmin({ name, boss, options: channel }));
    byName.set(name, queue({ name, boss, options: channel }));
  }
  const services = Object.entries(system.services);
  for (const [name, service] of services) {
    if (service.kind === "edge") byName.set(name, { url });
    if (service.kind !== "mailer") continue;
    const adapter = mailer({ name, pool, from: service.from });
    mailers.push(adapter);
    byName.set(name, adapter);
  }
  for (const [name, service] of services) {
    if (service.kind !== "identity") continue;
    // Codes go out by the system's mailer; without one they are captured all the same.
    if (mailers.length === 0) mailers.push(mailer({ name, pool, from: "no-reply@localhost" }));
    const sendMail = mailers[0]?.send;
    if (!sendMail) continue;
    const adapter = identity({ name, pool, settings: service, issuer: url, hooks, sendMail });
    issuer ??= adapter;
    byName.set(name, adapter);
  }
  return {
    byName,
    queues,
    identity: issuer,
    secrets: (names) => secrets({ names, folder: path.join(folder, "secrets") }),
    tables: () => listTables(tables, pool),
    objectStores: () => listObjects(objectStores),
    mails: async (limit) => {
      const captured = await Promise.all(mailers.map((one) => one.captured(limit)));
      return captured
        .flat()
        .sort((a, b) => b.at.getTime() - a.at.getTime())
        .slice(0, limit);
    },
  };
}

async function listTables(names: readonly string[], pool: Pool) {
  const listed = await documents({ pool, limit: shown.items + 1 });
  return names.map((name) => ({
    kind: "table" as const,
    name,
    items: listed
      .slice(0, shown.items)
      .filter((one) => one.table === name)
      .map(({ pk, sk, document }) => ({ pk, sk, document })),
    more: listed.length > shown.items,
  }));
}

const listObjects = (stores: ReadonlyMap<string, ObjectStore>) =>
  Promise.all(
    [...stores].map(async ([name, store]) => {
      const { objects, cursor } = await store.list("", { limit: shown.items });
      return {
        kind: "objectStore" as const,
        name,
        items: objects,
        more: cursor !== undefined,
      };
    }),
  );
