import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { sha256 } from "./bundle-cache.ts";
import type { Fault } from "./faults.ts";

/** What native parts are built for, as npm names it; on Linux always with glibc. */
export interface Platform {
  readonly os: string;
  readonly cpu: string;
}

/** What functions run on: Amazon Linux 2023 on Graviton. */
export const functionPlatform: Platform = { os: "linux", cpu: "arm64" };

/** A package-lock.json of version 2 or 3, as far as it is read here. */
export interface Lockfile {
  readonly packages?: Readonly<Record<string, LockedPackage>>;
}
interface LockedPackage {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
}

/**
 * The part of a lockfile that some packages need: exactly the versions that the project was tested
 * with, of every platform.
 * @param names of packages that the project depends on itself
 */
export function lockOf(lock: Lockfile, names: readonly string[]): Lockfile | Fault {
  const all = lock.packages ?? {};
  const missing = names.find((name) => all[`node_modules/${name}`]?.version === undefined);
  if (missing !== undefined)
    return `package "${missing}" is not in package-lock.json; npm install --save-exact ${missing}`;
  const dependencies = Object.fromEntries(
    [...names].sort().map((name) => [name, all[`node_modules/${name}`]?.version ?? ""]),
  );
  const found = new Map<string, LockedPackage>();
  const visit = (at: string) => {
    const { dev: _, devOptional: __, ...locked } = all[at] as LockedPackage;
    if (found.has(at)) return;
    found.set(at, locked);
    for (const name of Object.keys({ ...locked.dependencies, ...locked.optionalDependencies })) {
      const next = resolved(all, at, name);
      if (next !== undefined) visit(next);
    }
  };
  for (const name of names) visit(`node_modules/${name}`);
  return { packages: { "": { dependencies }, ...Object.fromEntries([...found].sort(byPath)) } };
}

const byPath = ([one]: readonly [string, unknown], [two]: readonly [string, unknown]) =>
  one < two ? -1 : 1;

/** Where Node.js finds what a package asks for: in its own folder, or in one further up. */
function resolved(all: object, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, folder.lastIndexOf("/node_modules/"))) {
    const at = `${folder}/node_modules/${name}`;
    if (Object.hasOwn(all, at)) return at;
    if (!folder.includes("/node_modules/"))
      return Object.hasOwn(all, `node_modules/${name}`) ? `node_modules/${name}` : undefined;
  }
}

export interface NativePackages {
  /** What decides about the files: versions, their hashes, and the platform. */
  readonly key: string;
  readonly lock: Lockfile;
  readonly platform: Platform;
}

/** What would be fetched; nothing is fetched yet. */
export async function nativePackages(
  root: string,
  names: readonly string[],
  platform: Platform,
): Promise<NativePackages | Fault> {
  const text = await readFile(join(root, "package-lock.json"), "utf8").catch(() => "{}");
  const lock = lockOf(JSON.parse(text) as Lockfile, names);
  if (typeof lock === "string") return lock;
  return { key: sha256(JSON.stringify([lock, platform])), lock, platform };
}

/**
 * Fetches packages with npm into the cache, once; no script of theirs is run.
 * @param cache folder for packages of any kind
 * @param root the project's, whose npm settings hold
 * @returns the folder that holds their node_modules
 * @throws {Error} where npm could not fetch them
 */
export async function fetched(
  cache: string,
  root: string,
  { key, lock, platform }: NativePackages,
): Promise<string> {
  const folder = join(cache, key.slice(0, 16));
  if (existsSync(folder)) return folder;
  const temporary = `${folder}.${randomUUID()}`;
  try {
    await mkdir(temporary, { recursive: true });
    const { dependencies } = lock.packages?.[""] ?? {};
    const manifest = { name: "packages", version: "1.0.0", private: true, dependencies };
    await writeFile(join(temporary, "package.json"), JSON.stringify(manifest));
    await writeFile(
      join(temporary, "package-lock.json"),
      JSON.stringify({ ...manifest, lockfileVersion: 3, requires: true, ...lock }),
    );
    const settings = join(root, ".npmrc");
    if (existsSync(settings)) await copyFile(settings, join(temporary, ".npmrc"));
    await install(temporary, dependencies ?? {}, platform);
    await rm(join(temporary, ".npmrc"), { force: true });
    // Whole or not at all; who comes second takes what the first has put there.
    await rename(temporary, folder).catch((error) => {
      if (!existsSync(folder)) throw error;
    });
    return folder;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

const run = promisify(execFile);

async function install(
  folder: string,
  dependencies: Readonly<Record<string, string>>,
  { os, cpu }: Platform,
): Promise<void> {
  const libc = os === "linux" ? ["--libc=glibc"] : [];
  const platform = [`--os=${os}`, `--cpu=${cpu}`, ...libc];
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
  const patience = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"];
  try {
    await run("npm", ["ci", ...platform, ...quiet, ...patience], { cwd: folder });
  } catch (cause) {
    const { code, stderr = "" } = cause as { code?: string | number; stderr?: string };
    // npm's own words may hold addresses; its code says enough.
    const why = /npm (?:error|ERR!) code (\w+)/.exec(stderr)?.[1] ?? String(code);
    const wanted = Object.entries(dependencies).map(([name, version]) => `${name}@${version}`);
    throw new Error(
      `npm could not fetch ${wanted.join(", ")} for ${os}-${cpu} (${why}); check the network, and that npm is on PATH and reaches its registry, and run it again`,
      { cause },
    );
  }
}

/** npm's own notes, and links for shells: nothing that a program loads. */
const leftOut = [".package-lock.json", ".bin"];

/** Folders of packages that bring what is built for every platform: `linux/arm64`, `linux-arm64`. */
const built = /(?:^|\/)(linux|darwin|win32|freebsd|android)[/-](x64|arm64|ia32|arm)(?=[/+.]|$)/;

/** Whether a path leads to what is built for another platform. */
export function isForeign(path: string, { os, cpu }: Platform): boolean {
  const [, foundOs, foundCpu] = built.exec(path) ?? [];
  return foundOs !== undefined && (foundOs !== os || foundCpu !== cpu);
}

/**
 * The files of fetched packages by their paths, in the same order everywhere; without what is built
 * for other platforms.
 */
export async function filesOf(
  folder: string,
  platform: Platform,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const paths: string[] = [];
  const walk = async (at: string): Promise<void> => {
    for (const entry of await readdir(join(folder, at), { withFileTypes: true })) {
      if (leftOut.includes(entry.name)) continue;
      if (entry.isDirectory()) await walk(`${at}/${entry.name}`);
      else if (entry.isFile() && !isForeign(`${at}/${entry.name}`, platform))
        paths.push(`${at}/${entry.name}`);
    }
  };
  await walk("node_modules");
  const files = new Map<string, Uint8Array>();
  for (const path of paths.sort()) files.set(path, await readFile(join(folder, path)));
  return files;
}
