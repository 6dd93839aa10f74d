import type { Access, ResourceKind } from "./access.ts";
import type { Channel } from "./channels.ts";
import type { Named, System } from "./declaration.ts";
import type { Native } from "./natives.ts";
import type { Service } from "./services.ts";
import type { Store } from "./stores.ts";
import { faultsOf } from "./validate.ts";
import type { Workload } from "./workloads.ts";

/** The kind behind every name that `uses` may hold, secrets apart. */
export type KindsOf<S extends System> = Kinds<
  S["stores"],
  S["channels"],
  S["services"],
  S["natives"],
  S["workloads"]
>;
// Plain type parameters: intersecting with an index signature would let any name through.
type Kinds<S, C, V, T, W> = { [N in keyof S]: KindOf<S[N]> } & { [N in keyof C]: KindOf<C[N]> } & {
  [N in keyof V]: KindOf<V[N]>;
} & { [N in keyof T]: KindOf<T[N]> } & {
  [N in keyof W as W[N] extends { kind: "workflow" } ? N : never]: "workflow";
};
type KindOf<T> = T extends { kind: infer K extends ResourceKind } ? K : never;

type NamesOf<T, K> = { [N in keyof T]: T[N] extends { kind: K } ? N : never }[keyof T];

/** What each workload's `uses` and triggers must be, given the resources that are declared. */
type Valid<S, C, V, T, K extends readonly string[], W> = {
  [N in keyof W]: {
    [P in keyof W[N]]: P extends "uses"
      ? {
          [U in keyof W[N][P]]: U extends "secrets"
            ? readonly K[number][]
            : U extends keyof Kinds<S, C, V, T, W>
              ? Kinds<S, C, V, T, W>[U] extends infer Kind extends ResourceKind
                ? Access<Kind>
                : never
              : never;
        }
      : P extends "queue"
        ? NamesOf<C, "queue">
        : P extends "topic" | "bus" | "stream"
          ? NamesOf<C, P>
          : P extends "store"
            ? NamesOf<S, "objectStore">
            : P extends "changes"
              ? NamesOf<S, "table">
              : W[N][P];
  };
};
/**
 * Declares a system. Names are checked by types where this is called, everything once more here.
 * @param spec name, stores, channels, services, natives, secrets and workloads
 * @returns the same, with all parts present
 * @throws {Error} with every fault in one message: workload, value and remedy
 * @example
 * const system = defineSystem({
 *   name: "shop",
 *   stores: { catalog: table() },
 *   workloads: {
 *     users: http({
 *       code: "functions/users",
 *       routes: ["GET /users/{id}"],
 *       uses: { catalog: "read" },
 *       load: { perDay: 1000, shape: "steady", ms: { p50: 20, p99: 90 }, memoryMb: 256 },
 *     }),
 *   },
 * });
 */
export function defineSystem<
  const S extends Named<Store> = Record<never, never>,
  const C extends Named<Channel> = Record<never, never>,
  const V extends Named<Service> = Record<never, never>,
  const T extends Named<Native> = Record<never, never>,
  const K extends readonly string[] = [],
  const W extends Named<Workload> = Record<never, never>,
>(spec: {
  readonly name: string;
  readonly stores?: S;
  readonly channels?: C;
  readonly services?: V;
  readonly natives?: T;
  readonly secrets?: K;
  readonly workloads: W & Valid<S, C, V, T, K, W>;
}) {
  const system = {
    name: spec.name,
    stores: spec.stores ?? ({} as S),
    channels: spec.channels ?? ({} as C),
    services: spec.services ?? ({} as V),
    natives: spec.natives ?? ({} as T),
    secrets: spec.secrets ?? ([] as readonly string[] as K),
    workloads: spec.workloads as W,
  };
  const faults = faultsOf(system);
  if (faults.length > 0) {
    const list = faults.map((fault) => `  - ${fault}`).join("\n");
    throw new Error(
      `System "${spec.name}": ${faults.length} fault${faults.length > 1 ? "s" : ""}\n${list}`,
    );
  }
  return system;
}
