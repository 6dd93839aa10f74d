/** What one of a cron's five fields may hold. */
interface Field {
  readonly what: string;
  readonly low: number;
  readonly high: number;
  readonly names?: readonly string[];
}

const months = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" ");
const days = "SUN MON TUE WED THU FRI SAT".split(" ");

const fields: readonly Field[] = [
  { what: "minute", low: 0, high: 59 },
  { what: "hour", low: 0, high: 23 },
  { what: "day of month", low: 1, high: 31 },
  { what: "month", low: 1, high: 12, names: months },
  // 7 is Sunday as well.
  { what: "day of week", low: 0, high: 7, names: days },
];

/**
 * A cron of five fields as EventBridge Scheduler takes it: six fields, of which the last is the
 * year; days of the week counted from 1 for Sunday (here: by name); and "?" for the one of the two
 * fields of days that says nothing. Steps are written out, for Scheduler knows not all their forms.
 * @returns the expression; or, as `fault`, what Scheduler cannot be asked for
 * @example
 * schedulerCron("0 6 * * 1-5"); // { expression: "cron(0 6 ? * MON,TUE,WED,THU,FRI *)" }
 */
export function schedulerCron(
  cron: string,
): { readonly expression: string } | { readonly fault: string } {
  const texts = cron.trim().split(/\s+/);
  const read = fields.map((field, index) => valuesOf(texts[index] ?? "", field));
  const odd = read.indexOf(undefined);
  if (odd >= 0)
    return {
      fault: `cron "${cron}": EventBridge has no ${fields[odd]?.what} "${texts[odd]}"; write numbers, names, lists, ranges and steps`,
    };
  const [minute, hour, date, month, week] = read as readonly Values[];
  const [onDate, onDay] = [textOf(date), dayText(week)];
  if (onDate !== "*" && onDay !== "*")
    return {
      fault: `cron "${cron}" names days of the month and of the week; EventBridge takes one of the two: declare a workload for each`,
    };
  const which = onDay === "*" ? `${onDate} ${textOf(month)} ?` : `? ${textOf(month)} ${onDay}`;
  return { expression: `cron(${textOf(minute)} ${textOf(hour)} ${which} *)` };
}

/** All that a field allows; "L" is the last day of a month. */
type Values = { readonly field: Field; readonly numbers: ReadonlySet<number> } | "L";

function valuesOf(text: string, field: Field): Values | undefined {
  if (text === "L" && field.what === "day of month") return "L";
  const numbers = new Set<number>();
  for (const part of text.split(",")) {
    const given = partOf(part, field);
    if (given === undefined) return undefined;
    for (const value of given) numbers.add(field.high === 7 ? value % 7 : value);
  }
  return { field, numbers };
}

function partOf(part: string, field: Field): number[] | undefined {
  const match = /^(\*|\?|[^-/]+)(?:-([^-/]+))?(?:\/(\d+))?$/.exec(part);
  if (!match) return undefined;
  const [, start = "", end, step = "1"] = match;
  const any = start === "*" || start === "?";
  const low = any ? field.low : numberOf(start, field);
  // A step after one number goes on to the end of the field.
  const last = any || match[3] !== undefined ? field.high : low;
  const high = end === undefined ? last : numberOf(end, field);
  if (low === undefined || high === undefined || high < low || Number(step) < 1) return undefined;
  const count = Math.floor((high - low) / Number(step)) + 1;
  return Array.from({ length: count }, (_, index) => low + index * Number(step));
}

function numberOf(text: string, { low, high, names = [] }: Field): number | undefined {
  const named = names.indexOf(text.toUpperCase());
  const value = named >= 0 ? named + low : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return value >= low && value <= high ? value : undefined;
}

/** Runs of three and more as a range, so that no expression grows beyond what Scheduler takes. */
function textOf(values: Values | undefined): string {
  if (values === undefined || values === "L") return "L";
  const { field, numbers } = values;
  const sorted = [...numbers].sort((a, b) => a - b);
  if (sorted.length === field.high - field.low + 1) return "*";
  const runs: number[][] = [];
  for (const value of sorted) {
    const run = runs.at(-1);
    if (run && value === (run.at(-1) ?? 0) + 1) run.push(value);
    else runs.push([value]);
  }
  return runs
    .flatMap((run) => (run.length > 2 ? [`${run[0]}-${run.at(-1)}`] : run.map(String)))
    .join(",");
}

function dayText(values: Values | undefined): string {
  if (values === undefined || values === "L" || values.numbers.size === days.length) return "*";
  return days.filter((_, day) => values.numbers.has(day)).join(",");
}
