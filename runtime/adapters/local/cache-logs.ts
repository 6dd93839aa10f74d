import type { Logs } from "../cache-logs.ts";

export const logTables = `
  create unlogged table spillway_cache.logs (
    cache text collate "C" not null,
    log text collate "C" not null,
    epoch bigint not null,
    number bigint not null,
    expires_at timestamptz not null,
    primary key (cache, log)
  );
  create index logs_expiry on spillway_cache.logs (expires_at);
  create unlogged table spillway_cache.entries (
    cache text collate "C" not null,
    log text collate "C" not null,
    epoch bigint not null,
    number bigint not null,
    body text not null,
    primary key (cache, log, epoch, number)
  )`;

/** Entries go with their log, or with its epoch. */
export const logSweeps = [
  "delete from spillway_cache.logs where expires_at <= clock_timestamp()",
  `delete from spillway_cache.entries e where not exists (
     select from spillway_cache.logs l where l.cache = e.cache and l.log = e.log and l.epoch = e.epoch)`,
];

/** A log's row, made or begun anew where it is missing or over, with so many more entries. */
const row = (more: 0 | 1) => `
  insert into spillway_cache.logs as known (cache, log, epoch, number, expires_at)
  values ($1, $2, $3, ${more}, clock_timestamp() + make_interval(secs => $4))
  on conflict (cache, log) do update set
    epoch = case when known.expires_at <= clock_timestamp() then excluded.epoch else known.epoch end,
    number = case when known.expires_at <= clock_timestamp() then ${more} else known.number + ${more} end,
    expires_at = excluded.expires_at
  returning epoch, number`;

type Run = (
  text: string,
  values: readonly unknown[],
) => Promise<{ readonly rows: readonly Record<string, unknown>[] }>;

/** The logs of a cache on Postgres: appending locks the log's row, so that numbers have no gaps. */
export const postgresLogs = (run: Run, name: string): Logs => ({
  async append(log, text, epoch, { keep, ttlSeconds }) {
    const { rows } = await run(
      `with log as (${row(1)}), added as (
         insert into spillway_cache.entries (cache, log, epoch, number, body)
         select $1, $2, epoch, number, $5 from log
       ), trimmed as (
         delete from spillway_cache.entries e using log
         where e.cache = $1 and e.log = $2 and e.epoch = log.epoch and e.number <= log.number - $6
       )
       select epoch, number from log`,
      [name, log, epoch, ttlSeconds, text, keep],
    );
    return placeOf(rows[0]);
  },
  async since(log, epoch, { after, limit, ttlSeconds }) {
    const [end] = (await run(row(0), [name, log, epoch, ttlSeconds])).rows;
    const place = placeOf(end);
    if (!after) return { end: place, entries: [] };
    const from = after.epoch === place.epoch ? after.number : 0;
    const { rows } = await run(
      `select number, body from spillway_cache.entries
       where cache = $1 and log = $2 and epoch = $3 and number > $4 and number <= $5
       order by number limit $6`,
      [name, log, place.epoch, from, place.number, limit],
    );
    const entries = rows.map(({ number, body }) => ({ number: Number(number), text: `${body}` }));
    return { end: place, entries };
  },
});

const placeOf = (of: Record<string, unknown> | undefined) => ({
  epoch: Number(of?.epoch),
  number: Number(of?.number),
});
