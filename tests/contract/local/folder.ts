import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** A folder that is gone at the end. */
export async function temporaryFolder(): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), "spillway-"));
  // A server that is ending by itself may still write into it: ENOTEMPTY, tried again.
  const remove = () =>
    rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  return { folder, remove };
}
