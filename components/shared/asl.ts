import {
  compensationsAfter,
  longestDelaySeconds,
  type Retry,
  retryOf,
  type Saga,
  type Step,
  stepErrors,
  stuckError,
} from "../../spec/index.ts";

/** Where the code of a workflow's steps runs, and how Step Functions reaches it there. */
export type StepHost =
  | {
      readonly on: "function";
      /** Of the workload's function. */
      readonly arn: string;
    }
  | {
      readonly on: "container";
      /** URL of the queue that the container reads. */
      readonly queue: string;
    };

/** A state of the Amazon States Language, as JSON. */
export type State = { readonly Type: string } & Readonly<Record<string, unknown>>;

/** A state machine's definition, in JSONPath. */
export interface Definition {
  readonly Comment: string;
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

/**
 * Compiles a workflow to the Amazon States Language, so that an execution there goes the way that
 * `nextMove` says. Its input is `{ input }`, its name the execution's id. It succeeds with
 * `{ status: "done", results }` or `{ status: "compensated", failed }`, and fails with
 * "CompensationFailed" where an undoing failed for good.
 *
 * There is one chain of compensations, from the last step's to the first's; a step that failed
 * enters it at its own. States that are steps have their names, all others a capital or a space.
 * @param saga a declared (so: validated) workflow
 * @example
 * const saga: Saga = { steps: [{ name: "pay", timeoutSeconds: 30 }] };
 * const queue = "https://sqs.eu-central-1.amazonaws.com/111122223333/orders";
 * JSON.stringify(compileAsl(saga, { on: "container", queue }));
 */
export function compileAsl(saga: Saga, host: StepHost): Definition {
  const states: Record<string, State> = {};
  const { steps } = saga;
  states.Begin = {
    Type: "Pass",
    Parameters: { "id.$": "$$.Execution.Name", "input.$": "$.input", results: {} },
    Next: steps[0]?.name,
  };
  for (const [index, step] of steps.entries()) {
    const failed = `${step.name} failed`;
    states[step.name] = {
      ...task(saga, step, host, ["id", "input", "results"]),
      ResultPath: `$.results.${step.name}`,
      Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "$.error", Next: failed }],
      Next: steps[index + 1]?.name ?? "Done",
    };
    // What a state catches is an error alone: which step it was is known here.
    states[failed] = {
      Type: "Pass",
      Parameters: {
        ...picked(["id", "input", "results"]),
        failed: { step: step.name, "error.$": "$.error" },
      },
      Next: compensationsAfter(saga, step.name)[0]?.name ?? "Compensated",
    };
  }
  states.Done = {
    Type: "Pass",
    Parameters: { status: "done", ...picked(["results"]) },
    End: true,
  };

  const chain = compensationsAfter(saga, steps.at(-1)?.name ?? "");
  for (const [index, step] of chain.entries()) {
    const next = chain[index + 1]?.name ?? "Undone";
    states[step.name] = {
      ...task(saga, step, host, ["id", "input", "results", "failed"]),
      ResultPath: null,
      // Noted, and the others still run.
      Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: `$.stuck.${step.name}`, Next: next }],
      Next: next,
    };
  }
  if (chain.length > 0) Object.assign(states, judgement());
  states.Compensated = {
    Type: "Pass",
    Parameters: { status: "compensated", ...picked(["failed"]) },
    End: true,
  };
  return { Comment: "Compiled from the workflow's declaration", StartAt: "Begin", States: states };
}

/** Whether everything could be undone. */
const judgement = (): Readonly<Record<string, State>> => ({
  Undone: {
    Type: "Choice",
    Choices: [{ Variable: "$.stuck", IsPresent: true, Next: "Not undone" }],
    Default: "Compensated",
  },
  // A cause is text; what failed, and what could not be undone, travels in it.
  "Not undone": {
    Type: "Pass",
    Parameters: { outcome: picked(["failed", "stuck"]) },
    Next: "Explained",
  },
  Explained: {
    Type: "Pass",
    Parameters: { "cause.$": "States.JsonToString($.outcome)" },
    Next: "Stuck",
  },
  Stuck: { Type: "Fail", Error: stuckError, CausePath: "$.cause" },
});

/** Parts of the state, as a payload template takes them over. */
const picked = (parts: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(parts.map((part) => [`${part}.$`, `$.${part}`]));

function task(saga: Saga, step: Step, host: StepHost, context: readonly string[]): State {
  const call = { step: step.name, context: picked(context) };
  const common = {
    TimeoutSeconds: step.timeoutSeconds,
    Retry: retriers(retryOf(saga, step), host.on),
  };
  // Called by its ARN a function's answer is the result itself, as a task token's output is.
  if (host.on === "function")
    return { Type: "Task", Resource: host.arn, Parameters: call, ...common };
  return {
    Type: "Task",
    Resource: "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    Parameters: {
      QueueUrl: host.queue,
      MessageBody: { "taskToken.$": "$$.Task.Token", ...call },
    },
    ...common,
  };
}

/**
 * Errors of the services on the way, which are no try of the step (Step Functions Developer Guide,
 * "Handle transient Lambda service exceptions", read 2026-11).
 */
const serviceErrors = {
  function: [
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
  ],
  container: ["SQS.AmazonSQSException", "SQS.SdkClientException"],
} as const;

const retriers = (retry: Retry, on: StepHost["on"]) => [
  { ErrorEquals: [stepErrors.refused], MaxAttempts: 0 },
  { ErrorEquals: serviceErrors[on], IntervalSeconds: 2, MaxAttempts: 6, BackoffRate: 2 },
  ...(retry.attempts === 0
    ? []
    : [{ ErrorEquals: ["States.ALL"], MaxAttempts: retry.attempts, ...waits(retry) }]),
];

/** A longest wait must be above the first one: there it is the only one. */
const waits = ({ backoffSeconds, factor }: Retry) =>
  backoffSeconds < longestDelaySeconds
    ? {
        IntervalSeconds: backoffSeconds,
        BackoffRate: factor,
        MaxDelaySeconds: longestDelaySeconds,
      }
    : { IntervalSeconds: backoffSeconds, BackoffRate: 1 };
