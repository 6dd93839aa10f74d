import { type LineOf, metricsLine } from "../../metrics.ts";

/** How a server of web sockets stands; counts are since its start. */
export interface SocketSnapshot {
  /** Open now. */
  readonly connections: number;
  /** Upgrades that were refused. */
  readonly refused: number;
  /** Closed because their clients read too slowly. */
  readonly behind: number;
}

/** How a workload's line tells of its sockets. A service follows the average of its tasks' Connections. */
export const socketsLine =
  (workload: string): LineOf<SocketSnapshot> =>
  (before, after, at) =>
    metricsLine(
      workload,
      {
        Connections: { value: after.connections, unit: "Count" },
        SocketsRefused: { value: after.refused - (before?.refused ?? 0), unit: "Count" },
        SocketsBehind: { value: after.behind - (before?.behind ?? 0), unit: "Count" },
      },
      at,
    );
