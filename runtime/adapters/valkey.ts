import type { Redis } from "ioredis";
import { type CacheAdapter, type CacheStore, cacheOn, notCountable } from "./cache.ts";
import { type Line, type LineEvents, subscriptions } from "./cache-subscriptions.ts";
import { type Fault, faultsOf } from "./faults.ts";
import { type ValkeyClients, type ValkeyPlace, valkeyClients } from "./valkey-client.ts";
import { valkeyLogs } from "./valkey-logs.ts";

export interface ValkeyOptions {
  /** Of the store in system.ts; what is stored has it in its names, for those who share a server. */
  readonly name: string;
  readonly place: ValkeyPlace;
  /** How often a connection shows its password again, in milliseconds. Default: 6 hours */
  readonly renewMs?: number;
}

/**
 * The cache port by the Redis protocol: Valkey, ElastiCache, Redis. The client is ioredis: no native
 * parts, RESP3, the most used, and 190 kB in a bundle, less than half of @redis/client (2026-11).
 */
export function valkey({ name, place, renewMs }: ValkeyOptions): CacheAdapter {
  const fault = faultsOf("cache", name);
  const clients = valkeyClients(fault, place, renewMs === undefined ? {} : { renewMs });
  return cacheOn(fault, valkeyStore(fault, name, clients));
}

/**
 * The cache port on the server of a URL, with the password in it, such as REDIS_URL's.
 * @throws `invalid` for a URL of another kind
 */
export function valkeyAt({ name, url }: { readonly name: string; readonly url: string }) {
  const fault = faultsOf("cache", name);
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^(redis|valkey)s?:$/.test(parsed.protocol) || !parsed.hostname)
    throw fault("invalid", "its address is none; use redis://user:password@host:port/0");
  const db = Number(parsed.pathname.slice(1) || 0);
  if (!Number.isInteger(db)) throw fault("invalid", "its address names no database by number");
  const password = decodeURIComponent(parsed.password);
  return valkey({
    name,
    place: {
      host: parsed.hostname.replace(/^\[|\]$/g, ""),
      port: Number(parsed.port || 6379),
      tls: /^(rediss|valkeys):$/.test(parsed.protocol),
      db,
      ...(parsed.username !== "" && { username: decodeURIComponent(parsed.username) }),
      ...(password !== "" && { password: async () => password }),
    },
  });
}

/** Adds to a whole number that stays one for JavaScript too; its time begins with it. */
const incrementScript = `
local known = redis.call('GET', KEYS[1])
if known and not string.match(known, '^%-?%d+$') then return false end
local sum = tonumber(known or '0') + tonumber(ARGV[1])
if sum > 9007199254740991 or sum < -9007199254740991 then return false end
redis.call('INCRBY', KEYS[1], ARGV[1])
if not known then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return string.format('%.0f', sum)`;

/** Keeps out what was loaded by one whose lease is over, or was ended by a newer value. */
const settleScript = `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
if ARGV[2] ~= '' then redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
return 1`;

function valkeyStore(fault: Fault, name: string, clients: ValkeyClients): CacheStore {
  const valueKey = (key: string) => `spillway:${name}:value:${key}`;
  const leaseKey = (key: string) => `spillway:${name}:lease:${key}`;
  const channelPrefix = `spillway:${name}:channel:`;
  const on = async <T>(command: (client: Redis) => Promise<T>): Promise<T> => {
    const client = await clients.client();
    try {
      return await command(client);
    } catch (error) {
      if (endsConnection(error)) client.disconnect();
      throw clients.faultOf(error);
    }
  };
  const lines = subscriptions(fault, (events) => openLine(clients, channelPrefix, events));
  return {
    get: (key) => on(async (client) => (await client.get(valueKey(key))) ?? undefined),
    // The lease goes first: what a loader stores in between is replaced.
    set: (key, text, ttlSeconds) =>
      on(async (client) => {
        const [, stored] = await Promise.all([
          client.del(leaseKey(key)),
          client.set(valueKey(key), text, "EX", ttlSeconds),
        ]);
        if (stored !== "OK") throw new Error("not stored");
      }),
    delete: (key) => on(async (client) => void (await client.del(leaseKey(key), valueKey(key)))),
    async increment(key, by, ttlSeconds) {
      const sum = await on((client) =>
        client.eval(incrementScript, 1, valueKey(key), by, ttlSeconds),
      );
      if (typeof sum !== "string") throw notCountable(fault, key);
      return Number(sum);
    },
    publish: (channel, text) =>
      on(async (client) => void (await client.publish(channelPrefix + channel, text))),
    lease: (key, token, ms) =>
      on(async (client) => (await client.set(leaseKey(key), token, "PX", ms, "NX")) === "OK"),
    settle: (key, token, text, ttlSeconds) =>
      on(async (client) => {
        const keys = [valueKey(key), leaseKey(key)];
        await client.eval(settleScript, 2, ...keys, token, text ?? "", ttlSeconds);
      }),
    ...valkeyLogs(on, (log) => `spillway:${name}:log:${log}`),
    subscribe: lines.subscribe,
    async close() {
      lines.close();
      clients.close();
    },
  };
}

/** No answer, or one of a primary that is none any more: the next call is to find another. */
const endsConnection = (error: unknown): boolean =>
  error instanceof Error &&
  /^(Command timed out|READONLY |LOADING |MASTERDOWN )/.test(error.message);

async function openLine(
  clients: ValkeyClients,
  prefix: string,
  { onText, onClose }: LineEvents,
): Promise<Line> {
  const client = await clients.open();
  const named = (channels: readonly string[]) => channels.map((channel) => prefix + channel);
  const told = async (command: Promise<unknown>) => {
    await command.catch((error: unknown) => {
      throw clients.faultOf(error);
    });
  };
  client.on("message", (channel: string, text: string) =>
    onText(channel.slice(prefix.length), text),
  );
  client.once("close", onClose);
  return {
    add: (channels) => told(client.subscribe(...named(channels))),
    remove: (channel) => told(client.unsubscribe(...named([channel]))),
    check: () => told(client.ping()),
    close: () => client.disconnect(),
  };
}
