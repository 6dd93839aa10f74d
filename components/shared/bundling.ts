import { existsSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { version } from "esbuild";
import { limits } from "../../planner/index.ts";
import type { System } from "../../spec/index.ts";
import { type Artefact, cached, Hashes, sha256, store } from "./bundle-cache.ts";
import { type Compiled, compile, settings } from "./compile.ts";
import { containerEntryFor, type Entry, entryFor, functionFault } from "./entries.ts";
import { type Fault, refuse } from "./faults.ts";
import {
  fetched,
  filesOf,
  functionPlatform,
  type NativePackages,
  nativePackages,
  type Platform,
} from "./native-packages.ts";

export type { Artefact } from "./bundle-cache.ts";
export type { Platform } from "./native-packages.ts";

export interface BundleOptions {
  readonly system: System;
  /** Names of the workloads. Default: all that have code and a trigger that runs on a function */
  readonly workloads?: readonly string[];
  /** The project's root. Default: the working directory */
  readonly root?: string;
  /** Folder for archives and cache, from the working directory. Default: ".spillway/bundles" */
  readonly outDir?: string;
  /** What packages with native parts are for. Default: linux-arm64, as functions are */
  readonly platform?: Platform;
}

/** Whether a workload's folder has an `index.ts` yet. */
export const hasCode = (system: System, workload: string, root = "."): boolean =>
  existsSync(join(root, system.workloads[workload]?.code ?? "", "index.ts"));

/** Names of the workloads that {@link bundleFunctions} can bundle: with code, and fit for a function. */
export const bundled = (system: System, root = "."): string[] =>
  Object.keys(system.workloads).filter(
    (name) => functionFault(system, name) === undefined && hasCode(system, name, root),
  );

/**
 * Bundles workloads into one minified ES module each, zipped. The same inputs give the same bytes,
 * so that a second deployment changes nothing; what has not changed is not built again. Packages
 * with native parts travel as files: exactly those of package-lock.json, fetched by npm once.
 * @returns artefacts by workload
 * @throws {Error} with all faults: a workload without code, a port without an adapter, what the
 *   compiler found, packages that cannot be fetched, more than a function may hold
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
  const { system, root = "." } = options;
  const names = options.workloads ?? bundled(system, root);
  const artefacts = await bundleEntries(
    { outDir: ".spillway/bundles", ...options },
    names,
    entryFor,
  );
  const oversize = Object.entries(artefacts).flatMap(([name, { archive, unzippedBytes }]) =>
    sizeFaults(name, unzippedBytes, statSync(archive).size),
  );
  refuse("bundleFunctions", system.name, oversize);
  return artefacts;
}

/** As {@link bundleFunctions}, for workloads on containers: programs, of any size. */
export const bundleContainers = (
  options: BundleOptions & { readonly workloads: readonly string[]; readonly outDir: string },
): Promise<Readonly<Record<string, Artefact>>> =>
  bundleEntries(options, options.workloads, containerEntryFor);

/**
 * Bundles modules that are made of a system, one for each name.
 * @param entryOf the module, or what is wrong
 */
export async function bundleEntries(
  options: BundleOptions & { readonly outDir: string },
  names: readonly string[],
  entryOf: (system: System, name: string) => Entry | Fault,
): Promise<Readonly<Record<string, Artefact>>> {
  const { system, root = ".", outDir, platform = functionPlatform } = options;
  const plans = await plansOf(system, names, root, platform, entryOf);
  const hashes = new Hashes(root);
  const tools = toolchain(hashes);
  const keyOf = ({ code, native }: Plan) => sha256(tools + code + (native?.key ?? ""));
  await mkdir(outDir, { recursive: true });

  const kept = await Promise.all(
    plans.map((plan) => cached(join(outDir, plan.name), keyOf(plan), hashes)),
  );
  const stale = plans.filter((_, index) => !kept[index]);
  const started = Date.now();
  const built = await compileAll(stale, root);
  const made = await Promise.all(
    stale.map(async (plan): Promise<readonly [string, Artefact]> => {
      const { code, inputs } = built[plan.name] as Compiled;
      const seen = inputs.map((file): [string, string] => [file, hashes.of(file)]);
      // A file that was saved meanwhile may be half in: such a bundle is not vouched for.
      const settled = inputs.every((file) => statSync(join(root, file)).mtimeMs <= started);
      const packages = plan.native && (await packagesOf(plan, root, outDir));
      const key = settled ? keyOf(plan) : "";
      return [plan.name, await store(join(outDir, plan.name), { code, packages }, key, seen)];
    }),
  );
  const fresh = new Map(made);
  return Object.fromEntries(
    plans.map(({ name }, index) => [name, (kept[index] ?? fresh.get(name)) as Artefact]),
  );
}

/** What a bundle is made from. */
interface Plan {
  readonly name: string;
  readonly code: string;
  /** Packages that travel as files. */
  readonly packages: readonly string[];
  readonly native?: NativePackages;
}

async function plansOf(
  system: System,
  names: readonly string[],
  root: string,
  platform: Platform,
  entryOf: (system: System, name: string) => Entry | Fault,
): Promise<readonly Plan[]> {
  const faults: Fault[] = [];
  const plans: Plan[] = [];
  for (const name of names) {
    const entry = entryOf(system, name);
    if (typeof entry === "string") {
      faults.push(entry);
      continue;
    }
    for (const file of entry.imports)
      if (!existsSync(join(root, file)))
        faults.push(
          `workload "${name}" needs ${file}, which is not there; write it, or leave the workload out`,
        );
    const { packages = [] } = system.workloads[name] ?? {};
    const native = packages.length > 0 ? await nativePackages(root, packages, platform) : undefined;
    if (typeof native === "string") faults.push(`workload "${name}": ${native}`);
    else plans.push({ name, code: entry.code, packages, native });
  }
  refuse("bundleFunctions", system.name, faults);
  return plans;
}

/** What one workload leaves out of its bundle another may have in it: a build for each set. */
async function compileAll(plans: readonly Plan[], root: string) {
  const sets = Map.groupBy(plans, ({ packages }) => [...packages].sort().join());
  const built: Readonly<Record<string, Compiled>>[] = [];
  for (const same of sets.values()) {
    const entries = Object.fromEntries(same.map(({ name, code }) => [name, code]));
    built.push(await compile(entries, root, same[0]?.packages));
  }
  return Object.assign({}, ...built) as Readonly<Record<string, Compiled>>;
}

/** Packages are kept by their versions and platform, for all bundles of the folder. */
async function packagesOf({ name, native }: Plan, root: string, outDir: string) {
  const folder = await fetched(join(outDir, ".packages"), root, native as NativePackages).catch(
    (error: Error) => {
      refuse("bundleFunctions", name, [error.message]);
      throw error;
    },
  );
  return { folder, files: await filesOf(folder, (native as NativePackages).platform) };
}

const MiB = 1_048_576;
/** Largest zip that can be uploaded as it is (AWS Lambda quotas, read 2026-11), in MB. */
const uploadMb = 50;

/** What is wrong with the size of a function's code, in bytes. */
export function sizeFaults(name: string, unzipped: number, zipped: number): Fault[] {
  const over = (what: string, bytes: number, mb: number): Fault[] =>
    bytes > mb * MiB
      ? [
          `workload "${name}": ${what} ${Math.ceil(bytes / MiB)} MB, over a function's ${mb}; place it on a function image, or leave packages out`,
        ]
      : [];
  return [
    ...over("unzipped it has", unzipped, limits.functionZipMb),
    ...over("its zip has", zipped, uploadMb),
  ];
}

/** What else decides about a bundle: the compiler, its settings, and which packages are installed. */
const toolchain = (hashes: Hashes): string =>
  JSON.stringify([version, settings, hashes.of("package-lock.json"), hashes.of("tsconfig.json")]);
