import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import type { ObjectInfo, ObjectStore } from "../../ports/index.ts";
import { readCursor, writeCursor } from "../cursor.ts";
import { type Fault, faultsOf } from "../faults.ts";
import { checkObjectKey, checkPrefix, checkWhole } from "../limits.ts";
import { type ObjectEventsArgs, objectEvents } from "./object-events.ts";
import { fileOf, ifThere, keysUnder, parse, readInfo, sweep, write } from "./object-files.ts";
import { objectUrls, type UrlSigning } from "./object-urls.ts";

/**
 * The object store port on files; see object-files.ts for how they lie.
 * @param options.name of the object store in system.ts
 * @param options.folder for this store alone; made where it is missing
 * @param options.signing how and where clients without credentials read and write
 * @param options.events who hears of what is stored. Default: nobody
 */
export function objectStore({
  name,
  folder,
  signing,
  events,
}: {
  name: string;
  folder: string;
  signing: UrlSigning;
  events?: Omit<ObjectEventsArgs, "name">;
}): LocalObjectStore {
  const fault = faultsOf("object store", name);
  const told = events && objectEvents({ ...events, name });
  let swept: Promise<void> | undefined;
  return {
    ...objectUrls(name, signing),

    recover: async () =>
      guarded(fault, async () =>
        told?.recover(async (key) => (await readInfo(fileOf(folder, key)))?.etag),
      ),

    async get(key) {
      checkObjectKey(fault, key);
      const content = await guarded(fault, () => ifThere(readFile(fileOf(folder, key))));
      if (!content) return undefined;
      const { info, at } = parse(content);
      return { ...info, body: content.subarray(at) };
    },

    async put(key, given, { contentType = "application/octet-stream", ifAbsent = false } = {}) {
      checkObjectKey(fault, key);
      if (!/^[\x21-\x7e][\x20-\x7e]{0,254}$/.test(contentType)) {
        const shown = JSON.stringify(contentType.slice(0, 80));
        throw fault("invalid", `content type ${shown}; use 1 to 255 characters of ASCII`);
      }
      const body = typeof given === "string" ? Buffer.from(given) : given;
      const info: ObjectInfo = {
        key,
        bytes: body.byteLength,
        contentType,
        etag: createHash("sha256").update(body).digest("hex"),
        modified: new Date(),
      };
      swept ??= sweep(folder).catch(() => {});
      await swept;
      const stored = () => write(folder, info, body, ifAbsent);
      if (!(await guarded(fault, () => (told ? told.storing(info, stored) : stored()))))
        throw fault("conflict", `${JSON.stringify(key)} exists already; read it first`);
    },

    async delete(key) {
      checkObjectKey(fault, key);
      await guarded(fault, () => rm(fileOf(folder, key), { force: true }));
    },

    async list(prefix, { limit = 100, cursor } = {}) {
      checkPrefix(fault, prefix);
      checkWhole(fault, "limit", limit, 1, 1000);
      const after = cursor === undefined ? undefined : readCursor(fault, [prefix], cursor);
      return guarded(fault, async () => {
        const objects: Omit<ObjectInfo, "contentType">[] = [];
        for await (const key of keysUnder(folder, prefix, after)) {
          const last = objects.at(-1);
          if (last && objects.length === limit)
            return { objects, cursor: writeCursor([prefix], last.key) };
          const info = await readInfo(fileOf(folder, key));
          if (!info) continue;
          const { contentType: _, ...listed } = info;
          objects.push(listed);
        }
        return { objects };
      });
    },
  };
}

/** The port, and what its host calls. */
export interface LocalObjectStore extends ObjectStore {
  /** At the start: tells of what was stored by a process that died before it could. */
  recover(): Promise<void>;
}

async function guarded<T>(fault: Fault, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const denied = ["EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "");
    throw fault(
      denied ? "denied" : "unavailable",
      "its files cannot be read or written; look at the data folder's rights and space",
      error,
    );
  }
}
