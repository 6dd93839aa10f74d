import { describe, expect, test } from "vitest";
import { workflow } from "../../spec/index.ts";
import { faultsOfWorkload, load } from "./faults.ts";

const step = (parts: object = {}) => ({ name: "pay", timeoutSeconds: 10, ...parts });
const undo = (name: string, parts: object = {}) => ({ name, timeoutSeconds: 10, ...parts });
/** What is said of a workflow, without the name of the workload before it. */
const faultsOf = (parts: object) =>
  faultsOfWorkload(workflow({ code: "functions/w", steps: [step()], load: load(), ...parts })).map(
    (fault) => fault.replace(/^workload "w": /, ""),
  );

describe("a workflow", () => {
  test("has steps, each named once, compensations among them", () => {
    expect(faultsOf({ steps: [] })).toEqual(["has no steps; give at least one"]);
    expect(faultsOf({ compensations: [step()] })).toEqual(['step "pay" stands twice; rename one']);
  });

  test.each(["Pay", "pay-now", "pay now", "1st", "", "größe", "__proto__"])(
    "has no step named %j, which no method or state could be called",
    (name) => {
      expect(faultsOf({ steps: [step({ name })] })).toEqual([
        `step "${name}": start with a small letter, then letters and digits: it is a method's name`,
      ]);
    },
  );

  test("has names that fit into a state's", () => {
    expect(faultsOf({ steps: [step({ name: "p".repeat(60) })] })).toEqual([]);
    expect(faultsOf({ steps: [step({ name: "p".repeat(61) })] })).toEqual([
      `step "${"p".repeat(61)}": 61 characters; use at most 60`,
    ]);
  });

  test.each([0, -1, 1.5, 100_000_000, Number.NaN, Number.POSITIVE_INFINITY])(
    "ends no step after %d s",
    (n) => {
      const fault = `timeoutSeconds ${n}; use a whole number from 1 to 99999999`;
      expect(faultsOf({ steps: [step({ timeoutSeconds: n })] })).toEqual([`step "pay": ${fault}`]);
    },
  );

  test.each([
    [{ attempts: -1 }, "retry.attempts -1; use a whole number from 0 to 100"],
    [{ attempts: 1.5 }, "retry.attempts 1.5; use a whole number from 0 to 100"],
    [{ attempts: 101 }, "retry.attempts 101; use a whole number from 0 to 100"],
    [{ backoffSeconds: 0 }, "retry.backoffSeconds 0; use a whole number from 1 to 300"],
    [{ backoffSeconds: 0.5 }, "retry.backoffSeconds 0.5; use a whole number from 1 to 300"],
    [{ backoffSeconds: 301 }, "retry.backoffSeconds 301; use a whole number from 1 to 300"],
    [{ factor: 0.5 }, "retry.factor 0.5; use a number from 1 to 100"],
    [{ factor: Number.NaN }, "retry.factor NaN; use a number from 1 to 100"],
  ])("retries within reason: %o", (parts, fault) => {
    const retry = { attempts: 2, backoffSeconds: 1, factor: 2, ...parts };
    expect(faultsOf({ steps: [step({ retry })] })).toEqual([`step "pay": ${fault}`]);
  });

  test("undoes by compensations that there are", () => {
    expect(faultsOf({ steps: [step({ compensate: "refund" })], onFailure: "apologise" })).toEqual([
      'step "pay": compensate "refund" is no step; add it to compensations',
      'onFailure "apologise" is no step; add it to compensations',
    ]);
  });

  test("undoes by no step that it also does", () => {
    const steps = [step({ compensate: "check" }), undo("check")];
    expect(faultsOf({ steps, onFailure: "pay" })).toEqual([
      'step "pay": compensate "check" is no compensation; give one of compensations',
      'onFailure "pay" is no compensation; give one of compensations',
    ]);
  });

  test("undoes each step by a compensation of its own", () => {
    const steps = [step({ compensate: "undo" }), undo("ship", { compensate: "undo" })];
    expect(faultsOf({ steps, compensations: [undo("undo")], onFailure: "undo" })).toEqual([
      'step "ship": compensate "undo" belongs to step "pay"; give each its own',
      'onFailure "undo" belongs to step "pay"; give each its own',
    ]);
  });

  test("undoes no compensation, and has none that never runs", () => {
    const compensations = [undo("refund", { compensate: "charge" }), undo("charge")];
    expect(faultsOf({ steps: [step({ compensate: "refund" })], compensations })).toEqual([
      'compensation "refund": compensate "charge"; nothing undoes a compensation, leave it out',
      'compensation "charge" is never run; name it in compensate or onFailure',
    ]);
  });
});
