import { hash, randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { zipSync } from "fflate";

/** A function's code, ready to be uploaded. Its handler is `index.handler`. */
export interface Artefact {
  /** Path of the zip, below `outDir` as it was given. */
  readonly archive: string;
  /** Path of the module that is in the zip: from there it can be loaded, packages and all. */
  readonly bundle: string;
  /** Size of the module, minified, in bytes. */
  readonly bytes: number;
  /** Size of everything that is in the zip, in bytes. */
  readonly unzippedBytes: number;
  /** Of the zip, in hexadecimal. */
  readonly sha256: string;
}

/** One time for all archives. Zips hold local time: so is this, and it is the same everywhere. */
const mtime = new Date(1980, 0, 1);
const readable = 0o100644 << 16;
const options = { mtime, os: 3, attrs: readable, level: 6 } as const;

const archived = (files: ReadonlyMap<string, Uint8Array>): Uint8Array =>
  zipSync(Object.fromEntries([...files].map(([path, content]) => [path, [content, options]])));

/** What an artefact is made of. */
export interface Content {
  /** The module, minified. */
  readonly code: Uint8Array;
  /** What travels beside it as files. */
  readonly packages?: {
    /** Where `node_modules` is. */
    readonly folder: string;
    /** By their paths, in the order of the zip. */
    readonly files: ReadonlyMap<string, Uint8Array>;
  };
}

interface CacheRecord {
  readonly key: string;
  /** Every file that was read, with its hash. */
  readonly inputs: readonly (readonly [string, string])[];
  readonly artefact: Artefact;
  /** What has to be beside the module. */
  readonly beside?: string;
}

/** Writes module, archive and then the record that vouches for them. */
export async function store(
  base: string,
  { code, packages }: Content,
  key: string,
  inputs: CacheRecord["inputs"],
): Promise<Artefact> {
  const files = new Map([["index.mjs", code], ...(packages?.files ?? [])]);
  const zip = archived(files);
  const bundle = packages ? join(base, "index.mjs") : `${base}.mjs`;
  const artefact: Artefact = {
    archive: `${base}.zip`,
    bundle,
    bytes: code.byteLength,
    unzippedBytes: [...files.values()].reduce((sum, { byteLength }) => sum + byteLength, 0),
    sha256: sha256(zip),
  };
  if (packages) await link(packages.folder, dirname(bundle));
  await Promise.all([replace(artefact.archive, zip), replace(bundle, code)]);
  const record: CacheRecord = {
    key,
    inputs,
    artefact,
    ...(packages && { beside: nextTo(bundle) }),
  };
  await replace(`${base}.json`, JSON.stringify(record));
  return artefact;
}

const nextTo = (bundle: string): string => join(dirname(bundle), "node_modules");

/** Puts packages beside a module without a copy of them. */
async function link(folder: string, at: string): Promise<void> {
  await mkdir(at, { recursive: true });
  const temporary = join(at, randomUUID());
  await symlink(relative(at, join(folder, "node_modules")), temporary, "dir");
  await rename(temporary, join(at, "node_modules"));
}

/** The artefact of an earlier run, where nothing that it was made of has changed. */
export async function cached(
  base: string,
  key: string,
  hashes: Hashes,
): Promise<Artefact | undefined> {
  try {
    const record: CacheRecord = JSON.parse(await readFile(`${base}.json`, "utf8"));
    const { archive, bundle, sha256: sum } = record.artefact;
    const { beside = bundle } = record;
    const sound =
      record.key === key &&
      archive === `${base}.zip` &&
      record.inputs.every(([file, expected]) => hashes.of(file) === expected) &&
      sha256(await readFile(archive)) === sum &&
      existsSync(bundle) &&
      existsSync(beside);
    return sound ? record.artefact : undefined;
  } catch {
    return undefined; // Not there, or not whole: it is built again.
  }
}

/** Hashes of files, each read once in a run. */
export class Hashes {
  readonly #root: string;
  readonly #known = new Map<string, string>();

  constructor(root: string) {
    this.#root = root;
  }
  of(file: string): string {
    const known = this.#known.get(file);
    if (known !== undefined) return known;
    const found = hashOf(join(this.#root, file));
    this.#known.set(file, found);
    return found;
  }
}

export const sha256 = (data: Uint8Array | string): string => hash("sha256", data);

function hashOf(path: string): string {
  try {
    return sha256(readFileSync(path));
  } catch {
    return "absent";
  }
}

/** Whole or not at all, also where two processes write the same. */
async function replace(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, content);
  await rename(temporary, path);
}
