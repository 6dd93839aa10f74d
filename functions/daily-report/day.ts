/** A day of a time zone, as the time that it spans. */
export interface Day {
  /** Such as "2026-11-20". */
  readonly date: string;
  readonly from: Date;
  /** The first moment of the next day. */
  readonly to: Date;
}

/**
 * The day before the one in which a moment falls; 23 to 25 hours where clocks are changed.
 * @param zone IANA name, such as "Europe/Berlin"
 */
export function dayBefore(moment: Date, zone: string): Day {
  const today = dateIn(zone, moment);
  const date = plusDays(today, -1);
  return { date, from: startOf(date, zone), to: startOf(today, zone) };
}

function dateIn(zone: string, moment: Date): string {
  const { year, month, day } = partsIn(zone, moment);
  return `${year}-${month}-${day}`;
}

const plusDays = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * dayMs).toISOString().slice(0, 10);

const dayMs = 86_400_000;

/** The first moment of a date. Where midnight is skipped, the day begins when clocks were set on. */
function startOf(date: string, zone: string): Date {
  const midnight = Date.parse(`${date}T00:00:00Z`);
  const offsets = [-dayMs, dayMs].map((by) => offsetAt(zone, new Date(midnight + by)));
  const starts = offsets
    .map((offset) => new Date(midnight - offset))
    .filter((start) => dateIn(zone, start) === date);
  return new Date(Math.min(...starts.map(Number)));
}

/** How far the zone's clocks are ahead of UTC, in milliseconds. */
function offsetAt(zone: string, moment: Date): number {
  const { year, month, day, hour, minute, second } = partsIn(zone, moment);
  const shown = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return shown - Math.floor(moment.getTime() / 1000) * 1000;
}

function partsIn(timeZone: string, moment: Date): Record<string, string> {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hourCycle: "h23",
    ...{ year: "numeric", month: "2-digit", day: "2-digit" },
    ...{ hour: "2-digit", minute: "2-digit", second: "2-digit" },
  });
  return Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, value]));
}

/** The hours (UTC) that a day touches, such as "2026-11-19T23". */
export function hoursOf({ from, to }: Day): readonly string[] {
  const hourMs = 3_600_000;
  const hours: string[] = [];
  for (let at = Math.floor(from.getTime() / hourMs) * hourMs; at < to.getTime(); at += hourMs)
    hours.push(new Date(at).toISOString().slice(0, 13));
  return hours;
}
