import type { Pool, PoolClient } from "pg";
import { asDb, type Boss, payloadOf, type QueueOptions } from "../runtime/adapters/local/boss.ts";
import { inTransaction } from "../runtime/adapters/local/transaction.ts";
import { PortError } from "../runtime/ports/index.ts";
import { nextRun, runsBetween } from "../spec/schedule.ts";
import type { ScheduleState } from "./state.ts";

/** The body of a run's message. */
export interface ScheduledRun {
  /** The time that the schedule meant. ISO 8601, UTC */
  readonly scheduledAt: string;
}

/** A schedule, and how its runs reach the workload. */
export interface LocalSchedule {
  readonly workload: string;
  readonly cron: string;
  readonly timeZone: string;
  /**
   * Stores a run in the transaction of `client`. What it returns is called once that is committed.
   * See {@link intoQueue}.
   */
  readonly send: (run: ScheduledRun, client: PoolClient) => Promise<() => void>;
}

export interface SchedulesOptions {
  readonly schedules: readonly LocalSchedule[];
  /** Of a database that was migrated. */
  readonly pool: Pool;
  /** Default: the system's clock */
  readonly now?: () => Date;
  /** How often the clock is looked at, in milliseconds. Default: 1,000 */
  readonly everyMs?: number;
  /** Told of a run that could not be sent; it is tried again at the next look. */
  readonly onTrouble: (workload: string, error: unknown) => void;
}

export interface Schedules {
  list(): readonly ScheduleState[];
  /**
   * Sends a run of this moment, beside those of the schedule.
   * @throws {PortError} `not-found` where no such schedule runs here
   */
  runNow(workload: string): Promise<{ readonly scheduledAt: Date }>;
  /** Looks at the clock now, and sends what is due. */
  look(): Promise<void>;
  /** Sends no more, and returns when what is being sent has been. */
  stop(): Promise<void>;
}

const dayMs = 86_400_000;
/** Sent runs that are remembered of each schedule: two days of minutes. */
const remembered = 2880;

/**
 * Runs schedules on this machine. Each run is sent once: its message and the note that it was sent
 * are one transaction, and a run is named by its time, so neither a killed process nor a clock that
 * is put back sends it twice. Where several have come due since the last look (the host was down,
 * the machine asleep), the last of them is sent, if it is not older than 24 hours: as long as
 * EventBridge Scheduler would have tried.
 * @throws {Error} of the driver where the database cannot be reached
 */
export async function startSchedules(options: SchedulesOptions): Promise<Schedules> {
  const { pool, onTrouble, now = () => new Date() } = options;
  const known = await Promise.all(options.schedules.map((one) => remember(pool, one, now())));
  let looking = Promise.resolve();

  const look = () => {
    looking = looking.then(async () => {
      for (const one of known)
        await one.look(now()).catch((error) => onTrouble(one.schedule.workload, error));
    });
    return looking;
  };
  // The timer counts no clock: to look often is what finds a clock that was set.
  const timer = setInterval(look, options.everyMs ?? 1000);
  void look();
  return {
    list: () => known.map((one) => one.state(now())),
    async runNow(workload) {
      const found = known.find((one) => one.schedule.workload === workload);
      if (!found)
        throw new PortError(
          "not-found",
          `schedule "${workload}": none of that name runs here; list them`,
        );
      const scheduledAt = now();
      await found.send(scheduledAt, true);
      return { scheduledAt };
    },
    look,
    stop() {
      clearInterval(timer);
      return looking;
    },
  };
}

/** One schedule with what was sent of it. */
async function remember(pool: Pool, schedule: LocalSchedule, now: Date) {
  const { workload, cron, timeZone } = schedule;
  let since = await declaredSince(pool, schedule, now);
  let { sent, last } = await sentBefore(pool, workload, now);
  /** When the first run is due that was not looked for yet. */
  let next: Date | undefined;
  let looked = now;

  const send = async (scheduledAt: Date, manual: boolean): Promise<void> => {
    const tell = await inTransaction(pool, async (client) => {
      const { rowCount } = await client.query(
        `insert into spillway.schedule_runs (workload, scheduled_at, manual) values ($1, $2, $3)
         on conflict do nothing`,
        [workload, scheduledAt, manual],
      );
      if (rowCount === 0) return undefined;
      await client.query(
        `delete from spillway.schedule_runs where workload = $1 and id <
           (select id from spillway.schedule_runs where workload = $1
            order by id desc offset $2 limit 1)`,
        [workload, remembered],
      );
      return schedule.send({ scheduledAt: scheduledAt.toISOString() }, client);
    });
    if (!tell) return;
    last = scheduledAt;
    tell();
  };

  return {
    schedule,
    send,
    state: (at: Date): ScheduleState => ({
      workload,
      cron,
      timeZone,
      nextRun: nextRun(cron, timeZone, at),
      lastRun: last,
    }),
    async look(at: Date): Promise<void> {
      // Nothing to do until the next run, unless the clock was put back meanwhile.
      const putBack = at < looked;
      looked = at;
      if (next && at < next && !putBack) return;
      since = believed(since, at) ?? at;
      const from = new Date(
        Math.max(since.getTime(), at.getTime() - dayMs, believed(sent, at)?.getTime() ?? 0),
      );
      const due = [...runsBetween(cron, timeZone, from, at)].at(-1);
      if (due) {
        await send(due, false);
        sent = due;
      }
      next = nextRun(cron, timeZone, due ?? (from > at ? from : at));
    },
  };
}

/** A time of the past; one more than a day ahead was noted by a clock that was wrong. */
const believed = (noted: Date | undefined, now: Date): Date | undefined =>
  noted && noted.getTime() <= now.getTime() + dayMs ? noted : undefined;

/** Since when the schedule is as it is: what lies before was not missed. */
async function declaredSince(
  pool: Pool,
  { workload, cron, timeZone }: LocalSchedule,
  now: Date,
): Promise<Date> {
  const { rows } = await pool.query<{ since: Date }>(
    `insert into spillway.schedules as known (workload, cron, time_zone, since)
     values ($1, $2, $3, $4)
     on conflict (workload) do update
     set cron = excluded.cron, time_zone = excluded.time_zone,
         since = case when known.cron = excluded.cron and known.time_zone = excluded.time_zone
                       and known.since <= excluded.since + interval '1 day'
                 then known.since else excluded.since end
     returning since`,
    [workload, cron, timeZone, now],
  );
  return rows[0]?.since ?? now;
}

async function sentBefore(pool: Pool, workload: string, now: Date) {
  const { rows } = await pool.query<{ sent: Date | null; last: Date | null }>(
    `select max(scheduled_at) filter (where not manual and scheduled_at <= $2) as sent,
            (array_agg(scheduled_at order by id desc))[1] as last
     from spillway.schedule_runs where workload = $1`,
    [workload, new Date(now.getTime() + dayMs)],
  );
  return { sent: rows[0]?.sent ?? undefined, last: rows[0]?.last ?? undefined };
}

/**
 * Sends runs into a queue as the queue port stores messages.
 * @param options of the queue, as it is made where it is missing
 */
export function intoQueue(boss: Boss, name: string, options: QueueOptions): LocalSchedule["send"] {
  return async (run, client) => {
    await boss.ready(name, options);
    const job = { data: payloadOf(JSON.stringify(run)) };
    await boss.boss.insert(name, [job], { db: asDb(client) });
    return () => boss.news.emit(name);
  };
}
