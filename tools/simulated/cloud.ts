/**
 * What the simulated cloud holds: a file per resource, in the folder of SPILLWAY_SIMULATED_CLOUD.
 * Deleting or editing a file is how a test makes drift. Secrets stand there as digests only.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digest, seal, unseal, type Values } from "./wire.ts";

export interface Thing {
  type: string;
  id: string;
  properties: Values;
}

export interface Cloud {
  get(type: string, key: string): Thing | undefined;
  /** A resource of this type by its id alone: for imports, which know no more. */
  find(type: string, id: string): Thing | undefined;
  put(key: string, thing: Thing): void;
  remove(type: string, key: string): void;
}

/** The cloud of the folder, or one in memory that ends with the process. */
export function openCloud(folder = process.env.SPILLWAY_SIMULATED_CLOUD): Cloud {
  return folder ? folderCloud(folder) : memoryCloud();
}

function folderCloud(folder: string): Cloud {
  const home = (type: string): string => join(folder, type.replaceAll(/[:/]/g, "-"));
  // The readable part helps people; the digest keeps long and odd keys apart.
  const file = (type: string, key: string): string =>
    join(
      home(type),
      `${key.replaceAll(/[^\w.-]+/g, "_").slice(0, 80)}.${digest(key).slice(0, 8)}.json`,
    );
  return {
    get: (type, key) => readThing(file(type, key)),
    find(type, id) {
      const names = listFolder(home(type));
      return names.map((name) => readThing(join(home(type), name))).find((t) => t?.id === id);
    },
    put(key, thing) {
      const target = file(thing.type, key);
      mkdirSync(home(thing.type), { recursive: true, mode: 0o700 });
      const sealed = { ...thing, properties: seal(thing.properties) };
      writeFileSync(`${target}.tmp`, `${JSON.stringify(sealed, null, 2)}\n`, { mode: 0o600 });
      renameSync(`${target}.tmp`, target);
    },
    remove: (type, key) => rmSync(file(type, key), { force: true }),
  };
}

function memoryCloud(): Cloud {
  const things = new Map<string, Thing>();
  const at = (type: string, key: string): string => `${type} ${key}`;
  return {
    get: (type, key) => things.get(at(type, key)),
    find: (type, id) => [...things.values()].find((t) => t.type === type && t.id === id),
    put: (key, thing) =>
      void things.set(at(thing.type, key), {
        ...thing,
        properties: seal(thing.properties) as Values,
      }),
    remove: (type, key) => void things.delete(at(type, key)),
  };
}

/** The stored properties with the secrets that the stack's state still knows. */
export const withSecrets = (thing: Thing, known: Values): Values =>
  unseal(thing.properties, known) as Values;

function readThing(path: string): Thing | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Thing;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
