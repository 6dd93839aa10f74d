import { randomBytes, randomUUID } from "node:crypto";
import { chmod, link, mkdir, open, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { localSecretEnvName } from "../../../spec/index.ts";
import type { Secrets } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";

/**
 * The secrets port on this machine: SPILLWAY_SECRET_<NAME>, else a random value that is made once
 * and kept in a file, readable by its owner alone. Read at each call, so a rotation is seen.
 * @param options.names that the workload declares
 * @param options.folder of the values that were made; made where it is missing
 */
export function secrets<Name extends string>({
  names,
  folder,
}: {
  names: readonly Name[];
  folder: string;
}): Secrets<Name> {
  return {
    async get(name) {
      const fault = faultsOf("secret", name);
      if (!names.includes(name)) throw fault("not-found", "is not declared; add it to `uses`");
      const variable = localSecretEnvName(name);
      const given = process.env[variable];
      if (given) return given;
      try {
        return (await kept(path.join(folder, name))) ?? (await made(folder, name));
      } catch (error) {
        const denied = ["EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "");
        const remedy = `make ${folder} yours alone or set ${variable}`;
        throw fault(
          denied ? "denied" : "unavailable",
          `its file cannot be read or made; ${remedy}`,
          error,
        );
      }
    },
  };
}

async function kept(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Whole or not at all; of several that make it at the same time, one wins and all give its value. */
async function made(folder: string, name: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const file = path.join(folder, name);
  const draft = path.join(folder, `.${randomUUID()}`);
  try {
    const handle = await open(draft, "wx", 0o600);
    await handle.writeFile(randomBytes(32).toString("base64url"));
    await handle.sync();
    await handle.close();
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  return (await readFile(file, "utf8")).trim();
}
