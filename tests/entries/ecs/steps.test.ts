import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ecsSteps, type TaskTokens } from "../../../runtime/entries/ecs/steps.ts";
import { type Json, type Message, PortError } from "../../../runtime/ports/index.ts";

const context = { id: "a", input: { order: 7 }, results: {} };
const message = (body: Json): Message => ({ id: "m", body, receives: 1, sentAt: new Date() });
const pay = message({ taskToken: "token", step: "pay", context });

/** A state machine that notes what it is told, and says whether somebody waited for it. */
function machine(heard = true) {
  const told: unknown[] = [];
  const tokens: TaskTokens = {
    succeed: async (token, result) => {
      told.push({ token, result });
      return heard;
    },
    fail: async (token, failure) => {
      told.push({ token, ...failure });
      return heard;
    },
  };
  return { tokens, told };
}

describe("a workflow's steps on a container", () => {
  const logged = () => vi.mocked(console.error).mock.calls.map(([line]) => JSON.parse(line));
  beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => {}));
  afterEach(() => void vi.restoreAllMocks());

  test("tell what a step returned, under the message's token", async () => {
    const { tokens, told } = machine();
    await ecsSteps({ pay: async ({ input }) => ({ paid: input.order ?? 0 }) }, tokens)(pay);
    expect(told).toEqual([{ token: "token", result: { paid: 7 } }]);
    expect(logged()).toEqual([]);
  });

  test("tell why a step failed, and are done with the message: a new try is a new one", async () => {
    const { tokens, told } = machine();
    const errors = [new PortError("denied", "card declined"), new PortError("unavailable", "busy")];
    for (const error of errors)
      await ecsSteps(
        {
          pay: async () => {
            throw error;
          },
        },
        tokens,
      )(pay);
    expect(told).toEqual([
      { token: "token", error: "Refused", reason: "card declined" },
      { token: "token", error: "Failed", reason: "busy" },
    ]);
    expect(logged()).toMatchObject([{ step: "pay", execution: "a" }, { step: "pay" }]);
  });

  test("are done with a try that nobody waits for any more, and say so", async () => {
    const { tokens, told } = machine(false);
    await ecsSteps({ pay: async () => null }, tokens)(pay);
    expect(told).toHaveLength(1);
    expect(logged()).toEqual([
      {
        level: "error",
        step: "pay",
        execution: "a",
        error: "the try was given up before it ended; its answer is dropped",
      },
    ]);
  });

  test("leave the message to be delivered again where nothing can be told", async () => {
    const lost = new PortError("unavailable", "no connection");
    const tokens: TaskTokens = {
      succeed: async () => {
        throw lost;
      },
      fail: async () => {
        throw new Error("a success that could not be told is no failure");
      },
    };
    await expect(ecsSteps({ pay: async () => null }, tokens)(pay)).rejects.toBe(lost);
  });

  test("tell a state machine that is ahead of the code which handler it lacks", async () => {
    const { tokens, told } = machine();
    await ecsSteps({}, tokens)(pay);
    expect(told).toEqual([
      { token: "token", error: "Failed", reason: expect.stringMatching(/^step "pay": create/) },
    ]);
  });

  test.each([
    null,
    "text",
    { step: "pay", context },
    { taskToken: "", step: "pay", context },
    { taskToken: "token", step: "pay" },
  ] as Json[])("set aside what no state machine sends: %j", async (body) => {
    const { tokens, told } = machine();
    const handling = ecsSteps({ pay: async () => null }, tokens)(message(body));
    await expect(handling).rejects.toMatchObject({ name: "PortError", code: "invalid" });
    expect(told).toEqual([]);
  });
});
