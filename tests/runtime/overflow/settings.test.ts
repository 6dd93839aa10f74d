import { expect, test } from "vitest";
import { admissionFrom } from "../../../runtime/overflow/settings.ts";

const from = (text?: string) => admissionFrom({ SPILLWAY_ADMISSION: text });

test("nothing set is nothing changed", () => {
  expect(from(undefined)).toEqual({});
  expect(from("")).toEqual({});
});

test("numbers are taken as they are, with a budget in calls or in money", () => {
  const money = { perHour: 2, prices: { perRequest: 2e-7, perGbSecond: 1e-5, memoryMb: 512 } };
  for (const budget of [{ perHour: 1_000 }, money]) {
    const settings = { floor: 2, ceiling: 40, waitMs: 0, budget };
    expect(from(JSON.stringify(settings))).toEqual(settings);
  }
});

test.each([
  ["{", "no JSON object"],
  ["[]", "no JSON object"],
  ['{"ceilling": 4}', "ceilling is unknown; use floor, ceiling"],
  ['{"ceiling": "4", "floor": -1}', "ceiling is no number of 0 or more; floor is no number"],
  ['{"budget": 4}', "budget is no object"],
  ['{"budget": {}}', "budget.perHour is missing"],
  ['{"budget": {"perHour": 1, "prices": {"memoryMb": 1}}}', "budget.prices.perRequest is missing"],
  ['{"ceiling": 0}', "floor 0, ceiling 0; use 1 <= floor <= ceiling"],
  ['{"floor": 9, "ceiling": 4}', "floor 9, ceiling 4; use 1 <= floor <= ceiling"],
  ['{"floor": 0}', "floor 0, ceiling 200; use 1 <= floor <= ceiling"],
  ['{"twin": {}}', "twin is unknown"],
])("%s is refused with what is wrong", (text, fault) => {
  expect(() => from(text)).toThrow(fault);
});
