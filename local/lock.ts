import { takeFolder } from "../runtime/adapters/local/folder-lock.ts";
import { StartFault } from "./settings.ts";

/**
 * Takes the data folder for this process; the lock ends with the process, however that ends.
 * @returns what gives it back
 * @throws {StartFault} where another process has it, or it cannot be written
 */
export function lockFolder(folder: string): () => void {
  let release: (() => void) | undefined;
  try {
    release = takeFolder(folder);
  } catch (error) {
    throw new StartFault(
      `start "SPILLWAY_DATA": ${folder} cannot be locked (${(error as Error).message}); name a folder that you may write`,
      { cause: error },
    );
  }
  if (release) return release;
  throw new StartFault(
    `start "SPILLWAY_DATA": ${folder} is in use by another spillway start; stop that one or name another folder`,
  );
}
