import type { Cache, Json, LogEntry } from "../../runtime/ports/index.ts";
import { type ErrorCode, PortError } from "../../runtime/ports/index.ts";

/** A cache in memory that several workloads may share; it fails while `fails` has a code. */
export function memoryCache() {
  const values = new Map<string, Json>();
  const logs = new Map<string, { epoch: string; all: LogEntry[]; dropped: number }>();
  const listeners = new Map<string, Set<(message: Json) => void>>();
  const state: { fails?: ErrorCode; deaf?: boolean } = {};
  const check = () => {
    if (state.fails) throw new PortError(state.fails, "cache: as the test wants it");
  };
  const logOf = (name: string) => {
    const log = logs.get(name) ?? {
      epoch: Math.random().toString(36).slice(2, 8),
      all: [],
      dropped: 0,
    };
    logs.set(name, log);
    return log;
  };
  const cache: Cache = {
    async get<T extends Json>(key: string) {
      check();
      return values.get(key) as T | undefined;
    },
    async set(key, value) {
      check();
      values.set(key, value);
    },
    async delete(key) {
      check();
      values.delete(key);
    },
    async increment(key, { by = 1 }) {
      check();
      const sum = Number(values.get(key) ?? 0) + by;
      values.set(key, sum);
      return sum;
    },
    async append(name, value, { keep }) {
      check();
      const log = logOf(name);
      const position = `${log.epoch}-${log.dropped + log.all.length + 1}`;
      log.all.push({ position, value: structuredClone(value) });
      while (log.all.length > keep) {
        log.all.shift();
        log.dropped += 1;
      }
      return position;
    },
    async since(name, { after, limit = 100 }) {
      check();
      const { epoch, all, dropped } = logOf(name);
      const end = dropped + all.length;
      const [of, number] = (after ?? `${epoch}-${end}`).split("-");
      const from = of === epoch ? Number(number) : 0;
      const entries = all.slice(Math.max(0, from - dropped), Math.max(0, from - dropped) + limit);
      const position = entries.at(-1)?.position ?? `${epoch}-${end}`;
      const lost = of !== epoch || from < dropped || from > end;
      return { entries, position, more: entries.at(-1) !== all.at(-1) && entries.length > 0, lost };
    },
    async publish(channel, message) {
      check();
      if (state.deaf) return;
      for (const listener of listeners.get(channel) ?? [])
        queueMicrotask(() => listener(structuredClone(message)));
    },
    async subscribe(channel, listener) {
      check();
      const some = listeners.get(channel) ?? new Set();
      listeners.set(channel, some.add(listener));
      return {
        end: async () => {
          some.delete(listener);
          if (some.size === 0) listeners.delete(channel);
        },
      };
    },
    async through<T extends Json>(key: string, _: unknown, load: () => Promise<T>) {
      if (state.fails === "unavailable") return load();
      check();
      if (!values.has(key)) values.set(key, await load());
      return values.get(key) as T;
    },
  };
  return {
    ...cache,
    state,
    /** Forgets all, as a server that was started again. */
    forget: () => {
      values.clear();
      logs.clear();
    },
    channels: () => [...listeners.keys()],
    logs: () => [...logs.keys()],
  };
}
