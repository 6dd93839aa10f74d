import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { StepHost } from "../../components/shared/asl.ts";
import { startWorkflowRunner } from "../../local/workflow-runner.ts";
import type { Postgres } from "../../runtime/adapters/local/postgres.ts";
import { workflow } from "../../runtime/adapters/local/workflow.ts";
import type { Execution, JsonObject } from "../../runtime/ports/index.ts";
import { temporaryDatabase } from "../contract/local/database.ts";
import { referee, timesOut } from "./referee.ts";
import { limitSeconds, type Play, plays } from "./sagas.ts";
import { type World, worldOf } from "./world.ts";

/** How many workflows are drawn; more for a deeper look. */
const runs = Number(process.env.SPILLWAY_SAGAS ?? 200);
const input: JsonObject = { order: 7, "odd.$": "$.input" };
/** Stands for every time limit, in milliseconds: nothing that answers takes time here. */
const limitMs = 15;

let postgres: Postgres;
beforeAll(async () => {
  postgres = await temporaryDatabase();
  // Each failed try is logged by its entry.
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterAll(async () => {
  vi.restoreAllMocks();
  await postgres?.stop();
});

/** Runs a play on this machine, started as often as it says. */
async function onThisMachine(play: Play, id: string) {
  const { pool } = postgres;
  const name = `saga-${randomUUID()}`;
  const port = workflow({ name, pool });
  const world = worldOf(play, () => new Promise(() => {}));
  const again: Promise<{ readonly started: boolean }>[] = [];
  // A start that comes while the n-th call is being made.
  const startsAt = (n: number) => {
    for (const at of play.startsAgain) if (at === n) again.push(port.start(id, input));
  };
  const handlers = Object.entries(world.handlers).map(([step, handler]) => [
    step,
    (context: Parameters<typeof handler>[0]) => {
      const answer = handler(context);
      startsAt(world.calls.length);
      return answer;
    },
  ]);
  const runner = startWorkflowRunner({
    name,
    workflow: play.saga,
    steps: Object.fromEntries(handlers),
    pool,
    onTrouble: () => {},
    // Long waits are stored and slept, short ones are none.
    millis: (seconds) => (seconds === limitSeconds ? limitMs : seconds < 100 ? 0 : 1),
  });
  try {
    startsAt(0);
    const first = port.start(id, input);
    const started = [await first, ...(await Promise.all(again))];
    let execution: Execution | undefined;
    do {
      await new Promise((resolve) => setTimeout(resolve, 3));
      execution = await port.status(id);
    } while (execution?.status === "running");
    started.push(...(await Promise.all(again)), await port.start(id, input));
    expect(new Set(started.filter((one) => one.started)).size).toBe(1);
    const [view] = await runner.executions(1);
    return { execution: execution as Execution, world, view };
  } finally {
    await runner.stop();
  }
}

/** Runs a play as Step Functions would. */
async function onStepFunctions(play: Play, host: StepHost["on"], id: string) {
  const world = worldOf(play, timesOut);
  const { execution, output } = await referee(play.saga, host, world.handlers, { id, input });
  return { execution, output, world };
}

/** How it ended, without the times. */
const endOf = ({ id, status, failed }: Execution) => ({ id, status, failed });

/** Wholly done, or undone as far as it can be: nothing that is undone comes back, nothing is half. */
function expectWhole({ saga }: Play, { status }: Execution, world: World): void {
  const effects = world.effects();
  const undone = new Set(
    world.calls.flatMap(({ step }) => saga.steps.filter(({ compensate }) => compensate === step)),
  );
  const begun = new Set(world.calls.map(({ step }) => step));
  for (const step of saga.steps) {
    // Also where it got stuck: whatever was begun was tried to be undone.
    if (status !== "done" && step.compensate !== undefined && begun.has(step.name))
      expect(undone.has(step)).toBe(true);
    if (status === "done") expect(effects.get(step.name)).toBe("done");
    if (status === "compensated" && step.compensate !== undefined)
      expect(effects.get(step.name)).toBe(undone.has(step) ? "tombstone" : undefined);
  }
}

describe("this machine and Step Functions", () => {
  test.each(["function", "container"] as const)(
    "make the same calls with the same words and come to the same end, steps on a %s",
    async (host) => {
      await fc.assert(
        fc.asyncProperty(plays, async (play) => {
          const id = randomUUID();
          const here = await onThisMachine(play, id);
          const there = await onStepFunctions(play, host, id);
          expect(here.world.calls).toEqual(there.world.calls);
          expect(endOf(here.execution)).toEqual(endOf(there.execution));
          if (here.execution.status === "done") {
            const { results } = there.output as { readonly results: unknown };
            expect(here.view?.steps.map(({ state }) => state)).not.toContain("failed");
            expect(Object.keys(results as object)).toEqual(play.saga.steps.map(({ name }) => name));
          }
          expectWhole(play, here.execution, here.world);
          expectWhole(play, there.execution, there.world);
        }),
        { numRuns: Math.ceil(runs / 2) },
      );
    },
    Math.max(180_000, runs * 500),
  );
});
