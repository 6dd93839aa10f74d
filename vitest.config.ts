import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { findPython } from "./tools/python.ts";

/**
 * Real servers, browsers and emulators share a CI machine with whatever else runs there: a test that
 * needs them may try once more, which the report shows. Tests of pure code may not.
 */
const retry = process.env.CI === "true" ? 1 : 0;

/** One graphql for all, as in Node and in bundles: Vite alone would take its other build for ours. */
const resolve = { alias: { graphql: fileURLToPath(import.meta.resolve("graphql")) } };

const project = (name: string, include: string[], timeoutSeconds = 60) => ({
  resolve,
  test: {
    name,
    include,
    setupFiles: ["tests/setup.ts"],
    retry: name === "unit" ? 0 : retry,
    testTimeout: timeoutSeconds * 1000,
    hookTimeout: Math.max(60, timeoutSeconds) * 1000,
    // What is waited for may take its time on a machine with other work; it ends when it is there.
    expect: { poll: { timeout: 10_000 } },
  },
});

const contract = project("contract", ["tests/{contract,cloud}/**/*.test.ts"], 120);
// One AWS emulator for the run, and Valkey; without Python it says what was not tested, or fails under CI.
Object.assign(contract.test, {
  globalSetup: ["tests/contract/setup.ts"],
  exclude: findPython() ? [] : ["tests/contract/{aws,valkey}/**", "tests/cloud/**"],
});

export default defineConfig({
  test: {
    // Most of the time is waiting for servers: on two cores the default of one file at a time wastes it.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    projects: [
      project("unit", [
        "tests/*.test.ts",
        "tests/{spec,planner,components,functions,runtime,entries,repo,cli}/**/*.test.ts",
      ]),
      contract,
      project("local", ["tests/{local,workflow}/**/*.test.ts"], 180),
      project("engine", ["tests/engine/**/*.test.ts"], 600),
    ],
  },
});
