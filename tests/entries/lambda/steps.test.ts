import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { lambdaSteps } from "../../../runtime/entries/lambda/steps.ts";
import {
  type ErrorCode,
  errorCodes,
  PortError,
  type StepContext,
} from "../../../runtime/ports/index.ts";
import { refusedCodes } from "../../../spec/index.ts";

const context = { id: "a", input: { order: 7 }, results: { book: { seat: "7a" } } };
const call = (step: string, more: object = {}) => ({ step, context: { ...context, ...more } });
/** What is thrown, as the runtime of a function would report it. */
async function errorOf(promise: Promise<unknown>) {
  const error = (await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )) as Error;
  return { errorType: error.name, errorMessage: error.message, trace: error.stack?.split("\n") };
}
const throwing = (error: unknown) =>
  lambdaSteps({
    pay: async () => {
      throw error;
    },
  })(call("pay"));

describe("a workflow's steps on a function", () => {
  const logged = () => vi.mocked(console.error).mock.calls.map(([line]) => JSON.parse(line));
  beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => {}));
  afterEach(() => void vi.restoreAllMocks());

  test("are called with the context, and answer what they return", async () => {
    const seen: StepContext[] = [];
    const handler = lambdaSteps({
      pay: async (given) => {
        seen.push(given);
        return { charge: "c1" };
      },
    });
    expect(await handler(call("pay"))).toEqual({ charge: "c1" });
    expect(seen).toEqual([context]);
  });

  test("answer null for nothing, and drop what JSON does not know", async () => {
    expect(await lambdaSteps({ pay: async () => {} })(call("pay"))).toBeNull();
    const odd = { a: undefined, at: new Date(0) } as never;
    expect(await lambdaSteps({ pay: async () => odd })(call("pay"))).toEqual({
      at: "1970-01-01T00:00:00.000Z",
    });
  });

  test("keep what `this` is", async () => {
    const handlers = {
      price: 7,
      async pay(this: { readonly price: number }) {
        return this.price;
      },
    };
    expect(await lambdaSteps(handlers as never)(call("pay"))).toBe(7);
  });

  test("are told in a compensation which step failed, in its own words", async () => {
    const seen: unknown[] = [];
    const handler = lambdaSteps({ refund: async ({ failed }) => void seen.push(failed) });
    const cause = JSON.stringify({ errorType: "Refused", errorMessage: "declined", trace: [""] });
    for (const error of [
      { Error: "Refused", Cause: cause },
      { Error: "States.Timeout" },
      { Error: "Lambda.Unknown", Cause: "the runtime ended" },
    ])
      await handler(call("refund", { failed: { step: "pay", error } }));
    expect(seen).toEqual([
      { step: "pay", reason: "declined" },
      { step: "pay", reason: "no answer in time" },
      { step: "pay", reason: "the runtime ended" },
    ]);
  });

  test.each(errorCodes.map((code) => [code, isRefused(code) ? "Refused" : "Failed"] as const))(
    "report a port's error %s as %s",
    async (code, errorType) => {
      expect(await errorOf(throwing(new PortError(code, "card declined")))).toEqual({
        errorType,
        errorMessage: "card declined",
        trace: [""],
      });
    },
  );

  test("report no stack, no cause and no more than a line, and log them", async () => {
    const error = new Error(`first\nsecond ${"x".repeat(1000)}`, { cause: new Error("secret") });
    const reported = await errorOf(throwing(error));
    expect(reported.errorType).toBe("Failed");
    expect(reported.errorMessage).toMatch(/^first second x{487}$/);
    expect(JSON.stringify(reported)).not.toMatch(/secret|steps\.test/);
    expect(logged()).toEqual([
      { level: "error", step: "pay", execution: "a", error: expect.stringContaining("steps.test") },
    ]);
  });

  test.each([
    ["", "Failed"],
    ["text", "text"],
    [undefined, "undefined"],
    [new Error(""), "Failed"],
  ])("report %j, thrown, as a failure", async (thrown, errorMessage) => {
    expect(await errorOf(throwing(thrown))).toEqual({
      errorType: "Failed",
      errorMessage,
      trace: [""],
    });
  });

  test.each(["ship", "toString", "__proto__"])(
    "name a step without a handler: %s",
    async (step) => {
      const reported = await errorOf(lambdaSteps({ pay: async () => null })(call(step)));
      // A later try may find the code that belongs to the definition.
      expect(reported).toMatchObject({
        errorType: "Failed",
        errorMessage: `step "${step}": create returns no handler of that name; deploy code and definition together`,
      });
    },
  );

  test("refuse results that no state could hold, with those before them", async () => {
    const handler = lambdaSteps({ pay: async () => "x".repeat(60_000) });
    expect(await handler(call("pay"))).toHaveLength(60_000);
    const full = { book: "x".repeat(6_000) };
    expect(await errorOf(handler(call("pay", { results: full })))).toMatchObject({
      errorType: "Refused",
      errorMessage: expect.stringMatching(/^step "pay": results of 66013 bytes .* at most 65536/),
    });
  });

  test.each([
    null,
    "text",
    {},
    { step: "pay" },
    { step: "pay", context: null },
    { step: 7, context },
    { step: "pay", context: { ...context, input: [] } },
    { step: "pay", context: { ...context, results: undefined } },
  ])("refuse what no state machine sends: %j", async (event) => {
    const reported = await errorOf(lambdaSteps({ pay: async () => null })(event));
    expect(reported).toMatchObject({
      errorType: "Refused",
      errorMessage: expect.stringMatching(/^step: what was sent has no step/),
    });
  });
});

function isRefused(code: ErrorCode): boolean {
  return (refusedCodes as readonly string[]).includes(code);
}
