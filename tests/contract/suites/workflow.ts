import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StepHandlers } from "../../../runtime/entries/steps.ts";
import {
  type Execution,
  type Json,
  type JsonObject,
  PortError,
  type StepContext,
  type Workflow,
} from "../../../runtime/ports/index.ts";
import type { Saga } from "../../../spec/index.ts";
import { refusal, sleep, tally } from "./refusal.ts";

/** A service, in which `make` gives a new workflow whose steps are run by these handlers. */
export interface WorkflowService {
  make(saga: Saga, handlers: StepHandlers): Promise<Workflow>;
  close(): Promise<void>;
}

export interface WorkflowSubject {
  /** Why a step failed is kept. An emulator may forget it. */
  readonly reasons: boolean;
  /** A step that failed is tried again. An emulator may hand a new try the end of the one before. */
  readonly retries: boolean;
  readonly start: () => Promise<WorkflowService>;
}

const patient = { timeoutSeconds: 30 };
const undoneAtOnce = { retry: { attempts: 0, backoffSeconds: 1, factor: 1 } };
const saga: Saga = {
  steps: [
    { name: "book", ...patient, compensate: "unbook" },
    { name: "pay", ...patient, compensate: "refund" },
  ],
  compensations: [
    { name: "unbook", ...patient, ...undoneAtOnce },
    { name: "refund", ...patient, ...undoneAtOnce },
    { name: "tell", ...patient, ...undoneAtOnce },
  ],
  onFailure: "tell",
};

let executions = 0;
const newId = () => `run-${++executions}_A`;

