import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import type { Host } from "../planner/index.ts";
import { admissionFrom } from "../runtime/overflow/settings.ts";
import { type ReplicaSettings, readReplicas } from "./replicas.ts";
import { StartFault } from "./start-fault.ts";

export { StartFault } from "./start-fault.ts";

/** What `spillway start` reads from its environment. */
export interface LocalSettings {
  /** 0: any free one. Default: 8787 */
  readonly port: number;
  /** Where everything is kept. Default: `.spillway` under the project */
  readonly dataFolder: string;
  /** A Postgres to use instead of the embedded one. */
  readonly databaseUrl?: string;
  /** Hosts chosen by hand, by workload, as the stack's config has them. Default: the planner's */
  readonly placement?: Readonly<Record<string, Host>>;
  /** How many processes workloads have that are placed on containers. Default: see `replicasOf` */
  readonly replicas?: ReplicaSettings;
  /** Whether changed code is put in the place of what runs in processes of its own. Default: true */
  readonly watch?: boolean;
}

/**
 * Reads PORT, SPILLWAY_DATA, DATABASE_URL, SPILLWAY_REPLICAS and SPILLWAY_WATCH, and checks
 * REDIS_URL, SPILLWAY_ADMISSION and SPILLWAY_COLD_START_MS, which programs read; an empty one is not
 * set.
 * @param root the project's folder; a relative data folder starts there
 * @throws {StartFault} for what cannot be used; never with a password in it
 */
export function readSettings(env: NodeJS.ProcessEnv, root: string): LocalSettings {
  const dataFolder = path.resolve(root, env.SPILLWAY_DATA || ".spillway");
  const databaseUrl = env.DATABASE_URL || undefined;
  if (databaseUrl !== undefined && !/^postgres(ql)?:$/.test(protocolOf(databaseUrl)))
    throw new StartFault(
      'start "DATABASE_URL": is no Postgres address; write postgres://user:password@host:port/database',
    );
  if (env.REDIS_URL && !/^(redis|valkey)s?:$/.test(protocolOf(env.REDIS_URL)))
    throw new StartFault(
      'start "REDIS_URL": is no address of a Redis server; write redis://user:password@host:port/0',
    );
  if (!/^\d{0,5}$/.test(env.SPILLWAY_COLD_START_MS ?? ""))
    throw new StartFault(
      `start "SPILLWAY_COLD_START_MS": "${env.SPILLWAY_COLD_START_MS}" is no time; write milliseconds, 0 to 99999`,
    );
  checkAdmission(env);
  return {
    port: portOf(env.PORT || "8787"),
    dataFolder,
    databaseUrl,
    replicas: readReplicas(env.SPILLWAY_REPLICAS || ""),
    watch: watchOf(env.SPILLWAY_WATCH || "on"),
  };
}

/** Else every container would end as soon as it reads it. */
function checkAdmission(env: NodeJS.ProcessEnv): void {
  try {
    admissionFrom(env);
  } catch (error) {
    const [, what = ""] = /^Container: (.*)$/s.exec((error as Error).message) ?? [];
    throw new StartFault(`start ${what}`, { cause: error });
  }
}

function watchOf(text: string): boolean {
  if (text === "on" || text === "off") return text === "on";
  throw new StartFault(`start "SPILLWAY_WATCH": "${text}" is neither; write on or off`);
}

function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new StartFault(
    `start "PORT": "${text}" is no port; use a number from 0 (any free one) to 65535`,
  );
}

function protocolOf(address: string): string {
  return URL.canParse(address) ? new URL(address).protocol : "";
}

/** Level by level: Node's own `recursive` never ends below a folder that takes none, as /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(path.dirname(folder));
  mkdirSync(folder);
}

/**
 * Makes the data folder where it is missing.
 * @throws {StartFault} where it cannot be made, or not be written
 */
export function prepareDataFolder(folder: string): void {
  try {
    makeFolder(folder);
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartFault(
      `start "SPILLWAY_DATA": ${folder} cannot be used (${code}); name a folder that you may write`,
      { cause: error },
    );
  }
}
