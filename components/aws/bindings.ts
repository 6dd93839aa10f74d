import type { Input } from "@pulumi/pulumi";
import type { ResourceKind, System, Use } from "../../spec/index.ts";

/** Where a declared resource is, for those who use it. */
export interface Binding {
  readonly kind: Use["kind"];
  /** What policies name. Kinds without permissions (sql, cache, edge, identity) need none. */
  readonly arn?: Input<string>;
  /** What code is told: a table's name, a bucket, a queue's URL, a secret's ARN, a host. */
  readonly location: Input<string>;
  /** Of a store inside the network: the group that guards it. */
  readonly securityGroupId?: Input<string>;
  /** Of a store inside the network. */
  readonly port?: number;
}

/** Bindings by {@link bindingKey}. */
export type Bindings = Readonly<Record<string, Binding>>;

/** Secrets have names of their own: `secrets.github-webhook`. All others stand under their name. */
export const bindingKey = (use: Pick<Use, "kind" | "name">): string =>
  use.kind === "secret" ? `secrets.${use.name}` : use.name;

/** Kinds that are reached through the network, and not through an AWS API. */
export const networkKinds: readonly (ResourceKind | "secret")[] = ["sql", "cache"];

/** The name of the system's one service of a kind. */
export const serviceName = (system: System, kind: "edge" | "identity"): string | undefined =>
  Object.entries(system.services).find(([, service]) => service.kind === kind)?.[0];
