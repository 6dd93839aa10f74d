import { existsSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { type BuildFailure, build, type Metafile, type Plugin, version } from "esbuild";
import type { System } from "../../spec/index.ts";
import { type Artefact, cached, Hashes, sha256, store } from "./bundle-cache.ts";
import { type Entry, entryFor, isBundled } from "./entries.ts";
import { type Fault, refuse } from "./validation.ts";

export type { Artefact } from "./bundle-cache.ts";

export interface BundleOptions {
  readonly system: System;
  /** Names of the workloads. Default: all that have code and a trigger that runs on a function */
  readonly workloads?: readonly string[];
  /** The project's root. Default: the working directory */
  readonly root?: string;
  /** Folder for archives and cache, from the working directory. Default: ".spillway/bundles" */
  readonly outDir?: string;
}

/** Whether a workload's folder has an `index.ts` yet. */
export const hasCode = (system: System, workload: string, root = "."): boolean =>
  existsSync(join(root, system.workloads[workload]?.code ?? "", "index.ts"));

/** Names of the workloads that {@link bundleFunctions} can bundle: with code, and a known trigger. */
export const bundled = (system: System, root = "."): string[] =>
  Object.entries(system.workloads)
    .filter(([name, workload]) => isBundled(workload.kind) && hasCode(system, name, root))
    .map(([name]) => name);

/**
 * Bundles workloads into one minified ES module each, zipped. The same inputs give the same bytes,
 * so that a second deployment changes nothing; what has not changed is not built again.
 * @returns artefacts by workload
 * @throws {Error} with all faults: a workload without code, a port without an adapter, what the
 *   compiler found
 * @example
 * const artefacts = await bundleFunctions({ system, workloads: ["users"] });
 */
export async function bundleFunctions<const Name extends string>(
  options: BundleOptions & { readonly workloads: readonly Name[] },
): Promise<Readonly<Record<Name, Artefact>>>;
export async function bundleFunctions(
  options: BundleOptions,
): Promise<Readonly<Record<string, Artefact>>>;
export async function bundleFunctions(
  options: BundleOptions,
): Promise<Readonly<Record<string, Artefact>>> {
  const { system, root = ".", outDir = ".spillway/bundles" } = options;
  const names = options.workloads ?? bundled(system, root);
  const entries = entriesOf(system, names, root);
  const hashes = new Hashes(root);
  const key = (entry: Entry) => sha256(toolchain(hashes) + entry.code);
  await mkdir(outDir, { recursive: true });

  const found = await Promise.all(
    names.map((name) => cached(join(outDir, name), key(entries[name] as Entry), hashes)),
  );
  const stale = names.filter((_, index) => !found[index]);
  const started = Date.now();
  const built = await compile(stale, entries, root);
  const made = await Promise.all(
    stale.map(async (name) => {
      const { code, inputs } = built[name] as Compiled;
      const seen = inputs.map((file): [string, string] => [file, hashes.of(file)]);
      // A file that was saved meanwhile may be half in: such a bundle is not vouched for.
      const settled = inputs.every((file) => statSync(join(root, file)).mtimeMs <= started);
      return store(join(outDir, name), code, settled ? key(entries[name] as Entry) : "", seen);
    }),
  );
  const fresh = new Map(stale.map((name, index) => [name, made[index]]));
  return Object.fromEntries(
    names.map((name, index) => [name, (found[index] ?? fresh.get(name)) as Artefact]),
  );
}

function entriesOf(system: System, names: readonly string[], root: string) {
  const faults: Fault[] = [];
  const entries: Record<string, Entry> = {};
  for (const name of names) {
    const entry = entryFor(system, name);
    if (typeof entry === "string") {
      faults.push(entry);
      continue;
    }
    entries[name] = entry;
    for (const file of entry.imports)
      if (!existsSync(join(root, file)))
        faults.push(
          `workload "${name}" needs ${file}, which is not there; write it, or leave the workload out`,
        );
  }
  refuse("bundleFunctions", system.name, faults);
  return entries;
}

const settings = {
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node24",
  minify: true,
  // ES modules where packages have them: the largest lever on size (client-s3: a third).
  mainFields: ["module", "main"] as string[],
  metafile: true,
  write: false,
  logLevel: "silent",
} as const satisfies Parameters<typeof build>[0];

/** Packages of CommonJS may call `require` for Node's own modules, which ES modules lack. */
const requireBanner = Buffer.from(
  'import{createRequire as $require}from"node:module";const require=$require(import.meta.url);\n',
);
const dynamicRequire = 'Dynamic require of "';

interface Compiled {
  readonly code: Uint8Array;
  readonly inputs: readonly string[];
}

/** One build with an entry point each: what bundles share is read and parsed once. */
async function compile(
  names: readonly string[],
  entries: Readonly<Record<string, Entry>>,
  root: string,
): Promise<Readonly<Record<string, Compiled>>> {
  if (names.length === 0) return {};
  const prefix = "spillway:";
  const plugin: Plugin = {
    name: "entries",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^spillway:/ }, ({ path }) => ({
        path: path.slice(prefix.length),
        namespace: "spillway",
      }));
      onLoad({ filter: /./, namespace: "spillway" }, ({ path }) => ({
        contents: entries[path]?.code ?? "",
        resolveDir: resolve(root),
        loader: "js",
      }));
    },
  };
  const folder = resolve(root);
  const { outputFiles, metafile } = await build({
    ...settings,
    entryPoints: Object.fromEntries(names.map((name) => [name, prefix + name])),
    outdir: folder,
    absWorkingDir: folder,
    plugins: [plugin],
  }).catch((error: BuildFailure) => {
    const faults = error.errors?.map(({ text, location }) =>
      location ? `${location.file}:${location.line}: ${text}` : text,
    );
    refuse("bundleFunctions", names.join(", "), faults ?? [String(error)]);
    throw error;
  });
  const outputs = new Map(outputFiles.map((file) => [relative(folder, file.path), file.contents]));
  return Object.fromEntries(
    names.map((name) => {
      const code = outputs.get(`${name}.js`) as Uint8Array;
      const inputs = reachable(metafile, prefix + name).filter((file) => !file.startsWith(prefix));
      const needsRequire = Buffer.from(code).includes(dynamicRequire);
      return [name, { code: needsRequire ? Buffer.concat([requireBanner, code]) : code, inputs }];
    }),
  );
}

/** All files that were read for an entry, also those of which nothing is left in the bundle. */
function reachable({ inputs }: Metafile, entry: string): string[] {
  const seen = new Set([entry]);
  for (const file of seen)
    for (const { path, external } of inputs[file]?.imports ?? []) if (!external) seen.add(path);
  return [...seen].sort();
}

/** What else decides about a bundle: the compiler, its settings, and which packages are installed. */
const toolchain = (hashes: Hashes): string =>
  JSON.stringify([version, settings, hashes.of("package-lock.json"), hashes.of("tsconfig.json")]);
