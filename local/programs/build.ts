import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { mkdir, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { Hashes, sha256 } from "../../components/shared/bundle-cache.ts";
import { type Compiled, compile, settings } from "../../components/shared/compile.ts";
import { commandOf } from "../../components/shared/image.ts";
import type { System } from "../../spec/index.ts";
import { functionOf, programOf, twinFile } from "./entry.ts";

/** A workload's program as it is started: what has not changed is the same one. */
export interface Release {
  /** Of its content. */
  readonly id: string;
  /** Working folder, laid out as that of the image. */
  readonly folder: string;
  /** Arguments of `node`, as in the image. */
  readonly command: readonly string[];
}

/** A build: the release, or why there is none; and the files that it was made of. */
export type Built =
  | { readonly release: Release; readonly inputs: readonly string[] }
  | { readonly fault: string };

export interface BuildOptions {
  readonly system: System;
  /** The project's folder. */
  readonly root: string;
  /** Where programs are kept, a folder each. */
  readonly folder: string;
  /** Workloads whose server spills into a function. */
  readonly twins: ReadonlySet<string>;
}

/**
 * Bundles programs as those of the image are, with this machine's adapters. What one of them lacks
 * keeps no other from being built.
 */
export async function buildPrograms(
  names: readonly string[],
  options: BuildOptions,
): Promise<ReadonlyMap<string, Built>> {
  const { system } = options;
  const hashes = new Hashes(options.root);
  const known = new Map(
    names.flatMap((name) => {
      const record = recorded(name, options, hashes);
      return record ? [[name, record] as const] : [];
    }),
  );
  const stale = names.filter((name) => !known.has(name));
  // What one leaves out of its bundle another may have in it: a build for each set.
  const sets = Map.groupBy(stale, (name) => packagesOf(system, name).join());
  const built = await Promise.all([...sets.values()].map((same) => buildTogether(same, options)));
  return new Map([...known, ...built.flatMap((one) => [...one])]);
}

/** What a release was made of, so that it need not be made again at the next start. */
interface BuildRecord {
  /** Of the entries, and of the compiler. */
  readonly key: string;
  readonly id: string;
  /** Files with their hashes. */
  readonly inputs: readonly (readonly [string, string])[];
}

const recordOf = (name: string, { folder }: BuildOptions): string =>
  path.join(folder, `${name}.json`);

const keyOf = (name: string, options: BuildOptions, hashes: Hashes): string =>
  sha256(
    JSON.stringify([
      entriesOf(name, options),
      settings,
      hashes.of("package-lock.json"),
      hashes.of("tsconfig.json"),
    ]),
  );

/** The release of an earlier start, where nothing that it was made of has changed. */
function recorded(name: string, options: BuildOptions, hashes: Hashes): Built | undefined {
  try {
    const text = readFileSync(recordOf(name, options), "utf8");
    const { key, id, inputs } = JSON.parse(text) as BuildRecord;
    const release = releaseAt(name, id, options);
    const isSound =
      key === keyOf(name, options, hashes) &&
      inputs.every(([file, expected]) => hashes.of(file) === expected) &&
      existsSync(path.join(release.folder, release.command[0] as string));
    const files = inputs.map(([file]) => path.resolve(options.root, file));
    return isSound ? { release, inputs: files } : undefined;
  } catch {
    return undefined; // Not there, or not whole: it is built again.
  }
}

const releaseAt = (name: string, id: string, { folder }: BuildOptions): Release => ({
  id,
  folder: path.join(folder, name, id),
  command: commandOf(name),
});

const packagesOf = (system: System, name: string): readonly string[] =>
  [...(system.workloads[name]?.packages ?? [])].sort();

/** Together, since they share most of what is read; each alone where that fails. */
async function buildTogether(
  names: readonly string[],
  options: BuildOptions,
): Promise<ReadonlyMap<string, Built>> {
  const { system, root } = options;
  const entries = Object.assign({}, ...names.map((name) => entriesOf(name, options)));
  try {
    const began = Date.now();
    const compiled = await compile(entries, root, packagesOf(system, names[0] ?? ""));
    const made = names.map(
      async (name) => [name, await releaseOf(name, compiled, began, options)] as const,
    );
    return new Map(await Promise.all(made));
  } catch (error) {
    const [only = "", ...others] = names;
    if (others.length === 0) return new Map([[only, { fault: faultOf(error) }]]);
    const alone = await Promise.all(names.map((name) => buildTogether([name], options)));
    return new Map(alone.flatMap((one) => [...one]));
  }
}

const twinOf = (name: string): string => `${name}.twin`;

function entriesOf(name: string, { system, twins }: BuildOptions): Record<string, string> {
  const redis = Boolean(process.env.REDIS_URL);
  const twin = twins.has(name);
  const program = programOf(system, name, { redis, twin });
  if (program === undefined) throw new Error(`workload "${name}" has no process of its own`);
  return { [name]: program, ...(twin && { [twinOf(name)]: functionOf(system, name, { redis }) }) };
}

async function releaseOf(
  name: string,
  compiled: Readonly<Record<string, Compiled>>,
  began: number,
  options: BuildOptions,
): Promise<Built> {
  const { system, root } = options;
  const program = compiled[name] as Compiled;
  const twin = compiled[twinOf(name)];
  const id = sha256(sha256(program.code) + (twin ? sha256(twin.code) : "")).slice(0, 16);
  const inputs = new Set([...program.inputs, ...(twin?.inputs ?? [])]);
  const release = releaseAt(name, id, options);
  const { command } = release;
  if (!existsSync(release.folder)) {
    const fresh = `${release.folder}.${process.pid}`;
    const at = path.join(fresh, path.dirname(command[0] as string));
    await mkdir(at, { recursive: true });
    await writeFile(path.join(at, "index.mjs"), program.code);
    if (twin) await writeFile(path.join(at, twinFile), twin.code);
    if (packagesOf(system, name).length > 0)
      await symlink(
        packagesFor(path.resolve(root, system.workloads[name]?.code ?? "")),
        path.join(at, "node_modules"),
        "dir",
      );
    await rename(fresh, release.folder);
  }
  // A file that was saved meanwhile may be half in: such a build is not vouched for.
  const hashes = new Hashes(root);
  if ([...inputs].every((file) => statSync(path.join(root, file)).mtimeMs <= began)) {
    const record: BuildRecord = {
      key: keyOf(name, options, hashes),
      id,
      inputs: [...inputs].map((file) => [file, hashes.of(file)]),
    };
    await writeFile(recordOf(name, options), JSON.stringify(record));
  }
  return { release, inputs: [...inputs].map((file) => path.resolve(root, file)) };
}

/** Where packages that are not bundled are found from a folder of the project. */
function packagesFor(code: string): string {
  for (let at = realpathSync(code); ; at = path.dirname(at)) {
    const packages = path.join(at, "node_modules");
    if (existsSync(packages)) return packages;
    if (at === path.dirname(at))
      throw new Error(`${code} has no node_modules above it; run npm ci in the project`);
  }
}

/** Removes what was built of a workload before. */
export async function keepOnly({ id, folder }: Release): Promise<void> {
  const all = path.dirname(folder);
  for (const other of await readdir(all))
    if (other !== id) await rm(path.join(all, other), { recursive: true, force: true });
}

/** In one line, without the compiler's own preface. */
const faultOf = (error: unknown): string =>
  (error as Error).message
    .replace(/^bundleFunctions "[^"]*": (\d+ faults\n)?/, "")
    .trim()
    .replaceAll(/\s*\n\s*(- )?/g, "; ")
    .replace(/^- /, "");
