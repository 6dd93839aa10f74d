import { describe, expect, test } from "vitest";
import {
  compensationRetry,
  cutReason,
  delayAfter,
  failureOf,
  nextMove,
  reasonOf,
  resultsOf,
  type Saga,
  type TryEnd,
  timedOutReason,
} from "../../spec/workflow.ts";

const saga: Saga = {
  steps: [
    { name: "check", timeoutSeconds: 5 },
    {
      name: "book",
      timeoutSeconds: 5,
      retry: { attempts: 2, backoffSeconds: 2, factor: 3 },
      compensate: "unbook",
    },
    { name: "pay", timeoutSeconds: 5, compensate: "refund" },
  ],
  compensations: [
    { name: "unbook", timeoutSeconds: 5 },
    { name: "refund", timeoutSeconds: 5, retry: { attempts: 0, backoffSeconds: 1, factor: 1 } },
    { name: "tell", timeoutSeconds: 5 },
  ],
  onFailure: "tell",
};
const done = (step: string, result: unknown = null): TryEnd => ({ step, ended: "done", result });
const failed = (step: string, reason = "busy"): TryEnd => ({ step, ended: "failed", reason });
const refused = (step: string, reason = "no"): TryEnd => ({ step, ended: "refused", reason });

/** A move in a word: "book 2 after 2 s", or how it ends. */
function move(...history: TryEnd[]): string {
  const next = nextMove(saga, history);
  if (next.do === "end") return next.status;
  return `${next.step.name} ${next.attempt} after ${next.delaySeconds} s`;
}

describe("an execution", () => {
  test("goes from step to step, and is done after the last", () => {
    expect(move()).toBe("check 1 after 0 s");
    expect(move(done("check"))).toBe("book 1 after 0 s");
    expect(move(done("check"), done("book"))).toBe("pay 1 after 0 s");
    expect(move(done("check"), done("book"), done("pay"))).toBe("done");
  });

  test("tries a failed step again, as often and as late as it declares", () => {
    expect(move(done("check"), failed("book"))).toBe("book 2 after 2 s");
    expect(move(done("check"), failed("book"), failed("book"))).toBe("book 3 after 6 s");
    expect(move(done("check"), failed("book"), done("book"))).toBe("pay 1 after 0 s");
  });

  test("undoes a step whose tries are used up, for it may have been done", () => {
    const tries = [failed("book"), failed("book"), failed("book")];
    expect(move(done("check"), ...tries)).toBe("unbook 1 after 0 s");
  });

  test("undoes at once what was refused, then what was done before, the last first", () => {
    const history = [done("check"), done("book"), refused("pay")];
    expect(move(...history)).toBe("refund 1 after 0 s");
    expect(move(...history, done("refund"))).toBe("unbook 1 after 0 s");
    expect(move(...history, done("refund"), done("unbook"))).toBe("tell 1 after 0 s");
    expect(move(...history, done("refund"), done("unbook"), done("tell"))).toBe("compensated");
  });

  test("has nothing to undo where the first step without a compensation fails", () => {
    expect(move(failed("check"))).toBe("tell 1 after 0 s");
    expect(nextMove({ steps: saga.steps.slice(0, 1) }, [failed("check")])).toEqual({
      do: "end",
      status: "compensated",
    });
  });

  test("tries compensations again by default, and goes on after one that fails for good", () => {
    expect(compensationRetry).toEqual({ attempts: 8, backoffSeconds: 1, factor: 2 });
    const history = [done("check"), refused("book")];
    expect(move(...history, failed("unbook"))).toBe("unbook 2 after 1 s");
    const used = Array.from({ length: 1 + compensationRetry.attempts }, () => failed("unbook"));
    expect(move(...history, ...used)).toBe("tell 1 after 0 s");
    expect(move(...history, ...used, done("tell"))).toBe("stuck");
  });

  test("is stuck where any compensation is refused, the last one too", () => {
    const history = [done("check"), done("book"), refused("pay")];
    expect(move(...history, refused("refund"), done("unbook"), done("tell"))).toBe("stuck");
    expect(move(...history, done("refund"), done("unbook"), refused("tell"))).toBe("stuck");
  });

  test("hands on what steps returned, and nothing of compensations", () => {
    const history = [done("check", { ok: 1 }), failed("book"), done("book"), refused("pay")];
    expect(resultsOf(saga, [...history, done("refund", "x")])).toEqual({
      check: { ok: 1 },
      book: null,
    });
  });

  test("says which step failed for good, and why at last", () => {
    expect(failureOf(saga, [done("check"), failed("book", "first")])).toBeUndefined();
    const tries = [failed("book", "first"), failed("book", "second"), refused("book", "third")];
    expect(failureOf(saga, [done("check"), ...tries, refused("unbook", "never")])).toEqual({
      step: "book",
      reason: "third",
    });
  });
});

describe("a wait", () => {
  test("grows by its factor, up to five minutes", () => {
    const waits = [1, 2, 3, 8, 9, 10, 1000].map((n) => delayAfter(compensationRetry, n));
    expect(waits).toEqual([1, 2, 4, 128, 256, 300, 300]);
  });
});

describe("a reason", () => {
  test("is the message of a function's error, or the cause as it is", () => {
    const Cause = JSON.stringify({ errorType: "Refused", errorMessage: "card declined" });
    expect(reasonOf({ Error: "Refused", Cause })).toBe("card declined");
    expect(reasonOf({ Error: "Failed", Cause: "not { JSON" })).toBe("not { JSON");
    expect(reasonOf({ Error: "Failed", Cause: "null" })).toBe("null");
  });

  test("is the error's name where there is no cause, and the same words for each time-out", () => {
    expect(reasonOf({ Error: "Lambda.Unknown" })).toBe("Lambda.Unknown");
    expect(reasonOf({ Error: "Lambda.Unknown", Cause: null })).toBe("Lambda.Unknown");
    expect(reasonOf({ Error: "Failed", Cause: '{"errorMessage":""}' })).toBe("Failed");
    expect(reasonOf({ Error: "States.Timeout", Cause: "whatever" })).toBe(timedOutReason);
  });

  test("is one line of at most 500 characters, and stays what it is when cut again", () => {
    expect(cutReason("  a\n\tb\u0000c  ")).toBe("a b c");
    for (const text of ["x".repeat(600), `${"x".repeat(499)} ${"y".repeat(9)}`, "😀".repeat(300)]) {
      const cut = cutReason(`${text}\ud800`);
      expect(cut.length).toBeLessThanOrEqual(500);
      expect(cut.isWellFormed()).toBe(true);
      expect(cutReason(cut)).toBe(cut);
    }
  });
});
