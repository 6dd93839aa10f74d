import { existsSync } from "node:fs";
import path from "node:path";
import { type Placement, placeAll } from "../planner/index.ts";
import { openBoss } from "../runtime/adapters/local/boss.ts";
import { migrate, startPostgres } from "../runtime/adapters/local/postgres.ts";
import { declareReaders } from "../runtime/adapters/local/subscriptions.ts";
import type { IdentityHooks } from "../runtime/ports/index.ts";
import { declaredEdge, queuesOf, type System, sourceOf } from "../spec/index.ts";
import { giveBackAbandoned } from "./abandoned.ts";
import { type OpenAdapters, openAdapters } from "./adapters.ts";
import { type Fleet, openFleet } from "./containers/fleet.ts";
import { describeChannels } from "./dashboard/channels.ts";
import { dashboard, dashboardPath } from "./dashboard/dashboard.ts";
import { describeRoutes, describeWorkloads } from "./describe.ts";
import { gateway } from "./gateway/gateway.ts";
import { closeUpstreams, proxy, type Upstreams } from "./gateway/proxy.ts";
import { RecentRequests } from "./gateway/requests.ts";
import { gatewayRoutes } from "./gateway/routes.ts";
import { upgrades } from "./gateway/upgrades.ts";
import { issuerOf } from "./issuer.ts";
import { type Listening, listen } from "./listen.ts";
import { lockFolder } from "./lock.ts";
import { objectRequests } from "./objects.ts";
import { replicasOf } from "./replicas.ts";
import { type LocalSettings, prepareDataFolder } from "./settings.ts";
import { endAll, isDatabaseAway } from "./stopping.ts";
import { type LocalTrouble, startTriggers, type Triggers, workflowSource } from "./triggers.ts";
import { type Loaded, loadWorkload } from "./workloads.ts";

export interface HostOptions {
  readonly system: System;
  /** The project's folder: workloads' code is found from here. */
  readonly root: string;
  readonly settings: LocalSettings;
}

export interface Host {
  readonly url: string;
  /**
   * Ends what runs, then everything that was started. What was answered stays stored.
   * @throws {Error} where the database is away: what waited for it may still be there
   */
  stop(): Promise<void>;
}

/** Says in one line what went wrong; stdout is for `ready`. */
const warn = (line: string) => console.error(line);

/**
 * Runs a system on this machine: gateway, consumers, schedules, workflows and dashboard in this
 * process, what is placed on a container in processes of its own, on a Postgres of its own or the
 * one of DATABASE_URL.
 * @throws {StartFault} for a port or a folder that cannot be had; what was started is ended first
 */
export async function startHost({ system, root, settings }: HostOptions): Promise<Host> {
  const folder = settings.dataFolder;
  // In the order of their starts; ended from the last to the first.
  const ends: (() => unknown)[] = [];
  let databaseUrl: string | undefined;
  const isAway = async () => databaseUrl !== undefined && isDatabaseAway(databaseUrl);
  const stop = () => endAll(ends.splice(0).reverse(), { isAway });
  try {
    prepareDataFolder(folder);
    ends.push(lockFolder(folder));
    const placed = placeAll(system, { overrides: settings.placement ?? {} });
    const fleet = fleetOf({ system, root, settings }, placed);
    const listening = await listen(settings.port);
    ends.push(() => listening.drain());
    const postgres = await startPostgres(path.join(folder, "postgres"));
    ends.push(() => {
      // From here on it is no fault that it does not answer; its own stop is bounded.
      databaseUrl = undefined;
      return postgres.stop();
    });
    databaseUrl = postgres.url;
    const { pool } = postgres;
    await migrate(pool);
    const boss = await openBoss(pool);
    ends.push(() => boss.stop());
    if (!settings.databaseUrl) await giveBackAbandoned(boss, Object.keys(queuesOf(system)));
    await declareReaders(pool, readersOf(system));

    const hooks: IdentityHooks = {};
    const { url } = listening;
    const adapters = await openAdapters({
      ...{ system, root, boss, pool, folder, url, hooks },
      databaseUrl: postgres.url,
    });
    ends.push(() => adapters.close());
    for (const { store } of adapters.objects.values()) await store.recover();

    const inContainer = (workload: string) => fleet.counts.has(workload);
    const loaded = await loadAll({ system, root, adapters, inContainer });
    for (const [name, one] of loaded) {
      if (one.status === "failed") warn(`workload "${name}": ${one.reason}`);
      else if (one.status === "running" && one.run.kind === "onIdentity")
        Object.assign(hooks, one.run.hooks);
    }
    const triggers = await startTriggers({ system, loaded, boss, pool, onTrouble: warnOf });
    ends.push(() => triggers.stop());
    ends.push(() => fleet.stop());
    const able = [...loaded].flatMap(([name, one]) =>
      one.status === "running" && one.run.kind === "container" ? [name] : [],
    );
    const audience = adapters.identity?.clientId;
    await fleet.start(able, { pool, databaseUrl: postgres.url, url, audience });

    for (const [name, { status, reason }] of fleet.states())
      if (status === "failed") warn(`workload "${name}": does not come up: ${reason}`);
    serve(system, listening, adapters, loaded, triggers, placed, fleet);
    // Requests and sockets end before the consumers do, and those before the database.
    const sockets = able.filter((name) => system.workloads[name]?.kind === "socket");
    ends.push(async () => {
      await Promise.all([listening.drain(), fleet.stop(sockets)]);
      closeUpstreams();
    });
    return { url, stop };
  } catch (error) {
    await stop().catch((fault: Error) => warn(fault.message));
    throw error;
  }
}

