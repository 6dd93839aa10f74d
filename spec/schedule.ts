import { Cron } from "croner";

/** What is wrong with a cron expression: its form, or that it never fires. */
export function cronFault(expression: string): string | undefined {
  if (expression.trim().split(/\s+/).length !== 5)
    return `cron "${expression}"; write five fields: minute hour day-of-month month day-of-week`;
  try {
    if (new Cron(expression, { timezone: "UTC" }).nextRun() === null)
      return `cron "${expression}" never fires; choose a day that exists`;
  } catch (error) {
    return `cron "${expression}" is not understood (${(error as Error).message}); write five fields such as "0 6 * * *"`;
  }
  return undefined;
}

/** What is wrong with a time zone's name. */
export function timeZoneFault(name: string): string | undefined {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return undefined;
  } catch {
    return `time zone "${name}" is unknown; use an IANA name such as "Europe/Berlin"`;
  }
}

/**
 * The first run of a schedule after a moment, or `undefined` where there is none.
 *
 * A run is a time on the zone's clock. Where the clock is put forward, a time that it leaves out is
 * not run; where it is put back, a time that it shows twice is run the first time only, so a
 * schedule of every 15 minutes pauses for that hour. These are the rules of EventBridge Scheduler
 * (User Guide, "Schedule types", daylight saving time, read 2026-11), so that both hosts agree.
 * @param cron five fields, as `cronFault` accepts them
 * @param timeZone IANA name
 * @example
 * nextRun("0 6 * * *", "Europe/Berlin", new Date("2026-07-01T00:00:00Z")); // 2026-07-01T04:00:00Z
 */
export function nextRun(cron: string, timeZone: string, after: Date): Date | undefined {
  const [run] = runsAfter(cron, timeZone, after);
  return run;
}

/**
 * The runs of a schedule after a moment, up to and with another, in their order.
 * @example
 * const [first, second] = runsBetween("0 6 * * 1", "UTC", new Date("2026-11-01"), new Date("2026-12-01"));
 */
export function* runsBetween(
  cron: string,
  timeZone: string,
  after: Date,
  until: Date,
): Generator<Date, void> {
  for (const run of runsAfter(cron, timeZone, after)) {
    if (run > until) return;
    yield run;
  }
}

/** More times in a row than any clock leaves out or repeats: a whole day of minutes. */
const mostLeftOut = 1440;

function* runsAfter(cron: string, timeZone: string, after: Date): Generator<Date, void> {
  const clock = clockOf(timeZone);
  // The clock's times are counted as if they were UTC's: there each of them is once.
  const pattern = new Cron(cron, { timezone: "UTC" });
  let shown: Date | null = new Date(after.getTime() + clock.offset(after.getTime()));
  for (let leftOut = 0; leftOut <= mostLeftOut; leftOut++) {
    shown = pattern.nextRun(shown);
    if (!shown) return;
    const run = clock.firstAt(shown.getTime());
    if (run === undefined || run <= after.getTime()) continue;
    leftOut = 0;
    yield new Date(run);
  }
}

const dayMs = 86_400_000;

/** The clock of a time zone; all times in milliseconds, `shown` ones as if the zone were UTC. */
function clockOf(timeZone: string) {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    calendar: "gregory",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  /** How far the clock is ahead of UTC at a moment. */
  const offset = (at: number): number => {
    const part = Object.fromEntries(
      format.formatToParts(at).map(({ type, value }) => [type, Number(value)]),
    ) as Record<Intl.DateTimeFormatPartTypes, number>;
    const { year, month, day, hour, minute, second } = part;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
  };
  return {
    offset,
    /** The first moment at which the clock shows a time; `undefined` where it leaves it out. */
    firstAt(shown: number): number | undefined {
      const before = shown - offset(shown - dayMs);
      const later = shown - offset(shown + dayMs);
      const moments = [before, later].filter((at) => at + offset(at) === shown);
      return moments.length > 0 ? Math.min(...moments) : undefined;
    },
  };
}
