import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { bundled, bundleFunctions } from "../../components/shared/bundling.ts";
import { entryFor } from "../../components/shared/entries.ts";
import { usesOf } from "../../spec/index.ts";
import { system } from "../../system.ts";
import { type Bench, median, type Result, ratio, result, shown } from "../result.ts";
import { bareOptions, buildBare } from "./bare.ts";

const root = path.resolve(import.meta.dirname, "../..");
const milliseconds = async (run: () => unknown): Promise<number> => {
  const start = performance.now();
  await run();
  return performance.now() - start;
};

/** Runs with a folder of its own, below the project so that packages resolve. */
async function inFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), "spillway-bench-"));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A whole process, from its start to the handler loaded, in milliseconds. */
const load = (file: string, env: Record<string, string>) => async () =>
  milliseconds(() => {
    const { status, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8", env });
    if (status !== 0) throw new Error(`bench: ${file} does not load: ${stderr.slice(-300)}`);
  });

/** A value for each variable that a function asks for; a URL fits them all. */
const environmentOf = (name: string): Record<string, string> =>
  Object.fromEntries(
    [...codeOf(name).matchAll(/SPILLWAY_\w+/g)].map(([variable]) => [
      variable,
      "https://a.example/b",
    ]),
  );

/** Start of each function against a bare bundle with the same clients, and its size. */
export const functions: Bench = () =>
  inFolder(async (folder) => {
    const artefacts = await bundleFunctions({ system, root, outDir: folder });
    const results: Result[] = [];
    for (const [name, { bundle, bytes }] of Object.entries(artefacts)) {
      const bare = path.join(folder, `${name}-bare.mjs`);
      buildBare(system, name, bare);
      const env = environmentOf(name);
      const start = await ratio(9, load(bundle, env), load(bare, env));
      results.push(
        result(`start: ${name} / bare bundle with its clients`, start.ratio, "ratio", "<=", 1.25),
        shown(`start: ${name}`, start.a, "ms"),
      );
      const withClient = usesOf(system, name).some((use) => use.kind !== "edge");
      const goal = withClient ? 450 : 120;
      results.push(result(`size: ${name}, minified`, bytes / 1000, "kB", "<=", goal));
    }
    return results;
  });

const codeOf = (name: string): string => {
  const entry = entryFor(system, name);
  if (typeof entry === "string") throw new Error(`bench: ${entry}`);
  return entry.code;
};

/** Bundling all functions, cold and unchanged, against esbuild alone on the same entries. */
export const bundling: Bench = () =>
  inFolder(async (folder) => {
    const names = bundled(system, root);
    let run = 0;
    const fresh = () => path.join(folder, `run-${run++}`);
    const ours = () =>
      milliseconds(() => bundleFunctions({ system, workloads: names, root, outDir: fresh() }));
    const alone = () =>
      milliseconds(() =>
        Promise.all(
          names.map((name) =>
            build({
              stdin: { contents: codeOf(name), resolveDir: root, loader: "ts" },
              ...bareOptions,
              outfile: path.join(fresh(), "index.mjs"),
            }),
          ),
        ),
      );
    const cold = await ratio(5, ours, alone);
    const outDir = fresh();
    const again = () =>
      milliseconds(() => bundleFunctions({ system, workloads: names, root, outDir }));
    const first = await again();
    const unchanged: number[] = [];
    for (let i = 0; i < 9; i++) unchanged.push(await again());
    return [
      result(`bundling: ${names.length} functions / esbuild alone`, cold.ratio, "ratio", "<=", 1.2),
      shown("bundling: first time", cold.a, "ms"),
      result("bundling: unchanged / first time", median(unchanged) / first, "ratio", "<=", 0.05),
    ];
  });
