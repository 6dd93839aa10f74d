import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { StartFault } from "../local/settings.ts";
import { type Host, hosts } from "../planner/index.ts";
import type { System } from "../spec/index.ts";

/**
 * The hosts that a stack's config chooses by hand: `spillway:placement` of Pulumi.<stack>.yaml, or
 * nothing where there is no such file. What a deployment would read, a local run reads too.
 * @param root the project's folder
 * @param own hosts for this run alone, which go before, such as "orders=container-with-overflow"
 * @throws {StartFault} with every fault in one message
 */
export function readPlacement(
  root: string,
  stack: string,
  system: System,
  own = "",
): Readonly<Record<string, Host>> {
  const name = `Pulumi.${stack}.yaml`;
  if (!/^[\w.-]+$/.test(stack))
    throw new StartFault(`start "SPILLWAY_STACK": "${stack}" is no stack's name; use "dev"`);
  const file = path.join(root, name);
  // A project without a stack yet is whole; a name that somebody wrote has to lead somewhere.
  if (stack !== "dev" && !existsSync(file))
    throw new StartFault(
      `start "SPILLWAY_STACK": there is no ${name} in ${root}; use the name of a stack that is there`,
    );
  const config = existsSync(file) ? parsed(name, readFileSync(file, "utf8")) : undefined;
  const given = (config?.config?.["spillway:placement"] ?? {}) as Record<string, unknown>;
  const chosen = Object.fromEntries(
    own
      .split(",")
      .filter((part) => part !== "")
      .map((part) => part.split("=", 2)),
  ) as Record<string, unknown>;
  const faults = [
    ...faultsOf(system, given).map((fault) => `${name}: ${fault}`),
    ...faultsOf(system, chosen).map((fault) => `start "SPILLWAY_PLACEMENT": ${fault}`),
  ];
  if (faults.length > 0) throw new StartFault(faults.join("\n"));
  return { ...given, ...chosen } as Record<string, Host>;
}

const faultsOf = (system: System, placement: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(placement).flatMap(([workload, host]) => [
    ...(Object.hasOwn(system.workloads, workload)
      ? []
      : [
          `placement.${workload}: there is no such workload; use one of ${Object.keys(system.workloads).join(", ")}`,
        ]),
    ...((hosts as readonly unknown[]).includes(host)
      ? []
      : [`placement.${workload} ${JSON.stringify(host)}; use one of ${hosts.join(", ")}`]),
  ]);

function parsed(name: string, text: string) {
  try {
    return parse(text) as { readonly config?: Readonly<Record<string, unknown>> } | null;
  } catch (error) {
    const [line = ""] = (error as Error).message.split("\n");
    throw new StartFault(`${name}: is no YAML (${line}); correct it`, { cause: error });
  }
}
