import type { PortsOfSystem, StepsOfSystem } from "../runtime/ports-of.ts";
import type { system } from "../system.ts";

/** The ports that system.ts grants to a workload: what its `create` is called with. */
export type PortsOf<Name extends keyof (typeof system)["workloads"]> = PortsOfSystem<
  typeof system,
  Name
>;

/** What the `create` of a workflow returns: a handler for each of its steps and compensations. */
export type StepsOf<Name extends keyof (typeof system)["workloads"]> = StepsOfSystem<
  typeof system,
  Name
>;
