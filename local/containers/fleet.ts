import path from "node:path";
import type { Pool } from "pg";
import { type System, tokenEnv } from "../../spec/index.ts";
import { type Built, buildPrograms, keepOnly } from "../programs/build.ts";
import { listensOn } from "../programs/entry.ts";
import { startWatcher, type Watcher } from "../programs/watch.ts";
import { worldEnv } from "../programs/world.ts";
import { connectionsFor } from "./decide.ts";
import type { ReplicaTimes } from "./replica.ts";
import { type Service, type ServiceState, startService } from "./service.ts";

export interface FleetOptions {
  readonly system: System;
  /** The project's folder. */
  readonly root: string;
  readonly dataFolder: string;
  /** Workloads with processes of their own, with the number of replicas. */
  readonly counts: ReadonlyMap<string, number>;
  /** Those whose servers spill into a function. */
  readonly twins: ReadonlySet<string>;
  /** Whether changed code is put in the place of what runs. */
  readonly watch: boolean;
  /** Told in one line of what did not go well. */
  readonly onTrouble: (workload: string, text: string) => void;
  readonly times?: Partial<ReplicaTimes>;
}

/** What replicas have to know, once it is there. */
export interface FleetWorld {
  readonly pool: Pool;
  /** With the password: handed on by the environment, not as an argument. */
  readonly databaseUrl: string;
  /** The gateway, which is the issuer of tokens too. */
  readonly url: string;
  /** The client id of the system's identity. Default: it has none */
  readonly audience?: string;
}

/** The workloads that have processes of their own. */
export interface Fleet {
  /** Starts those that can run; returns when each of them is healthy, or known not to be. */
  start(able: readonly string[], world: FleetWorld): Promise<void>;
  service(workload: string): Service | undefined;
  states(): ReadonlyMap<string, ServiceState>;
  /** Ends those of these workloads, or all of them. Returns when their processes are gone. */
  stop(workloads?: readonly string[]): Promise<void>;
}

/** Begins at once to build programs, so that they are ready when the database is. */
export function openFleet(options: FleetOptions): Fleet {
  const { system, root, counts, twins, onTrouble } = options;
  const building = { system, root, twins, folder: path.join(options.dataFolder, "programs") };
  const services = new Map<string, Service>();
  let watcher: Watcher | undefined;
  let stopped = false;
  const began = Date.now();
  const first = buildPrograms([...counts.keys()], building);
  // Whoever does not get to the start is not told.
  first.catch(() => {});

  /** Takes a build: rolls its release out, or says why there is none. */
  const take = async (service: Service, built: Built | undefined, since: number): Promise<void> => {
    const { name } = service;
    follow(name, built, since);
    if (!built || !("release" in built)) {
      const fault = `it cannot be built: ${built?.fault}`;
      const isRunning = service.state().replicas.length > 0;
      onTrouble(name, isRunning ? `${fault}; what ran before goes on` : fault);
      service.fail(fault);
      return;
    }
    if (await service.roll(built.release)) await keepOnly(built.release).catch(() => {});
  };
  const seen = new Map<string, readonly string[]>();
  const follow = (name: string, built: Built | undefined, since: number) => {
    if (built && "inputs" in built) seen.set(name, built.inputs);
    const folders = [path.resolve(root, system.workloads[name]?.code ?? "")];
    watcher?.set(name, { files: seen.get(name) ?? [], folders }, since);
  };
  // One after the other, so that the last change is the one that stays.
  let rebuilding: Promise<unknown> = Promise.resolve();
  const rebuild = (names: readonly string[]) => {
    rebuilding = rebuilding.then(async () => {
      const changed = names.flatMap((name) => services.get(name) ?? []);
      if (stopped || changed.length === 0) return;
      const since = Date.now();
      const built = await buildPrograms(
        changed.map(({ name }) => name),
        building,
      );
      if (stopped) return;
      await Promise.all(changed.map((service) => take(service, built.get(service.name), since)));
    });
    rebuilding.catch((error: Error) => {
      for (const name of names) onTrouble(name, error.message);
    });
    rebuilding = rebuilding.catch(() => {});
  };

  return {
    service: (workload) => services.get(workload),
    states: () => new Map([...services].map(([name, service]) => [name, service.state()])),
    async start(able, world) {
      if (able.length === 0) return;
      const env = await environmentOf(options, able, world);
      if (options.watch)
        watcher = startWatcher((names) => {
          if (names.includes(declaration))
            console.error("system.ts: it has changed; start again for it to count");
          rebuild(names.filter((name) => name !== declaration));
        });
      watcher?.set(declaration, { files: [path.join(root, "system.ts")] });
      const built = await first;
      for (const name of able) {
        const workload = system.workloads[name];
        const service = startService({
          name,
          count: counts.get(name) ?? 1,
          listens: workload !== undefined && listensOn.includes(workload.kind),
          env,
          onTrouble: (text) => onTrouble(name, text),
          // Sockets stay for as long as their clients do: the replica itself asks them to go.
          times: { ...options.times, ...(workload?.kind === "socket" && { drain: 0 }) },
        });
        services.set(name, service);
        await take(service, built.get(name), began);
      }
      await Promise.all([...services.values()].map(({ settled }) => settled));
    },
    async stop(workloads) {
      if (!workloads) {
        stopped = true;
        watcher?.close();
      }
      const ending = [...services.values()].filter(
        ({ name }) => !workloads || workloads.includes(name),
      );
      await Promise.all(ending.map((service) => service.stop()));
      if (!workloads) await rebuilding;
    },
  };
}

/** Under which name the declaration itself is watched: no workload can have it. */
const declaration = "system.ts";

async function environmentOf(
  { dataFolder, counts, twins }: FleetOptions,
  able: readonly string[],
  { pool, databaseUrl, url, audience = "" }: FleetWorld,
): Promise<Readonly<Record<string, string>>> {
  const { rows } = await pool.query<{ most: number }>(
    "select current_setting('max_connections')::int as most",
  );
  // A twin's thread has pools of its own.
  const programs = able.reduce(
    (sum, name) => sum + (counts.get(name) ?? 1) * (twins.has(name) ? 2 : 1),
    0,
  );
  return {
    [worldEnv.database]: databaseUrl,
    [worldEnv.folder]: dataFolder,
    [worldEnv.gateway]: url,
    [worldEnv.connections]: `${connectionsFor(rows[0]?.most ?? 0, programs)}`,
    [tokenEnv.issuer]: url,
    [tokenEnv.audience]: audience,
    [tokenEnv.jwks]: `${url}/.well-known/jwks.json`,
  };
}
