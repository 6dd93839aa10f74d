import { admissionEnv } from "../../spec/env.ts";
import type { AdmissionOptions } from "./admission.ts";
import { boundsOf, type LimitOptions } from "./limit.ts";

/** What may be set from outside: plain numbers. */
const numbers = [
  "floor",
  "ceiling",
  "initial",
  "waiting",
  "waitMs",
  "maxSpilling",
  "deadlineMs",
] as const;
const prices = ["perRequest", "perGbSecond", "memoryMb"] as const;

const isAmount = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && value >= 0;
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Options of a container's admission control, from the variable that its component sets, such as
 * `{"ceiling": 40, "budget": {"perHour": 2, "prices": {…}}}`.
 * @throws {Error} with all faults: what is no JSON object, unknown, no number of 0 or more, or no
 *   1 <= floor <= ceiling
 */
export function admissionFrom(env: NodeJS.ProcessEnv): AdmissionOptions {
  const text = env[admissionEnv];
  if (!text) return {};
  const given = parsed(text);
  if (!given)
    throw new Error(`Container: ${admissionEnv} is no JSON object; write {"ceiling": 40}`);
  const { budget, ...rest } = given;
  const amounts = faultsOf(rest, numbers, "");
  const bounds = amounts.length > 0 ? [] : boundFaults(rest);
  const faults = [...amounts, ...bounds, ...budgetFaults(budget)];
  if (faults.length > 0) throw new Error(`Container: ${admissionEnv}: ${faults.join("; ")}`);
  return given as AdmissionOptions;
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function boundFaults(given: LimitOptions): string[] {
  try {
    boundsOf(given);
    return [];
  } catch (error) {
    return [(error as RangeError).message.replace("Limit: ", "")];
  }
}

function budgetFaults(budget: unknown): string[] {
  if (budget === undefined) return [];
  if (!isObject(budget)) return ["budget is no object"];
  const { prices: given, ...rest } = budget;
  const faults = faultsOf(rest, ["perHour"], "budget.");
  if (!("perHour" in rest)) faults.push("budget.perHour is missing");
  if (given === undefined) return faults;
  if (!isObject(given)) return [...faults, "budget.prices is no object"];
  const missing = prices.filter((name) => !(name in given));
  return [
    ...faults,
    ...missing.map((name) => `budget.prices.${name} is missing`),
    ...faultsOf(given, prices, "budget.prices."),
  ];
}

const faultsOf = (
  given: Readonly<Record<string, unknown>>,
  known: readonly string[],
  at: string,
): string[] =>
  Object.entries(given).flatMap(([name, value]) => {
    if (!known.includes(name)) return [`${at}${name} is unknown; use ${known.join(", ")}`];
    return isAmount(value) ? [] : [`${at}${name} is no number of 0 or more`];
  });
