import path from "node:path";
import { openBoss } from "../runtime/adapters/local/boss.ts";
import { migrate, startPostgres } from "../runtime/adapters/local/postgres.ts";
import { queueConsumer } from "../runtime/adapters/local/queue.ts";
import type { IdentityHooks } from "../runtime/ports/index.ts";
import { declaredEdge, type Queue, type System } from "../spec/index.ts";
import { giveBackAbandoned } from "./abandoned.ts";
import { type OpenAdapters, openAdapters } from "./adapters.ts";
import { dashboard, dashboardPath } from "./dashboard/dashboard.ts";
import { describeRoutes, describeWorkloads } from "./describe.ts";
import { gateway } from "./gateway/gateway.ts";
import { RecentRequests } from "./gateway/requests.ts";
import { gatewayRoutes } from "./gateway/routes.ts";
import { issuerOf } from "./issuer.ts";
import { type Listening, listen } from "./listen.ts";
import { lockFolder } from "./lock.ts";
import { startPump, type Trouble } from "./pump.ts";
import { type LocalSettings, prepareDataFolder } from "./settings.ts";
import { readState, sharedState } from "./state.ts";
import { type Loaded, loadWorkload } from "./workloads.ts";

export interface HostOptions {
  readonly system: System;
  /** The project's folder: workloads' code is found from here. */
  readonly root: string;
  readonly settings: LocalSettings;
}

export interface Host {
  readonly url: string;
  /** Ends what runs, then everything that was started. What was answered stays stored. */
  stop(): Promise<void>;
}

/** Says in one line what went wrong; stdout is for `ready`. */
const warn = (line: string) => console.error(line);

/**
 * Runs a system on this machine: gateway, consumers and dashboard in this process, on a Postgres
 * of its own or the one of DATABASE_URL.
 * @throws {StartFault} for a port or a folder that cannot be had; what was started is ended first
 */
export async function startHost({ system, root, settings }: HostOptions): Promise<Host> {
  const folder = settings.dataFolder;
  // In the order of their starts; ended from the last to the first.
  const ends: (() => unknown)[] = [];
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    prepareDataFolder(folder);
    ends.push(lockFolder(folder));
    const listening = await listen(settings.port);
    ends.push(() => listening.drain());
    const postgres = await startPostgres(path.join(folder, "postgres"));
    ends.push(() => postgres.stop());
    await migrate(postgres.pool);
    const boss = await openBoss(postgres.pool);
    ends.push(() => boss.stop());
    if (!settings.databaseUrl) await giveBackAbandoned(boss, Object.keys(system.channels));

    const hooks: IdentityHooks = {};
    const { url } = listening;
    const adapters = openAdapters({ system, boss, pool: postgres.pool, folder, url, hooks });
    const loaded = await loadAll(system, root, adapters);
    for (const [name, one] of loaded) {
      if (one.status === "failed") warn(`workload "${name}": ${one.reason}`);
      else if (one.status === "running" && one.run.kind === "onIdentity")
        Object.assign(hooks, one.run.hooks);
    }
    const pumps = [...loaded].flatMap(([name, one]) => {
      if (one.status !== "running" || one.run.kind !== "onMessage") return [];
      const { queue, batch, handler } = one.run;
      const options = system.channels[queue] as Queue;
      const consumer = queueConsumer({ name: queue, boss, options });
      return [startPump({ consumer, handler, batch, onTrouble: warnOf(name) })];
    });
    ends.push(() => Promise.all(pumps.map((pump) => pump.stop())));

    serve(system, listening, adapters, loaded);
    // Requests end before the pumps do, and those before the database.
    ends.push(() => listening.drain());
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function loadAll(system: System, root: string, adapters: OpenAdapters) {
  const names = Object.keys(system.workloads);
  const loaded = await Promise.all(
    names.map(async (name) => [name, await loadWorkload(system, name, root, adapters)] as const),
  );
  return new Map<string, Loaded>(loaded);
}

const warnOf =
  (workload: string) =>
  ({ outcome, error }: Trouble) => {
    const words = { retry: "tried again", reject: "set aside", receive: "not received" };
    warn(
      `workload "${workload}": message ${words[outcome]}: ${error instanceof Error ? error.message : error}`,
    );
  };

/** Puts gateway, issuer and dashboard behind the port. */
function serve(
  system: System,
  { port, url, serve }: Listening,
  adapters: OpenAdapters,
  loaded: ReadonlyMap<string, Loaded>,
): void {
  const edge = declaredEdge(system);
  const issuer = adapters.identity && issuerOf(adapters.identity, url);
  const requests = new RecentRequests();
  const fixed = {
    system: system.name,
    url,
    startedAt: new Date(),
    routes: describeRoutes(system, url, loaded),
    workloads: describeWorkloads(system, loaded),
  };
  const consumersOf = (queue: string) =>
    [...loaded].flatMap(([name, one]) =>
      one.status === "running" && one.run.kind === "onMessage" && one.run.queue === queue
        ? [name]
        : [],
    );
  const state = sharedState(() => readState({ ...adapters, fixed, consumersOf, requests }));
  const page = dashboard({ port, state, queues: adapters.queues });
  serve(
    gateway({
      routes: gatewayRoutes(system, loaded, { edge, verify: issuer?.verify }),
      cors: edge?.cors,
      requests,
      own: (route, request, incoming) =>
        route === dashboardPath || route.startsWith(`${dashboardPath}/`)
          ? page(route, request, incoming)
          : issuer?.answer(route),
      onFault: (requestId, error) =>
        warn(`request ${requestId}: ${error instanceof Error ? error.stack : String(error)}`),
    }),
  );
}
