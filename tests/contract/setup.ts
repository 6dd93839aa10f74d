import type { TestProject } from "vitest/node";
import { startMoto } from "../../tools/moto.ts";
import { findPython, pythonRemedy } from "../../tools/python.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Base URL of this run's moto server. */
    moto: string;
  }
}

/** One AWS emulator for the whole run; vitest.config.ts leaves out tests/contract/{aws,valkey} without it. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | void> {
  if (!findPython()) {
    const text = `Not tested: the aws adapters and the cache by the Redis protocol, which need moto and Valkey; ${pythonRemedy}.`;
    if (process.env.CI === "true") throw new Error(text);
    console.warn(text);
    return;
  }
  const moto = await startMoto();
  project.provide("moto", moto.url);
  return () => moto.stop();
}
