import { type Input, type Output, output, type Resource } from "@pulumi/pulumi";
import { type ResourceKind, type System, type Use, usesOf } from "../../spec/index.ts";
import { type Granted, type Statement, statementsOf } from "./permissions.ts";
import type { Target } from "./security-groups.ts";

/** Where a declared resource is, for those who use it. */
export interface Binding {
  readonly kind: Use["kind"];
  /** What policies name. Kinds without permissions (scanner, edge, identity) need none. */
  readonly arn?: Input<string>;
  /** What code is told: a table's name, a bucket, a queue's URL, a secret's ARN, a host. */
  readonly location: Input<string>;
  /** Of a store inside the network: the group that guards it. */
  readonly securityGroupId?: Input<string>;
  /** Of a store inside the network. */
  readonly port?: number;
  /** Of a queue: where its dead letters are. */
  readonly deadLetters?: DeadLetters;
  /** Of a table with a change feed: the feed's ARN. */
  readonly feedArn?: Input<string>;
  /** Of a scheduler: the role that its schedules send with. */
  readonly roleArn?: Input<string>;
  /** Of a cache: the user that code connects as. */
  readonly userArn?: Input<string>;
  /** Of a native resource: what code may do with it. */
  readonly actions?: readonly string[];
  /** Of a database: what has to be done before code uses it. */
  readonly ready?: Resource;
  /** Of a database: the proxy before it, which many short-lived clients share. */
  readonly pooled?: Pick<Binding, "arn" | "location" | "securityGroupId">;
}

/** A dead-letter queue. */
export interface DeadLetters {
  readonly arn: Input<string>;
  readonly url: Input<string>;
}

/** Bindings by {@link bindingKey}. */
export type Bindings = Readonly<Record<string, Binding>>;

/** Secrets have names of their own: `secrets.github-webhook`. All others stand under their name. */
export const bindingKey = (use: Pick<Use, "kind" | "name">): string =>
  use.kind === "secret" ? `secrets.${use.name}` : use.name;

/** What is bound under a name, or `undefined`. */
export const bindingOf = (stores: Bindings | undefined, key: string): Binding | undefined =>
  stores && Object.hasOwn(stores, key) ? stores[key] : undefined;

/** A use, and where that resource is. */
export type Bound = Use & { readonly binding: Binding };

/** What a workload uses, bound. Only where nothing is missing: see `bindingFaults`. */
export const boundUses = (system: System, workload: string, stores: Bindings = {}): Bound[] =>
  usesOf(system, workload).map((use) => ({ ...use, binding: stores[bindingKey(use)] as Binding }));

/** The same uses by way of their proxies, where there are any: for functions, of which there may be many. */
export const pooledUses = (uses: readonly Bound[]): Bound[] =>
  uses.map((use) => ({ ...use, binding: { ...use.binding, ...use.binding.pooled } }));

/** The statements that bound uses stand for, in their order. */
export const statementsFor = (uses: readonly Bound[]): Output<Statement[]> => {
  const granted = uses.map(({ binding: { arn, roleArn, userArn, actions } }) => ({
    arn,
    roleArn,
    userArn,
    actions,
  }));
  return output(granted).apply((resources) =>
    uses.flatMap((use, index) => statementsOf(use, (resources[index] ?? {}) as Granted)),
  );
};

/** Kinds that are reached through the network, and not through an AWS API. */
export const networkKinds: readonly (ResourceKind | "secret")[] = ["sql", "cache", "scanner"];

/** Stores inside the network that are used, as what a group may open a connection to. */
export const storeTargets = (uses: readonly Bound[]): Target[] =>
  uses
    .filter(({ kind }) => networkKinds.includes(kind))
    .map(({ name, binding: { securityGroupId = "", port = 0 } }) => ({
      name,
      to: { securityGroupId },
      port,
    }));

/** What has to be done before code starts with its stores. */
export const readyOf = (uses: readonly Bound[]): Resource[] =>
  uses.flatMap(({ binding: { ready } }) => ready ?? []);

/** The name of the system's one service of a kind. */
export const serviceName = (system: System, kind: "edge" | "identity"): string | undefined =>
  Object.entries(system.services).find(([, service]) => service.kind === kind)?.[0];
