import type { KindsOf, ResourceKind, System, VerbsOf } from "../spec/index.ts";
import type {
  Api,
  Bus,
  Cache,
  Chat,
  Edge,
  Identity,
  Mailer,
  Metrics,
  Native,
  ObjectStore,
  Queue,
  Scanner,
  Scheduler,
  Secrets,
  Sql,
  StepHandler,
  Stream,
  Table,
  Topic,
  Workflow,
} from "./ports/index.ts";

/** The port of each kind of resource. Kinds that are not here have no adapters yet. */
interface PortByKind {
  objectStore: ObjectStore;
  table: Table;
  sql: Sql;
  cache: Cache;
  queue: Queue;
  topic: Topic;
  bus: Bus;
  stream: Stream;
  identity: Identity;
  mailer: Mailer;
  chat: Chat;
  metrics: Metrics;
  api: Api;
  scanner: Scanner;
  scheduler: Scheduler;
  native: Native;
  workflow: Workflow;
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

/**
 * The handlers that a workflow needs, by the names of its steps and compensations.
 */
export type StepsOfSystem<S extends System, N extends keyof S["workloads"]> = {
  readonly [Name in
    | StepName<S["workloads"][N], "steps">
    | StepName<S["workloads"][N], "compensations">]: StepHandler;
};
type StepName<W, Part extends string> = W extends { readonly [P in Part]: readonly (infer Step)[] }
  ? Step extends { readonly name: infer Name extends string }
    ? Name
    : never
  : never;
