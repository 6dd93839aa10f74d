import { type System, usesOf } from "../spec/index.ts";
import { onlyVerbs } from "./verbs.ts";

/** The local adapters: by the resource's name, and the secrets of a list of names. */
export interface Adapters {
  readonly byName: ReadonlyMap<string, object>;
  /** Why a resource cannot be used now, by its name. Default: each can */
  readonly faults?: ReadonlyMap<string, string>;
  readonly secrets: (names: readonly string[]) => object;
}

/**
 * The ports of one workload: what its `uses` declare, each with the declared verbs and no more, so
 * that a call that the cloud would refuse is not possible here either.
 * @returns the ports, or why the first resource that lacks its adapter does
 */
export function portsOf(
  system: System,
  workload: string,
  adapters: Adapters,
):
  | { readonly ports: Record<string, object> }
  | { readonly status: "not-local" | "failed"; readonly reason: string } {
  const ports: Record<string, object> = {};
  const secrets: string[] = [];
  for (const { name, kind, verbs } of usesOf(system, workload)) {
    if (kind === "secret") {
      secrets.push(name);
      continue;
    }
    const adapter = adapters.byName.get(name);
    const fault = adapters.faults?.get(name);
    if (fault !== undefined) return { status: "failed", reason: fault };
    if (!adapter)
      return {
        status: "not-local",
        reason: `It uses ${kind} "${name}", which has no local adapter yet.`,
      };
    ports[name] = onlyVerbs(adapter, verbs);
  }
  if (secrets.length > 0) ports.secrets = adapters.secrets(secrets);
  return { ports };
}
