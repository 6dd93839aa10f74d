/** What stands in a stack's state and in the simulated cloud, for assertions. */
import { readdirSync } from "node:fs";
import type { Engine } from "../../tools/engine.ts";

/** A resource as the state has it. */
export interface Stateful {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** The resources of a state file's text; none after a destroy. */
export function resourcesOf(state: string): readonly Stateful[] {
  const { checkpoint } = JSON.parse(state) as {
    checkpoint: { latest: { resources?: (Omit<Stateful, "outputs"> & Partial<Stateful>)[] } };
  };
  // A component without outputs has no entry for them.
  return (checkpoint.latest.resources ?? []).map((each) => ({ outputs: {}, ...each }));
}

/** The files of the simulated cloud, one a resource, as paths below its folder. */
export const inCloud = (engine: Engine): string[] =>
  readdirSync(engine.cloud, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".json"),
  );
