/**
 * Failures on demand, and operations that take their time. SPILLWAY_SIMULATED_FAULT holds
 * `<fail|hang|500ms> <create|read|update|delete> <type, URN, resource name or *>`; several with `;`,
 * of which the first that fits counts.
 */
import { setTimeout } from "node:timers/promises";

const actions = /^(?:fail|hang|(\d{1,5})ms)$/;
const verbs = ["create", "read", "update", "delete"];

export type Verb = "create" | "read" | "update" | "delete";

export interface Faults {
  /** Throws, hangs or waits when this operation is named; a hang ends when the engine cancels. */
  at(verb: Verb, urn: string, type: string): Promise<void>;
  cancel(): void;
}

/** Reads the faults asked for; a misspelt one is an error rather than no fault. */
export function readFaults(text = process.env.SPILLWAY_SIMULATED_FAULT ?? ""): Faults {
  const faults = text.split(";").flatMap((line) => (line.trim() ? [parse(line.trim())] : []));
  let cancel = (): void => {};
  const cancelled = new Promise<void>((resolve) => {
    cancel = resolve;
  });
  return {
    cancel,
    async at(verb, urn, type) {
      const names = [urn, type, urn.split("::").at(-1), "*"];
      const fault = faults.find((f) => f.verb === verb && names.includes(f.target));
      if (!fault) return;
      const [, ms] = actions.exec(fault.action) ?? [];
      if (ms !== undefined) return setTimeout(Number(ms));
      if (fault.action === "hang") await cancelled;
      throw new Error(
        fault.action === "hang"
          ? `simulated interruption: the ${verb} of ${type} was cancelled`
          : `simulated failure: the ${verb} of ${type} was told to fail by SPILLWAY_SIMULATED_FAULT`,
      );
    },
  };
}

function parse(line: string): { action: string; verb: string; target: string } {
  const [action = "", verb = "", ...rest] = line.split(/\s+/);
  if (!actions.test(action) || !verbs.includes(verb) || rest.length === 0)
    throw new Error(
      `SPILLWAY_SIMULATED_FAULT: got "${line}"; write <fail|hang|500ms> <create|read|update|delete> <type, URN, name or *>`,
    );
  return { action, verb, target: rest.join(" ") };
}
