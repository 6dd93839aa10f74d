import type * as pulumi from "@pulumi/pulumi";
import type { Concurrency, Host } from "../../planner/index.ts";
import type { System } from "../../spec/index.ts";
import type { Bindings } from "./bindings.ts";
import {
  type FunctionTransforms,
  WorkloadFunction,
  type WorkloadFunctionArgs,
} from "./Function.ts";
import type { Code } from "./function-plan.ts";
import type { NetworkPlace } from "./security-groups.ts";

/** What every component that runs workloads on functions is told, of all of them. */
export interface Hosting {
  readonly system: System;
  /** Code of the workloads on functions, by workload. */
  readonly artefacts?: Readonly<Record<string, Code>>;
  /** Where the resources are that workloads use: bindings of DataStores and Channels. */
  readonly stores?: Bindings;
  /** For workloads with a store inside a network. */
  readonly network?: NetworkPlace;
  /** Where each workload runs, as the planner says. Default: on a function */
  readonly placements?: Readonly<
    Record<string, { readonly host?: Host; readonly concurrency?: Concurrency }>
  >;
  /** How long logs are kept, in days. Default: 14 */
  readonly logRetentionDays?: pulumi.Input<number>;
  readonly transform?: FunctionTransforms;
}

export const isFunction = (host: Host): boolean => host === "function" || host === "function-image";

/** Where a workload runs. */
export const hostOf = ({ placements }: Pick<Hosting, "placements">, workload: string): Host =>
  placements?.[workload]?.host ?? "function";

/**
 * The function of one of a component's workloads.
 * @param name of the component
 * @param own what differs from the other workloads'
 */
export const functionOf = (
  name: string,
  workload: string,
  { system, stores, network, logRetentionDays, transform, ...args }: Hosting,
  own: Pick<WorkloadFunctionArgs, "stores" | "tokens" | "feeding" | "logRetentionDays">,
  parent: pulumi.Resource,
): WorkloadFunction =>
  new WorkloadFunction(
    `${name}-${workload}`,
    {
      system,
      workload,
      artefact: args.artefacts?.[workload] as Code,
      stores,
      network,
      concurrency: args.placements?.[workload]?.concurrency,
      logRetentionDays,
      transform,
      ...own,
    },
    { parent },
  );
