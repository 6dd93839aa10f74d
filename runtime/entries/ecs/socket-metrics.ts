/** How a server of web sockets stands; counts are since its start. */
export interface SocketSnapshot {
  /** Open now. */
  readonly connections: number;
  /** Upgrades that were refused. */
  readonly refused: number;
  /** Closed because their clients read too slowly. */
  readonly behind: number;
}

/**
 * A line of log from which CloudWatch makes metrics (Embedded Metric Format, CloudWatch User Guide,
 * "Specification"). A service follows the average of its tasks' Connections.
 * @param at ms since 1970, which the format asks for
 */
export function connectionsLine(
  workload: string,
  before: SocketSnapshot | undefined,
  after: SocketSnapshot,
  at: number,
): string {
  const Metrics = ["Connections", "SocketsRefused", "SocketsBehind"].map((Name) => ({
    Name,
    Unit: "Count",
  }));
  return JSON.stringify({
    _aws: {
      Timestamp: at,
      CloudWatchMetrics: [{ Namespace: "Spillway", Dimensions: [["Workload"]], Metrics }],
    },
    Workload: workload,
    Connections: after.connections,
    SocketsRefused: after.refused - (before?.refused ?? 0),
    SocketsBehind: after.behind - (before?.behind ?? 0),
  });
}

/**
 * Writes a line each minute, CloudWatch's own resolution, and one at the end.
 * @returns ends it
 */
export function reportConnections(
  workload: string,
  snapshot: () => SocketSnapshot,
  { everyMs = 60_000, write = (line: string) => console.log(line) } = {},
): () => void {
  let before: SocketSnapshot | undefined;
  const report = () => {
    const after = snapshot();
    write(connectionsLine(workload, before, after, Date.now()));
    before = after;
  };
  const timer = setInterval(report, everyMs).unref();
  return () => {
    clearInterval(timer);
    report();
  };
}