/** What every Workflow does with the executions of one declaration, the same on every adapter. */
export function workflowContract(title: string, subject: WorkflowSubject): void {
  describe(title, () => {
    let service: WorkflowService | undefined;
    beforeAll(async () => {
      service = await subject.start();
    });
    afterAll(() => service?.close());

    /** A workflow with its calls noted, where each step does nothing unless it is said. */
    const make = async (said: StepHandlers = {}, declared: Saga = saga) => {
      if (!service) throw new Error("the workflow service did not start");
      const calls: [string, StepContext][] = [];
      const all = [...declared.steps, ...(declared.compensations ?? [])];
      const handlers = all.map(({ name }) => [
        name,
        async (context: StepContext) => {
          calls.push([name, context]);
          return said[name]?.(context);
        },
      ]);
      const workflow = await service.make(declared, Object.fromEntries(handlers));
      return { workflow, calls, steps: () => calls.map(([name]) => name) };
    };
    const ended = async (workflow: Workflow, id: string): Promise<Execution | undefined> => {
      for (const end = Date.now() + 30_000; Date.now() < end; await sleep(50)) {
        const execution = await workflow.status(id);
        if (execution && execution.status !== "running") return execution;
      }
      throw new Error(`execution ${id} did not end within 30 s`);
    };
    const refuse = (message: string) => async () => {
      throw new PortError("denied", message);
    };
    const reason = (text: string) => (subject.reasons ? text : expect.any(String));

    it("runs the steps in order, each with what earlier ones returned", async () => {
      const { workflow, calls } = await make({ book: async () => ({ seat: "7a" }) });
      const id = newId();
      const before = Date.now();
      expect(await workflow.start(id, { order: 7 })).toEqual({ started: true });
      expect(await ended(workflow, id)).toEqual({
        id,
        status: "done",
        startedAt: expect.any(Date),
        endedAt: expect.any(Date),
      });
      expect(calls).toEqual([
        ["book", { id, input: { order: 7 }, results: {} }],
        ["pay", { id, input: { order: 7 }, results: { book: { seat: "7a" } } }],
      ]);
      const { startedAt, endedAt } = (await workflow.status(id)) as Required<Execution>;
      expect(Math.abs(startedAt.getTime() - before)).toBeLessThan(20_000);
      expect(endedAt.getTime()).toBeGreaterThanOrEqual(startedAt.getTime());
    });

    it("hands on every JSON value exactly", async () => {
      const odd: JsonObject = {
        "": [null, true, -0.5, 1e21, "", "\u2028 \\ \" ' {} $.x 😀"],
        "a.$": "$.input",
        States: "States.Format('{}', $)",
        deep: { "with.dot": { $$: {} } },
      };
      const { workflow, calls } = await make({ book: async () => [odd] as Json });
      const id = newId();
      await workflow.start(id, odd);
      expect((await ended(workflow, id))?.status).toBe("done");
      expect(calls.at(-1)?.[1]).toEqual({ id, input: odd, results: { book: [odd] } });
    });

    it("is running until it ends", async () => {
      const gate = Promise.withResolvers<void>();
      const { workflow } = await make({ pay: () => gate.promise });
      const id = newId();
      await workflow.start(id, {});
      expect(await workflow.status(id)).toEqual({
        id,
        status: "running",
        startedAt: expect.any(Date),
      });
      gate.resolve();
      expect((await ended(workflow, id))?.status).toBe("done");
    });

    it("undoes what was done when a step is refused, the last first, and says why", async () => {
      const { workflow, calls, steps } = await make({
        book: async () => "7a",
        pay: refuse("card declined"),
      });
      const id = newId();
      await workflow.start(id, {});
      const failed = { step: "pay", reason: reason("card declined") };
      expect(await ended(workflow, id)).toMatchObject({ status: "compensated", failed });
      expect(steps()).toEqual(["book", "pay", "refund", "unbook", "tell"]);
      expect(calls[2]?.[1]).toEqual({ id, input: {}, results: { book: "7a" }, failed });
    });

    it("is stuck where an undoing failed, and runs the others all the same", async () => {
      const { workflow, steps } = await make({
        pay: refuse("card declined"),
        refund: refuse("never"),
      });
      const id = newId();
      await workflow.start(id, {});
      const { failed, ...rest } = (await ended(workflow, id)) as Execution;
      expect(rest).toMatchObject({ id, status: "stuck", endedAt: expect.any(Date) });
      expect(failed).toEqual({ step: "pay", reason: reason("card declined") });
      expect(steps()).toEqual(["book", "pay", "refund", "unbook", "tell"]);
    });

    it("tries again what may be helped, and gives up what gives no answer", async () => {
      const retry = { attempts: 1, backoffSeconds: 1, factor: 1 };
      const short: Saga = {
        steps: [
          { name: "flaky", ...patient, retry },
          { name: "slow", timeoutSeconds: 1 },
        ],
      };
      let tries = 0;
      const gate = Promise.withResolvers<void>();
      const { workflow, steps } = await make(
        {
          flaky: async () => {
            if (++tries === 1 && subject.retries) throw new PortError("unavailable", "busy");
          },
          slow: () => gate.promise,
        },
        short,
      );
      const id = newId();
      await workflow.start(id, {});
      expect(await ended(workflow, id)).toMatchObject({
        status: "compensated",
        failed: { step: "slow", reason: "no answer in time" },
      });
      expect(steps()).toEqual([...(subject.retries ? ["flaky"] : []), "flaky", "slow"]);
      gate.resolve();
    });

    it("starts an id once, while it runs and after it has ended", async () => {
      const gate = Promise.withResolvers<void>();
      const { workflow, steps } = await make({ book: () => gate.promise });
      const id = newId();
      expect(await workflow.start(id, { a: 1, b: [2] })).toEqual({ started: true });
      expect(await workflow.start(id, { b: [2], a: 1 })).toEqual({ started: false });
      expect(await refusal(workflow.start(id, { a: 1 }))).toBe("conflict");
      gate.resolve();
      await ended(workflow, id);
      expect(await workflow.start(id, { a: 1, b: [2] })).toEqual({ started: false });
      expect(await refusal(workflow.start(id, {}))).toBe("conflict");
      expect(steps()).toEqual(["book", "pay"]);
    });

    it("starts one of many that come at once", async () => {
      const { workflow, steps } = await make();
      const id = newId();
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => workflow.start(id, { same: true })),
      );
      expect(answers.filter(({ started }) => started)).toHaveLength(1);
      expect(await tally([workflow.start(id, { same: false })])).toEqual({ conflict: 1 });
      await ended(workflow, id);
      expect(steps()).toEqual(["book", "pay"]);
    });

    it("keeps executions of different ids apart", async () => {
      const { workflow, calls } = await make();
      const ids = Array.from({ length: 5 }, newId);
      await Promise.all(ids.map((id) => workflow.start(id, { for: id })));
      for (const id of ids) expect((await ended(workflow, id))?.status).toBe("done");
      for (const [, context] of calls) expect(context.input).toEqual({ for: context.id });
      expect(calls).toHaveLength(10);
    });

    it("knows nothing of what was never started", async () => {
      const { workflow } = await make();
      expect(await workflow.status("nobody")).toBeUndefined();
    });

    it.each(["", "x".repeat(81), "a b", "a/b", "a.b", "é", "a\n"])(
      "refuses %j as an id",
      async (id) => {
        const { workflow } = await make();
        expect(await refusal(workflow.start(id, {}))).toBe("invalid");
        expect(await refusal(workflow.status(id))).toBe("invalid");
      },
    );

    it("takes an id of 80 characters", async () => {
      const { workflow } = await make();
      const id = `${newId()}-`.padEnd(80, "Z");
      expect(await workflow.start(id, {})).toEqual({ started: true });
      expect((await ended(workflow, id))?.id).toBe(id);
    });

    it("takes 100 KiB of input and no more, and no input that is no JSON object", async () => {
      const { workflow } = await make();
      const sized = (bytes: number) => ({ x: "x".repeat(bytes - '{"x":""}'.length) });
      const id = newId();
      expect(await workflow.start(id, sized(102_400))).toEqual({ started: true });
      expect((await ended(workflow, id))?.status).toBe("done");
      expect(await refusal(workflow.start(newId(), sized(102_401)))).toBe("too-large");
      for (const input of [null, [], "text", { when: new Date() }, { nothing: undefined }])
        expect(await refusal(workflow.start(newId(), input as never))).toBe("invalid");
    });
  });
}
