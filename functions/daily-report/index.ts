import { isPortError, type ScheduleHandler } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";
import { activityOf, revenueIn, usersIn } from "./activity.ts";
import { claimOf } from "./claim.ts";
import { dayBefore } from "./day.ts";
import { type Known, postOf } from "./report.ts";

type Ports = PortsOf<"dailyReport">;

/** As in the schedule that starts it: whose day it is. */
const timeZone = "Europe/Berlin";
/** How long a source may take, in milliseconds. */
const patienceMs = 5_000;

/**
 * Posts how the day before went: once for each day, with what its sources said in their time, and
 * why the others said nothing.
 */
export const create =
  ({ catalog, metrics, chat }: Ports): ScheduleHandler =>
  async ({ scheduledAt }) => {
    const day = dayBefore(scheduledAt, timeZone);
    const activity = activityOf({ catalog }, day);
    const [users, revenue, health] = await Promise.all([
      inTime(activity.then(usersIn)),
      inTime(activity.then(revenueIn)),
      inTime(metrics.read({ from: day.from, to: day.to })),
    ]);
    const post = postOf({ date: day.date, users, revenue, health });
    // Taken last, so that little can happen between this and the post.
    const claim = await claimOf(catalog, day.date);
    if (!claim) return;
    try {
      await chat.post(post);
    } catch (error) {
      if (isPortError(error) && error.undone) await claim.giveBack(error.message);
      throw error;
    }
    await claim.posted({ text: post.text });
  };

/** What a source says within its time; a slow or failing one is no failure of the report. */
async function inTime<T>(source: Promise<T>): Promise<Known<T>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Known<T>>((resolve) => {
    const unknown = `no answer within ${patienceMs / 1000} s`;
    timer = setTimeout(() => resolve({ unknown }), patienceMs);
  });
  const answer = source.then(
    (value): Known<T> => ({ value }),
    (error: unknown): Known<T> => ({ unknown: isPortError(error) ? error.code : "it failed" }),
  );
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
