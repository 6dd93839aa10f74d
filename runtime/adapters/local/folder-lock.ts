import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/**
 * Takes a folder for this process, by the operating system's own lock on a file (Node has no
 * other way to it than SQLite's exclusive transaction). It ends with the process, however that
 * ends, so there is no stale lock to clear.
 * @returns what gives the folder back; `undefined` where another has it
 */
export function takeFolder(folder: string): (() => void) | undefined {
  const database = new DatabaseSync(join(folder, "lock"));
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    return () => database.close();
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === 5) return undefined; // SQLITE_BUSY
    throw error;
  }
}
