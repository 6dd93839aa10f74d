import { createHash } from "node:crypto";
import { faultsOf } from "../../runtime/adapters/faults.ts";
import { checkContentType, checkObjectKey } from "../../runtime/adapters/limits.ts";
import {
  type ErrorCode,
  type ObjectStore,
  type ObjectStored,
  PortError,
  type ScanResult,
  type StoredObject,
} from "../../runtime/ports/index.ts";

/** An object store in memory: the contract's limits, its objects to look at, faults to order. */
export function memoryObjects() {
  const fault = faultsOf("object store", "memory");
  const objects = new Map<string, StoredObject>();
  const calls: string[] = [];
  const fails = new Map<string, ErrorCode>();
  const asked = (method: string, key: string) => {
    checkObjectKey(fault, key);
    calls.push(`${method} ${key}`);
    const code = fails.get(method);
    if (code) throw new PortError(code, `object store "memory": ${method} as the test wants it`);
  };
  const store: ObjectStore = {
    get: async (key) => {
      asked("get", key);
      return objects.get(key);
    },
    put: async (key, given, { contentType = "application/octet-stream", ifAbsent } = {}) => {
      asked("put", key);
      checkContentType(fault, contentType);
      if (ifAbsent && objects.has(key)) throw fault("conflict", `${key} exists; read it first`);
      const body = Buffer.from(given);
      const etag = createHash("sha256").update(body).digest("hex");
      const modified = new Date();
      objects.set(key, { key, body, bytes: body.byteLength, contentType, etag, modified });
    },
    delete: async (key) => {
      asked("delete", key);
      objects.delete(key);
    },
    signPut: async (key, options) => {
      asked("signPut", key);
      return { url: "https://objects.example/", fields: { key, policy: JSON.stringify(options) } };
    },
    signGet: async (key, options) => {
      asked("signGet", key);
      const query = new URLSearchParams({ for: JSON.stringify(options) });
      return `https://objects.example/${encodeURIComponent(key)}?${query}`;
    },
    list: async (prefix) => ({
      objects: [...objects.values()].filter(({ key }) => key.startsWith(prefix)),
    }),
  };
  let events = 0;
  /** Stores an object, and says so as a host would: with a version above all before. */
  const stored = async (key: string, body: Uint8Array | string): Promise<ObjectStored> => {
    await store.put(key, body);
    const { bytes, etag } = objects.get(key) as StoredObject;
    events += 1;
    return { key, bytes, etag, version: String(events).padStart(10, "0") };
  };
  return { ...store, objects, calls, fails, stored };
}

/** A scanner that finds what it is told to. */
export function scannerFake(answer: ScanResult | ErrorCode = { clean: true }) {
  const scanned: Uint8Array[] = [];
  return {
    scanned,
    scan: async (content: Uint8Array): Promise<ScanResult> => {
      scanned.push(content);
      if (typeof answer === "string") throw new PortError(answer, "scanner: as the test wants it");
      return answer;
    },
  };
}

export const delivery = { id: "d-1", receives: 1 };
