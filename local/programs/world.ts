import type { Pool } from "pg";
import { openPool } from "../../runtime/adapters/pool.ts";

/** What a program finds in its environment. */
export const worldEnv = {
  database: "DATABASE_URL",
  folder: "SPILLWAY_DATA",
  gateway: "SPILLWAY_URL",
  /** Connections that it may have, of all its pools together. */
  connections: "SPILLWAY_CONNECTIONS",
} as const;

/** The host's world, as a program of a workload reaches it. */
export interface World {
  readonly pool: Pool;
  /** Of the database, with the password: not for logs. */
  readonly databaseUrl: string;
  /** Most connections of each pool. */
  readonly connections: number;
  /** The data folder. */
  readonly folder: string;
  /** URL of the gateway. */
  readonly gateway: string;
}

/** What adapters take on a process of their own; more of them do not make one core quicker. */
const mostConnections = 5;

/** Each of a program's pools has the same share of what it may have, and one connection at least. */
export const shareOf = (connections: number, pools: number): number =>
  Math.max(1, Math.min(mostConnections, Math.floor(connections / Math.max(1, pools))));

/**
 * Opens what the adapters of a program share; nothing is connected before it is used.
 * @param pools how many pools the program has
 */
export function openWorld(pools: number, env: NodeJS.ProcessEnv = process.env): World {
  const databaseUrl = env[worldEnv.database] ?? "";
  const connections = shareOf(Number(env[worldEnv.connections] ?? 1), pools);
  const pool = openPool({
    connectionString: databaseUrl,
    max: connections,
    connectionTimeoutMillis: 10_000,
    application_name: "spillway",
  });
  return {
    pool,
    databaseUrl,
    connections,
    folder: env[worldEnv.folder] ?? "",
    gateway: env[worldEnv.gateway] ?? "",
  };
}