/** Begins to build what runs in processes of its own. */
function fleetOf(
  { system, root, settings }: HostOptions,
  placed: readonly Placement[],
): Fleet & { readonly counts: ReadonlyMap<string, number> } {
  const all = replicasOf(system, placed, settings.replicas);
  const hasCode = (name: string) =>
    existsSync(path.resolve(root, system.workloads[name]?.code ?? "", "index.ts"));
  const counts = new Map([...all].filter(([name]) => hasCode(name)));
  const spilling = placed.filter(({ host }) => host === "container-with-overflow");
  const fleet = openFleet({
    system,
    root,
    dataFolder: settings.dataFolder,
    counts,
    twins: new Set(
      spilling
        .map(({ name }) => name)
        .filter((name) => counts.has(name) && system.workloads[name]?.kind === "http"),
    ),
    watch: settings.watch ?? true,
    onTrouble: (workload, text) => warn(`workload "${workload}": ${text}`),
  });
  return { ...fleet, counts: all };
}

/** The workloads that read streams and change feeds, by what they read. */
function readersOf(system: System) {
  const streams: Record<string, string[]> = {};
  const tables: Record<string, string[]> = {};
  const note = (readers: Record<string, string[]>, of: string, workload: string) => {
    readers[of] = [...(readers[of] ?? []), workload];
  };
  for (const name of Object.keys(system.workloads)) {
    const source = sourceOf(system, name);
    if (source?.via === "stream") note(streams, source.stream, name);
    if (source?.via === "changes") note(tables, source.table, name);
  }
  return { streams, tables };
}

async function loadAll(options: Parameters<typeof loadWorkload>[1]) {
  const names = Object.keys(options.system.workloads);
  const loaded = await Promise.all(
    names.map(async (name) => [name, await loadWorkload(name, options)] as const),
  );
  return new Map<string, Loaded>(loaded);
}

function warnOf(workload: string, { what, error }: LocalTrouble) {
  const words = {
    retry: "message tried again",
    reject: "message set aside",
    receive: "message not received",
    step: "a step failed",
  };
  warn(`workload "${workload}": ${words[what]}: ${error instanceof Error ? error.message : error}`);
}

/** Puts gateway, issuer, objects and dashboard behind the port. */
function serve(
  system: System,
  { port, url, serve }: Listening,
  adapters: OpenAdapters,
  loaded: ReadonlyMap<string, Loaded>,
  triggers: Triggers,
  placed: readonly Placement[],
  fleet: Fleet,
): void {
  const edge = declaredEdge(system);
  const issuer = adapters.identity && issuerOf(adapters.identity, url);
  const requests = new RecentRequests();
  const fixed = {
    system: system.name,
    url,
    startedAt: new Date(),
    routes: describeRoutes(system, url, loaded),
    workloads: describeWorkloads(system, loaded, placed),
  };
  const consumersOf = (queue: string) =>
    [...loaded].flatMap(([name, one]) => {
      const source = one.status === "running" && "source" in one.run ? one.run.source : undefined;
      const reads = source?.via === "queue" ? source.queue === queue : name === queue;
      return source && reads ? [name] : [];
    });
  const page = dashboard({
    port,
    sources: {
      ...adapters,
      fixed,
      consumersOf,
      requests,
      containers: fleet.states,
      schedules: triggers.schedules.list,
      runNow: triggers.schedules.runNow,
      workflows: workflowSources(system, adapters, triggers),
      channels: () => describeChannels(system, adapters.positionsOf),
    },
  });
  const objects = objectRequests(adapters.objects, edge?.cors?.origins);
  serve(
    gateway({
      routes: gatewayRoutes(system, loaded, {
        edge,
        verify: issuer?.verify,
        replicasOf: (name) => proxy(upstreamsOf(fleet, name)),
      }),
      cors: edge?.cors,
      requests,
      onAnswered: adapters.answered,
      own: (route, request, incoming) =>
        route === dashboardPath || route.startsWith(`${dashboardPath}/`)
          ? page(route, request, incoming)
          : (objects(route, request) ?? issuer?.answer(route)),
      onFault: (requestId, error) =>
        warn(`request ${requestId}: ${error instanceof Error ? error.stack : String(error)}`),
    }),
    upgrades({ paths: socketPaths(system, fleet) }),
  );
}

const upstreamsOf = (fleet: Fleet, workload: string): Upstreams => ({
  pick: (except) => fleet.service(workload)?.pick(except),
  reason: () => fleet.service(workload)?.reason(),
});

/** Where web sockets are asked for, with the replicas that hold them. */
const socketPaths = (system: System, fleet: Fleet) =>
  new Map(
    Object.entries(system.workloads).flatMap(([name, workload]) =>
      workload.kind === "socket" && fleet.service(name)
        ? [[workload.path, upstreamsOf(fleet, name)] as const]
        : [],
    ),
  );

const workflowSources = (system: System, { workflows }: OpenAdapters, triggers: Triggers) =>
  new Map(
    [...triggers.workflows].flatMap(([name, runner]) => {
      const declaration = system.workloads[name];
      const port = workflows.get(name);
      return declaration?.kind === "workflow" && port
        ? [[name, workflowSource(runner, declaration, port.start)] as const]
        : [];
    }),
  );
