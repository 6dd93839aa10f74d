import { type ResourceKind, verbsOf } from "./access.ts";
import type { System } from "./declaration.ts";
import type { Edge } from "./services.ts";

/** One line of a workload's `uses`, resolved. A secret stands under the name of the secret. */
export interface Use {
  readonly name: string;
  readonly kind: ResourceKind | "secret";
  readonly verbs: readonly string[];
}

/**
 * What a workload uses, resolved against the system.
 * @param system a declared (so: validated) system
 * @param workload its name
 * @returns one entry a resource, in the order of the declaration
 */
export function usesOf(system: System, workload: string): readonly Use[] {
  const uses = system.workloads[workload]?.uses ?? {};
  return Object.entries(uses).flatMap(([name, given]): Use[] => {
    if (name === "secrets")
      return (given as readonly string[]).map((secret) => ({
        name: secret,
        kind: "secret",
        verbs: ["get"],
      }));
    const kind = kindOf(system, name);
    const verbs = kind && verbsOf(kind, given);
    if (!kind || !verbs)
      throw new Error(
        `Workload "${workload}": uses ${name}: ${JSON.stringify(given)}, which is not declared; declare the system with defineSystem, which names the remedy`,
      );
    return [{ name, kind, verbs }];
  });
}

/** The kind of a named resource, or `undefined` where nothing has that name. */
export function kindOf(system: System, name: string): ResourceKind | undefined {
  for (const group of [system.stores, system.channels, system.services, system.natives])
    if (Object.hasOwn(group, name)) return group[name]?.kind;
  const workload = Object.hasOwn(system.workloads, name) ? system.workloads[name] : undefined;
  return workload?.kind === "workflow" ? "workflow" : undefined;
}

/** Name of the secret behind a use: the secret itself, a chat's webhook, an API's token. */
export function secretOf(system: System, use: Pick<Use, "kind" | "name">): string | undefined {
  if (use.kind === "secret") return use.name;
  const service = Object.hasOwn(system.services, use.name) ? system.services[use.name] : undefined;
  if (service?.kind === "chat") return service.webhook;
  return service?.kind === "api" ? service.secret : undefined;
}

/** Names of the secrets that workloads use, by themselves or through a service, each once. */
export const secretsOf = (system: System, workloads: readonly string[]): readonly string[] => [
  ...new Set(
    workloads
      .flatMap((workload) => usesOf(system, workload))
      .map((use) => secretOf(system, use))
      .filter((secret) => secret !== undefined),
  ),
];

/** The system's edge; there is one at most. */
export const declaredEdge = (system: System): Edge | undefined =>
  Object.values(system.services).find((service) => service.kind === "edge");
