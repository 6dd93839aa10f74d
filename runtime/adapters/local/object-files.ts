import { createHash, randomUUID } from "node:crypto";
import { link, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { ObjectInfo } from "../../ports/index.ts";

/**
 * How objects lie in files. A key's UTF-8 in hex is its file name: safe on every file system,
 * `a` beside `a/b`, and in the order of the bytes. Past what a name can hold, keys that begin
 * alike share a folder, named by that beginning, under their hashes. A file's first line says
 * what it is (its key too), the rest is the body: one file, so all of it changes at once.
 */
const headBytes = 120;
const suffix = ".object";
/** More than the longest first line: a key of 1,024 bytes, escaped, and a type of 255. */
const headerBytes = 4096;
const draftsName = "drafts";
/** A draft this old was left by a process that died, in milliseconds. */
const staleMs = 3_600_000;

interface Header extends Omit<ObjectInfo, "modified"> {
  readonly modified: string;
}

const hex = (text: string) => Buffer.from(text).toString("hex");

/** The file of a key. */
export function fileOf(folder: string, key: string): string {
  const name = hex(key);
  if (name.length <= 2 * headBytes) return path.join(folder, name + suffix);
  const hash = createHash("sha256").update(key).digest("hex");
  return path.join(folder, name.slice(0, 2 * headBytes), hash + suffix);
}

/** Keys with the prefix, after one of them, in the order of their bytes. */
export async function* keysUnder(
  folder: string,
  prefix: string,
  after = "",
): AsyncGenerator<string> {
  const [begin, past] = [hex(prefix), hex(after)];
  const head = 2 * headBytes;
  // Sorted, a file comes before the folder of the longer keys that begin like it.
  for (const name of (await listed(folder)).sort(byStem)) {
    if (name === draftsName) continue;
    const stem = stemOf(name);
    if (!stem.startsWith(begin.slice(0, head)) || stem < past.slice(0, head)) continue;
    const long = stem === name;
    const keys = long ? await longKeys(path.join(folder, name)) : [stem];
    for (const key of keys)
      if (key.startsWith(begin) && key > past) yield Buffer.from(key, "hex").toString();
  }
}

const stemOf = (name: string) => (name.endsWith(suffix) ? name.slice(0, -suffix.length) : name);
const byStem = (a: string, b: string) => {
  const [left, right] = [stemOf(a), stemOf(b)];
  if (left === right) return a.length > b.length ? -1 : 1;
  return left < right ? -1 : 1;
};

/** The keys of a folder of long ones, in hex, sorted. */
async function longKeys(folder: string): Promise<string[]> {
  const keys: string[] = [];
  for (const name of await listed(folder)) {
    const info = await readInfo(path.join(folder, name));
    if (info) keys.push(hex(info.key));
  }
  return keys.sort();
}

const listed = async (folder: string) => (await ifThere(readdir(folder))) ?? [];

/** What an object's file says of it; undefined where it is gone. */
export async function readInfo(file: string): Promise<ObjectInfo | undefined> {
  const handle = await ifThere(open(file));
  if (!handle) return undefined;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
    return parse(buffer.subarray(0, bytesRead)).info;
  } finally {
    await handle.close();
  }
}

/** What an object's file says of it, and where the body begins. */
export function parse(content: Buffer): { info: ObjectInfo; at: number } {
  const end = content.indexOf("\n");
  const header = JSON.parse(content.toString("utf8", 0, end)) as Header;
  return { info: { ...header, modified: new Date(header.modified) }, at: end + 1 };
}

/**
 * Writes an object whole, syncs it and moves it into its place: a reader sees one version or
 * another, and what was answered survives a crash.
 * @returns false where it was to be absent and is there
 */
export async function write(
  folder: string,
  info: ObjectInfo,
  body: Uint8Array,
  ifAbsent: boolean,
): Promise<boolean> {
  const file = fileOf(folder, info.key);
  const drafts = path.join(folder, draftsName);
  await mkdir(drafts, { recursive: true });
  await mkdir(path.dirname(file), { recursive: true });
  const draft = path.join(drafts, randomUUID());
  try {
    const handle = await open(draft, "wx", 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(info)}\n`);
      await handle.writeFile(body);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (!ifAbsent) await rename(draft, file);
    else if (!(await linked(draft, file))) return false;
  } finally {
    await rm(draft, { force: true });
  }
  for (const one of new Set([path.dirname(file), folder])) await syncFolder(one);
  return true;
}

/** A second name for the draft, unless the name is taken: what rename cannot say. */
async function linked(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Makes the names in a folder as durable as the files. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes the drafts of processes that died. */
export async function sweep(folder: string): Promise<void> {
  const drafts = path.join(folder, draftsName);
  for (const name of await listed(drafts)) {
    const found = await ifThere(stat(path.join(drafts, name)));
    if (found && Date.now() - found.mtimeMs > staleMs)
      await rm(path.join(drafts, name), { force: true });
  }
}

/** What a file operation gives; undefined where there is no such file. */
export async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
