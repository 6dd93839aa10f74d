import { describe, expect, test } from "vitest";
import { schedulerCron } from "../../../components/aws/cron.ts";

const said = (cron: string) => {
  const answer = schedulerCron(cron);
  return "expression" in answer ? answer.expression : answer.fault;
};

describe("a cron as EventBridge Scheduler takes it", () => {
  test.each([
    ["every day", "0 6 * * *", "cron(0 6 * * ? *)"],
    ["every minute", "* * * * *", "cron(* * * * ? *)"],
    ["a day of the month", "30 3 1 * *", "cron(30 3 1 * ? *)"],
    ["the last day of the month", "0 0 L * *", "cron(0 0 L * ? *)"],
    ["months by name", "0 0 1 jan,JUL *", "cron(0 0 1 1,7 ? *)"],
    [
      "weekdays, which are counted otherwise there",
      "0 6 * * 1-5",
      "cron(0 6 ? * MON,TUE,WED,THU,FRI *)",
    ],
    ["both numbers of Sunday", "0 6 * * 0,7", "cron(0 6 ? * SUN *)"],
    ["a week that ends on Sunday", "0 6 * * 5-7", "cron(0 6 ? * SUN,FRI,SAT *)"],
    ["weekdays by name", "0 6 * * mon-wed", "cron(0 6 ? * MON,TUE,WED *)"],
    ["every day of the week", "0 6 * * 0-6", "cron(0 6 * * ? *)"],
    ["steps", "*/15 * * * *", "cron(0,15,30,45 * * * ? *)"],
    ["steps within a range", "0 8-18/4 * * *", "cron(0 8,12,16 * * ? *)"],
    ["steps from a number on", "0 20/2 * * *", "cron(0 20,22 * * ? *)"],
    ["lists and ranges together", "0,30 1-3,5 * * *", "cron(0,30 1-3,5 * * ? *)"],
    ["what says nothing", "0 6 ? * ?", "cron(0 6 * * ? *)"],
    ["more spaces than one", " 0  6 *\t* * ", "cron(0 6 * * ? *)"],
  ])("%s", (_, cron, expression) => {
    expect(said(cron)).toBe(expression);
  });

  test("days of the month and of the week at once cannot be said: cron means either", () => {
    expect(said("0 6 1 * 1")).toMatch(
      /names days of the month and of the week; .*declare a workload/,
    );
  });

  test.each([
    ["minute", "61 * * * *"],
    ["hour", "0 5-3 * * *"],
    ["day of month", "0 6 15W * *"],
    ["month", "0 6 1 13 *"],
    ["day of week", "0 6 * * 5#2"],
    ["minute", "*/0 * * * *"],
  ])("an odd %s is named: %s", (field, cron) => {
    expect(said(cron)).toContain(`EventBridge has no ${field} "`);
  });

  test("no expression is longer than Scheduler takes, even of every other value", () => {
    expect(said("*/2 */2 */2 */2 *").length).toBeLessThanOrEqual(256);
    expect(said("1-59/2 1-23/2 * 1-11/2 1,3,5").length).toBeLessThanOrEqual(256);
  });
});
