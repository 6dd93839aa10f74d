import type { Pool } from "pg";
import type { Health, Metrics } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { checkSpan } from "../health.ts";
import { bucketOf, percentile } from "./durations.ts";
import { guarded } from "./postgres-faults.ts";

/** A request that was answered. */
export interface Answered {
  /** How long it took, in milliseconds. */
  readonly ms: number;
  readonly status: number;
}

export interface LocalMetrics extends Metrics {
  /** Counts a request, in memory: it takes microseconds, and waits for nothing. */
  record(request: Answered): void;
  /** Stores what is in memory, and stores no more by itself. */
  stop(): Promise<void>;
}

const minuteMs = 60_000;
/** How long a request is counted in memory alone: what a kill -9 can lose. */
const flushMs = 5_000;
/** Minutes are kept for 32 days: a report of a month finds them. */
const keptMs = 32 * 24 * 60 * minuteMs;

interface Counts {
  readonly minute: number;
  readonly bucket: number;
  requests: number;
  errors: number;
}

/**
 * Counts what the gateway answers, by the minute, and keeps it in Postgres.
 * @param options.name of the metrics in system.ts
 * @param options.alerts what calls for somebody now; see `deadLetterAlerts`. Default: nothing
 * @param options.now default: the clock
 */
export function metrics(options: {
  readonly name: string;
  readonly pool: Pool;
  readonly alerts?: () => Promise<Health["alerts"]>;
  readonly now?: () => number;
}): LocalMetrics {
  const { name, pool, alerts = async () => [], now = Date.now } = options;
  const fault = faultsOf("metrics", name);
  let counts = new Map<number, Counts>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let storing = Promise.resolve();

  const add = ({ minute, bucket, requests, errors }: Counts) => {
    const key = minute * 512 + bucket;
    const known = counts.get(key);
    if (!known) counts.set(key, { minute, bucket, requests, errors });
    else {
      known.requests += requests;
      known.errors += errors;
    }
  };

  const store = async () => {
    clearTimeout(timer);
    timer = undefined;
    if (counts.size === 0) return;
    const taken = [...counts.values()];
    counts = new Map();
    try {
      await pool.query(
        `insert into spillway.requests (minute, bucket, requests, errors)
         select to_timestamp(minute * 60), bucket, requests, errors
         from unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::bigint[])
           as given (minute, bucket, requests, errors)
         order by minute, bucket
         on conflict (minute, bucket) do update set
           requests = spillway.requests.requests + excluded.requests,
           errors = spillway.requests.errors + excluded.errors`,
        [
          taken.map(({ minute }) => minute),
          taken.map(({ bucket }) => bucket),
          taken.map(({ requests }) => requests),
          taken.map(({ errors }) => errors),
        ],
      );
    } catch (error) {
      // It waits for the next time.
      for (const one of taken) add(one);
      throw error;
    }
    await pool.query("delete from spillway.requests where minute < $1", [new Date(now() - keptMs)]);
  };
  const flush = () => {
    const mine = storing.then(store);
    storing = mine.catch(() => {});
    return guarded(fault, () => mine);
  };

  return {
    record({ ms, status }) {
      const minute = Math.floor(now() / minuteMs);
      add({ minute, bucket: bucketOf(ms), requests: 1, errors: status >= 500 ? 1 : 0 });
      if (timer || stopped) return;
      timer = setTimeout(() => flush().catch(() => {}), flushMs);
      timer.unref();
    },

    async read(span) {
      checkSpan(fault, span);
      await flush();
      const stored = guarded(fault, () =>
        pool.query<{ bucket: number; count: string; errors: string }>(
          `select bucket, sum(requests) as count, sum(errors) as errors
           from spillway.requests where minute >= $1 and minute < $2 group by bucket`,
          [new Date(Math.floor(span.from.getTime() / minuteMs) * minuteMs), span.to],
        ),
      );
      const [{ rows }, calling] = await Promise.all([stored, alerts()]);
      const found = rows.map((row) => ({ bucket: row.bucket, count: Number(row.count) }));
      const p99Ms = percentile(found, 0.99);
      return {
        requests: found.reduce((sum, { count }) => sum + count, 0),
        errors: rows.reduce((sum, { errors }) => sum + Number(errors), 0),
        ...(p99Ms !== undefined && { p99Ms }),
        alerts: calling,
      };
    },

    async stop() {
      stopped = true;
      await flush();
    },
  };
}
