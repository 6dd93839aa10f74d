import type { PortError } from "../../ports/index.ts";
import { isPortError } from "../../ports/index.ts";
import type { Fault } from "../faults.ts";

/**
 * Runs a piece of database work; whatever it throws leaves as a PortError.
 * Values are checked before, so what the driver throws means that the database cannot serve now.
 */
export async function guarded<T>(fault: Fault, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asPortError(fault, error);
  }
}

export const asPortError = (fault: Fault, error: unknown): PortError =>
  isPortError(error)
    ? error
    : fault("unavailable", "the database did not answer as it should; try again", error);
