import path from "node:path";
import type { Pool } from "pg";
import { identity } from "../runtime/adapters/local/identity.ts";
import { secrets } from "../runtime/adapters/local/secrets.ts";
import { documents } from "../runtime/adapters/local/table.ts";
import { workflow } from "../runtime/adapters/local/workflow.ts";
import type { QueueAdmin, Workflow } from "../runtime/ports/index.ts";
import { openChannels } from "./adapters/channels.ts";
import type { AdapterOptions } from "./adapters/options.ts";
import { openServices, type Services } from "./adapters/services.ts";
import { openStores, type Stores } from "./adapters/stores.ts";
import { positionsIn, readTotals } from "./counts.ts";
import type { PositionsOf } from "./dashboard/channels.ts";
import type { Adapters } from "./ports.ts";
import { type StateSources, shown } from "./state.ts";

/** Every adapter of a system on this machine, with what the host and the dashboard read of them. */
export interface OpenAdapters
  extends Adapters,
    Pick<Stores, "objects">,
    Services,
    Pick<StateSources, "tables" | "totals"> {
  /** How far readers of streams and change feeds are. */
  readonly positionsOf: PositionsOf;
  readonly queues: ReadonlyMap<string, QueueAdmin>;
  /** By the names of the workloads. */
  readonly workflows: ReadonlyMap<string, Workflow>;
  /** Absent where the system declares no identity. */
  readonly identity?: ReturnType<typeof identity>;
}

/** Makes an adapter for everything that has one; what has none is left out of `byName`. */
export async function openAdapters(options: AdapterOptions): Promise<OpenAdapters> {
  const { system, pool, folder } = options;
  const byName = new Map<string, object>();
  const stores = await openStores(options, byName);
  const { tables, objects } = stores;
  const queues = openChannels(options, byName);
  const workflows = new Map<string, Workflow>();
  for (const [name, { kind }] of Object.entries(system.workloads)) {
    if (kind !== "workflow") continue;
    const port = workflow({ name, pool });
    workflows.set(name, port);
    byName.set(name, port);
  }
  const services = await openServices(options, byName, queues);
  return {
    byName,
    faults: stores.faults,
    objects,
    queues,
    workflows,
    ...services,
    identity: openIdentity(options, byName, services.send),
    secrets: (names) => secrets({ names, folder: path.join(folder, "secrets") }),
    tables: () => listTables(tables, pool),
    totals: () => readTotals(pool),
    positionsOf: positionsIn(pool),
    async close() {
      await Promise.all([services.close(), stores.close()]);
    },
  };
}

function openIdentity(
  { system, pool, url, hooks }: AdapterOptions,
  byName: Map<string, object>,
  sendMail: Services["send"],
) {
  for (const [name, service] of Object.entries(system.services)) {
    if (service.kind !== "identity") continue;
    const adapter = identity({ name, pool, settings: service, issuer: url, hooks, sendMail });
    byName.set(name, adapter);
    return adapter;
  }
  return undefined;
}

const listTables = (names: readonly string[], pool: Pool) =>
  Promise.all(
    names.map(async (name) => {
      const listed = await documents({ name, pool, limit: shown.items + 1 });
      return {
        kind: "table" as const,
        name,
        items: listed.slice(0, shown.items).map(({ pk, sk, document }) => ({ pk, sk, document })),
        more: listed.length > shown.items,
      };
    }),
  );
