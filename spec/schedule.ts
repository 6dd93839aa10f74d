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
