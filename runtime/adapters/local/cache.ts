import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { type CacheAdapter, type CacheStore, cacheOn, notCountable } from "../cache.ts";
import { type Line, type LineEvents, subscriptions } from "../cache-subscriptions.ts";
import { type Fault, faultsOf } from "../faults.ts";
import { utf8Bytes } from "../limits.ts";
import { migrate } from "../migrations.ts";
import { openPool } from "../pool.ts";
import { sqlFault } from "../sql-faults.ts";
import { sqlPool } from "../sql-pool.ts";
import { logSweeps, logTables, postgresLogs } from "./cache-logs.ts";

export interface LocalCacheOptions {
  /** Of the store in system.ts. */
  readonly name: string;
  /** Of the host's database, with the password. */
  readonly url: string;
  /** How often what has expired is removed, in seconds. Default: 60 */
  readonly sweepSeconds?: number;
  /** Connections of this process, beside the one that listens. Default: 4 */
  readonly connections?: number;
}

const tables = `
  -- Unlogged: quicker to write, and empty after a crash, as a cache may be.
  create unlogged table spillway_cache.values (
    cache text collate "C" not null,
    key text collate "C" not null,
    body text not null,
    expires_at timestamptz not null,
    primary key (cache, key)
  );
  create index values_expiry on spillway_cache.values (expires_at);
  create unlogged table spillway_cache.leases (
    cache text collate "C" not null,
    key text collate "C" not null,
    token text not null,
    expires_at timestamptz not null,
    primary key (cache, key)
  );
  -- Messages that a notification cannot hold.
  create unlogged table spillway_cache.messages (
    id uuid primary key,
    body text not null,
    at timestamptz not null default clock_timestamp()
  )`;

/** Makes the tables of all caches where they are missing. */
export async function prepareCaches({ url }: { readonly url: string }): Promise<void> {
  const pool = openPool({
    connectionString: url,
    max: 1,
    connectionTimeoutMillis: 10_000,
    onConnect: (client) => client.query("set search_path to spillway_cache"),
  });
  try {
    await migrate({
      name: "spillway caches",
      pool,
      setUp: "create schema if not exists spillway_cache",
      migrations: [
        { file: "0001-caches.sql", text: tables },
        { file: "0002-logs.sql", text: logTables },
      ],
    });
  } finally {
    await pool.end();
  }
}

/** The notifications of all caches of a database; Postgres' limit is 8,000 bytes (NOTIFY). */
const topic = "spillway_cache";
const maxNotification = 7_500;
/** How long a message that is too long for one is kept for those who were told of it. */
const messageSeconds = 60;
const ofProcess = 4;
const timeouts = { statement_timeout: 1_500, query_timeout: 2_000, connectionTimeoutMillis: 1_500 };

/** The cache port on the host's Postgres, for a machine without a server of the Redis protocol. */
export function cache(options: LocalCacheOptions): CacheAdapter {
  const fault = faultsOf("cache", options.name);
  return cacheOn(fault, postgresStore(fault, options));
}

