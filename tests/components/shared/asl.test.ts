import aslValidator from "asl-validator";
import { StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileAsl, type Definition, type StepHost } from "../../../components/shared/asl.ts";
import { delayAfter, retryOf, type Saga, type Step } from "../../../spec/index.ts";
import { system } from "../../../system.ts";
import { plays } from "../../workflow/sagas.ts";

const onFunction: StepHost = {
  on: "function",
  arn: "arn:aws:lambda:eu-central-1:111122223333:function:saga",
};
const onContainer: StepHost = {
  on: "container",
  queue: "https://sqs.eu-central-1.amazonaws.com/111122223333/saga",
};
const saga: Saga = {
  steps: [
    { name: "check", timeoutSeconds: 5 },
    {
      name: "pay",
      timeoutSeconds: 30,
      retry: { attempts: 2, backoffSeconds: 2, factor: 1.5 },
      compensate: "refund",
    },
  ],
  compensations: [
    { name: "refund", timeoutSeconds: 20 },
    { name: "tell", timeoutSeconds: 10 },
  ],
  onFailure: "tell",
};

interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds: number;
  readonly MaxAttempts: number;
  readonly BackoffRate: number;
  readonly MaxDelaySeconds?: number;
}
const retriers = (definition: Definition, state: string) =>
  definition.States[state]?.Retry as readonly Retrier[];
const faultsOf = (definition: Definition) => {
  const { isValid, errorsText } = aslValidator(definition);
  return isValid ? "" : errorsText();
};

describe("a compiled workflow", () => {
  test.each([onFunction, onContainer])("of storefront is valid, and small, on a $on", (host) => {
    const definition = compileAsl(system.workloads.checkout, host);
    expect(faultsOf(definition)).toBe("");
    // A state machine's definition may have 1 MB; what a person reads should have less.
    expect(JSON.stringify(definition).length).toBeLessThan(10_000);
  });

  test("is valid, whatever was declared", () => {
    return fc.assert(
      fc.property(plays, fc.constantFrom(onFunction, onContainer), ({ saga }, host) => {
        expect(faultsOf(compileAsl(saga, host))).toBe("");
      }),
      // The validator reads its schemas anew each time, which takes it half a second.
      { numRuns: 5 },
    );
  });

  test("has no state that nothing leads to", () => {
    return fc.assert(
      fc.property(plays, ({ saga }) => {
        const { StartAt, States } = compileAsl(saga, onFunction);
        const named = JSON.stringify(States).matchAll(/"(?:Next|Default)":"([^"]+)"/g);
        const reached = new Set([StartAt, ...[...named].map(([, name]) => name)]);
        expect([...reached].sort()).toEqual(Object.keys(States).sort());
      }),
    );
  });

  test("calls a function by its ARN, so that its answer is the result", () => {
    expect(compileAsl(saga, onFunction).States.pay).toMatchObject({
      Type: "Task",
      Resource: "arn:aws:lambda:eu-central-1:111122223333:function:saga",
      Parameters: {
        step: "pay",
        context: { "id.$": "$.id", "input.$": "$.input", "results.$": "$.results" },
      },
      ResultPath: "$.results.pay",
      TimeoutSeconds: 30,
      Next: "Done",
    });
  });

  test("sends a container a message, and waits for its token", () => {
    expect(compileAsl(saga, onContainer).States.refund).toMatchObject({
      Type: "Task",
      Resource: "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
      Parameters: {
        QueueUrl: "https://sqs.eu-central-1.amazonaws.com/111122223333/saga",
        MessageBody: {
          "taskToken.$": "$$.Task.Token",
          step: "refund",
          context: {
            "id.$": "$.id",
            "input.$": "$.input",
            "results.$": "$.results",
            "failed.$": "$.failed",
          },
        },
      },
      ResultPath: null,
      TimeoutSeconds: 20,
    });
  });

  test("has one chain of compensations, entered where a step failed", () => {
    const { States } = compileAsl(saga, onFunction);
    const next = (state: string) => States[state]?.Next;
    expect(["check failed", "pay failed", "refund", "tell"].map(next)).toEqual([
      "tell",
      "refund",
      "tell",
      "Undone",
    ]);
    expect(Object.keys(States)).toHaveLength(13);
  });

  test("retries errors of the service apart from those of the step", () => {
    for (const [host, error] of [
      [onFunction, "Lambda.TooManyRequestsException"],
      [onContainer, "SQS.AmazonSQSException"],
    ] as const)
      expect(retriers(compileAsl(saga, host), "check")).toEqual([
        { ErrorEquals: ["Refused"], MaxAttempts: 0 },
        {
          ErrorEquals: expect.arrayContaining([error]),
          IntervalSeconds: 2,
          MaxAttempts: 6,
          BackoffRate: 2,
        },
      ]);
  });

  test("waits as long as this machine does", () => {
    return fc.assert(
      fc.property(plays, ({ saga }) => {
        const definition = compileAsl(saga, onFunction);
        for (const step of [...saga.steps, ...(saga.compensations ?? [])]) {
          const retry = retryOf(saga, step);
          const own = retriers(definition, step.name).find(({ ErrorEquals }) =>
            ErrorEquals.includes("States.ALL"),
          );
          expect(own?.MaxAttempts ?? 0).toBe(retry.attempts);
          for (let n = 1; own && n <= retry.attempts; n++) {
            const grown = own.IntervalSeconds * own.BackoffRate ** (n - 1);
            const wait = Math.min(grown, own.MaxDelaySeconds ?? Number.POSITIVE_INFINITY);
            expect(wait).toBeCloseTo(delayAfter(retry, n), 6);
          }
        }
      }),
    );
  });

  test("never has a longest wait that is not above the first", () => {
    for (const backoffSeconds of [1, 299, 300]) {
      const step: Step = {
        name: "pay",
        timeoutSeconds: 5,
        retry: { attempts: 3, backoffSeconds, factor: 2 },
      };
      const [, , own] = retriers(compileAsl({ steps: [step] }, onFunction), "pay");
      expect(own?.MaxDelaySeconds ?? 301).toBeGreaterThan(backoffSeconds);
    }
  });

  test("gives a try up when its time is over", async () => {
    const slow: Saga = { steps: [{ name: "slow", timeoutSeconds: 1 }] };
    const definition = compileAsl(slow, onFunction) as unknown as StateMachineDefinition;
    const unchecked = { validationOptions: { noValidate: true } };
    const { result } = new StateMachine(definition, unchecked).run({ input: {} } as never, {
      context: { Execution: { Name: "a" } },
      overrides: { taskResourceLocalHandlers: { slow: () => new Promise(() => {}) } },
    });
    expect(await result).toMatchObject({
      status: "compensated",
      failed: { step: "slow", error: { Error: "States.Timeout" } },
    });
  });
});
