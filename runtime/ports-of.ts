import type { KindsOf, ResourceKind, System, VerbsOf } from "../spec/index.ts";
import type { Edge, Identity, Mailer, ObjectStore, Queue, Secrets, Table } from "./ports/index.ts";

/** The port of each kind of resource. Kinds that are not here have no adapters yet. */
interface PortByKind {
  objectStore: ObjectStore;
  table: Table;
  queue: Queue;
  identity: Identity;
  mailer: Mailer;
  edge: Edge;
}

type PortOf<K, A> = K extends keyof PortByKind & ResourceKind
  ? Pick<PortByKind[K], VerbsOf<K, A> & keyof PortByKind[K]>
  : unknown;

/**
 * The ports of one workload: those in its `uses`, with the declared access and no more.
 * @example
 * type Ports = PortsOfSystem<typeof system, "users">; // { catalog: Pick<Table, "get" | "put"> }
 */
export type PortsOfSystem<
  S extends System,
  N extends keyof S["workloads"],
> = S["workloads"][N] extends { readonly uses: infer U }
  ? {
      readonly [P in keyof U]: P extends "secrets"
        ? U[P] extends readonly (infer Name extends string)[]
          ? Secrets<Name>
          : never
        : P extends keyof KindsOf<S>
          ? PortOf<KindsOf<S>[P], U[P]>
          : never;
    }
  : Record<never, never>;