function postgresStore(
  fault: Fault,
  { name, url, sweepSeconds = 60, connections = ofProcess }: LocalCacheOptions,
): CacheStore {
  const pool = sqlPool(fault, { connectionString: url, max: connections, ...timeouts });
  const run = async (text: string, values: readonly unknown[]) => {
    try {
      return await pool.use((session) => session.run(text, values));
    } catch (error) {
      throw sqlFault(fault, error);
    }
  };
  const lines = subscriptions(fault, (events) => openLine(fault, name, url, events));
  const sweep = setInterval(() => {
    for (const text of sweeps) run(text, []).catch(() => {});
  }, sweepSeconds * 1000);
  sweep.unref();
  return {
    async get(key) {
      const { rows } = await run(
        `select body from spillway_cache.values
         where cache = $1 and key = $2 and expires_at > clock_timestamp()`,
        [name, key],
      );
      return rows[0]?.body;
    },
    async set(key, text, ttlSeconds) {
      await run(
        `with ${ended} insert into spillway_cache.values (cache, key, body, expires_at)
         select $1, $2, $3, ${after("$4")} from done on conflict (cache, key)
         do update set body = excluded.body, expires_at = excluded.expires_at`,
        [name, key, text, ttlSeconds],
      );
    },
    async delete(key) {
      await run(
        `with ${ended} delete from spillway_cache.values using done
         where cache = $1 and key = $2`,
        [name, key],
      );
    },
    async increment(key, by, ttlSeconds) {
      const { rows } = await run(incrementText, [name, key, by, ttlSeconds]);
      if (!rows[0]) throw notCountable(fault, key);
      return Number(rows[0].body);
    },
    async publish(channel, text) {
      const short = JSON.stringify([name, channel, text]);
      if (utf8Bytes(short) <= maxNotification) {
        await run("select pg_notify($1, $2)", [topic, short]);
        return;
      }
      const id = randomUUID();
      // One statement: who is told of it finds it.
      await run(
        `with kept as (insert into spillway_cache.messages (id, body) values ($3, $4))
         select pg_notify($1, $2)`,
        [topic, JSON.stringify([name, channel, null, id]), id, text],
      );
    },
    async lease(key, token, ms) {
      const { rowCount } = await run(
        `insert into spillway_cache.leases as known (cache, key, token, expires_at)
         values ($1, $2, $3, ${after("$4 / 1000.0")}) on conflict (cache, key)
         do update set token = excluded.token, expires_at = excluded.expires_at
         where known.expires_at <= clock_timestamp()`,
        [name, key, token, ms],
      );
      return rowCount === 1;
    },
    async settle(key, token, text, ttlSeconds) {
      await run(
        `with mine as (
           delete from spillway_cache.leases
           where cache = $1 and key = $2 and token = $3 and expires_at > clock_timestamp()
           returning key
         )
         insert into spillway_cache.values (cache, key, body, expires_at)
         select $1, key, $4, ${after("$5")} from mine where $4::text is not null
         on conflict (cache, key)
         do update set body = excluded.body, expires_at = excluded.expires_at`,
        [name, key, token, text ?? null, ttlSeconds],
      );
    },
    ...postgresLogs(run, name),
    subscribe: lines.subscribe,
    async close() {
      clearInterval(sweep);
      lines.close();
      await pool.close();
    },
  };
}

const after = (seconds: string) =>
  `clock_timestamp() + make_interval(secs => (${seconds})::float8)`;

/**
 * The lease's row is locked before the value's, by all, so that none waits for another in a circle;
 * who ends it first, a newer value or the loader, decides.
 */
const ended = `ended as (
    delete from spillway_cache.leases where cache = $1 and key = $2 returning key
  ), done as (select count(*) from ended)`;

/** As the script of the Redis protocol: a number that has expired begins anew. */
const incrementText = `
  insert into spillway_cache.values as known (cache, key, body, expires_at)
  values ($1, $2, ($3::bigint)::text, ${after("$4")}) on conflict (cache, key) do update set
    body = case when known.expires_at <= clock_timestamp() then excluded.body
      else (known.body::numeric + $3)::text end,
    expires_at = case when known.expires_at <= clock_timestamp() then excluded.expires_at
      else known.expires_at end
  where case
    when known.expires_at <= clock_timestamp() then true
    when known.body ~ '^-?[0-9]+$' then abs(known.body::numeric + $3) <= 9007199254740991
    else false end
  returning body`;

const sweeps = [
  ...logSweeps,
  "delete from spillway_cache.values where expires_at <= clock_timestamp()",
  "delete from spillway_cache.leases where expires_at <= clock_timestamp()",
  `delete from spillway_cache.messages
   where at < clock_timestamp() - make_interval(secs => ${messageSeconds})`,
];

async function openLine(
  fault: Fault,
  name: string,
  url: string,
  { onText, onClose }: LineEvents,
): Promise<Line> {
  const client = new Client({
    connectionString: url,
    application_name: "spillway",
    keepAlive: true,
    ...timeouts,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query(`listen ${topic}`);
  } catch (error) {
    void client.end().catch(() => {});
    throw sqlFault(fault, error);
  }
  client.once("end", onClose);
  // One after the other: a message that has to be fetched keeps its place.
  let last: Promise<void> = Promise.resolve();
  client.on("notification", ({ payload = "" }) => {
    const [cacheName, channel, text, id] = JSON.parse(payload) as [string, string, string, string];
    if (cacheName !== name) return;
    last = last
      .then(async () => onText(channel, id === undefined ? text : await fetched(client, id)))
      // Without its connection it is missed, as others are that come meanwhile.
      .catch(() => {});
  });
  return {
    add: async () => {},
    remove: async () => {},
    async check() {
      await client.query("select 1");
    },
    // Nobody may be there to say goodbye to.
    close: () => connectionOf(client).stream.destroy(),
  };
}

async function fetched(client: Client, id: string): Promise<string> {
  const text = "select body from spillway_cache.messages where id = $1";
  const { rows } = await client.query<{ body: string }>(text, [id]);
  if (!rows[0]) throw new Error(`message ${id} is gone`);
  return rows[0].body;
}

/** The types leave out what the driver's own pool uses as well. */
const connectionOf = (client: Client) =>
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection;
