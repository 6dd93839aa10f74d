import { type Placement, placeAll, placementFaults } from "../../planner/index.ts";
import type { System, Workload } from "../../spec/index.ts";
import type { Fault } from "../shared/validation.ts";
import { capacityPlaceFaults, connectionFaults, taskFaults } from "./container-plan.ts";
import { type Cutovers, cutoverFaults, hostedPlacements } from "./cutover-plan.ts";
import {
  allConnections,
  type DatabaseSettings,
  databaseDefaults,
  databaseFaults,
} from "./database.ts";
import { type Deployment, deploymentOf } from "./deployment.ts";
import { networkFaults as functionNetworkFaults } from "./function-plan.ts";
import { migrationReachFaults } from "./Migrations.ts";
import { type NetworkArgs, networkFaults, reachOf } from "./Network.ts";
import { neededBy } from "./needs.ts";
import { type Overflows, overflowFaults } from "./overflow.ts";
import { proxyPool } from "./proxy.ts";
import type { Capacity } from "./scaling-plan.ts";
import { scannerFaults } from "./scanner-plan.ts";
import { type CacheSettings, cacheFaults } from "./valkey.ts";

/** What a stack's config says of where workloads run. */
export interface StackConfig {
  readonly placement: Readonly<Record<string, string>>;
  readonly network: object;
  readonly database: DatabaseSettings;
  readonly cache: CacheSettings;
  readonly migrations: "automatic" | "by-hand";
  readonly capacity: Readonly<Record<string, Capacity>>;
  readonly overflow: Overflows;
  readonly cutover: Cutovers;
  readonly scanner: boolean;
}

/** What of a system a stack deploys, and where. */
export interface StackPlan extends Deployment {
  /** Workers and servers. */
  readonly containers: readonly string[];
  /** All workloads that are deployed. */
  readonly deployed: readonly string[];
  /** As the planner, or the stack's config, places the deployed workloads. */
  readonly placed: readonly Placement[];
  /** As all are hosted, by workload: what is split is on a container. */
  readonly placements: Readonly<Record<string, Placement>>;
  /** Names of the deployed workloads of some kinds. */
  ofKind(...kinds: readonly Workload["kind"][]): readonly string[];
  /** Everything that keeps it from being deployed. */
  readonly faults: readonly Fault[];
}

/**
 * Decides what a stack deploys. What has no code, or no component, is left out aloud; but not what
 * the stack's config asks for.
 * @param hasCode whether a workload's code is there
 * @throws {Error} as `placeAll`, for a placement that cannot be
 */
export function planStack(
  system: System,
  config: StackConfig,
  hasCode: (workload: string) => boolean,
): StackPlan {
  const all = placeAll(system, { overrides: config.placement });
  const { capacity, overflow, cutover, database } = config;
  const { connections = databaseDefaults.connections } = database;
  const reserved = Object.fromEntries(
    Object.entries(overflow).map(([name, { concurrency }]) => [name, concurrency]),
  );
  const hosted = hostedPlacements(system, all, cutover, reserved);
  const split = Object.keys(cutover);
  const deployment = deploymentOf(system, hosted, hasCode, {
    split,
    scanned: config.scanner,
  });
  const { functions, workers, servers, twins, left } = deployment;
  const containers = [...servers, ...workers];
  const deployed = [...functions, ...containers];
  const placed = all.filter(({ name }) => deployed.includes(name));
  const placements = Object.fromEntries(hosted.map((placement) => [placement.name, placement]));
  const network = reachOf(config.network as NetworkArgs);
  const needs = neededBy(system, deployed);
  const scanners = Object.keys(needs.of(system.services, "scanner"));
  const migrated =
    config.migrations === "automatic" ? Object.keys(needs.of(system.stores, "sql")) : [];
  const asked = [...Object.keys(config.placement), ...split];
  return {
    ...deployment,
    containers,
    deployed,
    placed,
    placements,
    ofKind: (...kinds) =>
      deployed.filter((name) => kinds.includes((system.workloads[name] as Workload).kind)),
    faults: [
      ...placementFaults(placed),
      ...left
        .filter(({ name }) => asked.includes(name))
        .map(
          ({ name, because }) =>
            `Placement "${name}": ${because}; take it out of the stack's config`,
        ),
      ...networkFaults(config.network as NetworkArgs).map((fault) => `network: ${fault}`),
      ...databaseFaults(database),
      ...cacheFaults(config.cache),
      ...migrated.flatMap((store) => migrationReachFaults(store, network)),
      ...(scanners.length > 0 ? scannerFaults(scanners, network) : []),
      ...[...functions, ...twins].flatMap((workload) =>
        functionNetworkFaults({ system, workload, network }).map(
          (fault) => `workload "${workload}": ${fault}`,
        ),
      ),
      ...containers.flatMap((name) => taskFaults({ system, placements, capacity, network }, name)),
      ...capacityPlaceFaults(capacity, containers),
      ...cutoverFaults(system, cutover),
      ...overflowFaults(
        system,
        overflow,
        twins.filter((name) => placements[name]?.host === "container-with-overflow"),
      ),
      ...connectionFaults(
        { system, workloads: deployed, placements, capacity, functionsBeside: twins },
        connections,
        database.proxy ? proxyPool(allConnections(connections)) : undefined,
      ),
    ],
  };
}
