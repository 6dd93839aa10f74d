import type { Step, Workflow } from "./workloads.ts";

/** What the semantics need of a workflow's declaration. */
export type Saga = Pick<Workflow, "steps" | "compensations" | "onFailure">;

export type Retry = NonNullable<Step["retry"]>;

/** Undoing is worth more patience than doing: about four minutes of it. */
export const compensationRetry: Retry = { attempts: 8, backoffSeconds: 1, factor: 2 };
const noRetry: Retry = { attempts: 0, backoffSeconds: 1, factor: 1 };

/** Longest wait between two tries, in seconds. */
export const longestDelaySeconds = 300;
/** Largest input of an execution, in bytes of JSON. */
export const maxInputBytes = 102_400;
/**
 * What all steps of an execution may return together, in bytes of JSON: with the input it stays
 * well below the 256 KiB that a state of Step Functions holds (quotas, read 2026-11).
 */
export const maxResultsBytes = 65_536;
/** Longest reason that is recorded, in characters. */
export const maxReason = 500;

/** Codes of port errors that no other try can help. */
export const refusedCodes = ["invalid", "denied", "conflict", "not-found", "too-large"] as const;

/** Names under which a step's errors reach Step Functions. */
export const stepErrors = {
  /** No other try can help. */
  refused: "Refused",
  /** Another try may help. */
  failed: "Failed",
} as const;

/** Name under which an execution fails there of which not everything could be undone. */
export const stuckError = "CompensationFailed";

/** Why a try ended that gave no answer within its time limit. */
export const timedOutReason = "no answer in time";

/** How one try of a step ended, by an answer, an error or the time limit. */
export type TryEnd =
  | { readonly step: string; readonly ended: "done"; readonly result: unknown }
  | { readonly step: string; readonly ended: "failed" | "refused"; readonly reason: string };

/** The step that failed, and why. */
export interface Failure {
  readonly step: string;
  readonly reason: string;
}

/** What an execution does next. */
export type Move =
  | {
      readonly do: "run";
      readonly step: Step;
      /** Number of the try, from 1. */
      readonly attempt: number;
      /** How long to wait before it. */
      readonly delaySeconds: number;
    }
  | { readonly do: "end"; readonly status: "done" | "compensated" | "stuck" };

/** A compensation or `onFailure` by its name; validated declarations have it. */
const undoing = ({ compensations = [] }: Saga, name: string | undefined): readonly Step[] =>
  compensations.filter((step) => step.name === name);

/**
 * What runs after a step failed, in its order: the compensation of the step itself, whose outcome
 * may be unknown, those of the steps before it, the last first, then `onFailure`.
 */
export function compensationsAfter(saga: Saga, failedStep: string): readonly Step[] {
  const index = saga.steps.findIndex(({ name }) => name === failedStep);
  return [
    ...saga.steps
      .slice(0, index + 1)
      .reverse()
      .flatMap(({ compensate }) => undoing(saga, compensate)),
    ...undoing(saga, saga.onFailure),
  ];
}

/** How a step of a workflow is retried: as declared, else by the default of its kind. */
export const retryOf = (saga: Saga, { name, retry }: Step): Retry =>
  retry ?? (saga.steps.some((step) => step.name === name) ? noRetry : compensationRetry);

/** The wait after the n-th failed try of a step, n from 1, in seconds. */
export const delayAfter = ({ backoffSeconds, factor }: Retry, failed: number): number =>
  Math.min(backoffSeconds * factor ** (failed - 1), longestDelaySeconds);

/**
 * What an execution does next: a function of its declaration and of the tries that have ended.
 * @param history all tries that have ended, in their order
 * @example
 * const saga = { steps: [{ name: "pay", timeoutSeconds: 5 }] };
 * nextMove(saga, []); // { do: "run", step: saga.steps[0], attempt: 1, delaySeconds: 0 }
 * nextMove(saga, [{ step: "pay", ended: "done", result: null }]); // { do: "end", status: "done" }
 */
export function nextMove(saga: Saga, history: readonly TryEnd[]): Move {
  for (const step of saga.steps) {
    const move = moveOf(saga, step, history);
    if (move === "done") continue;
    if (move !== "failed") return move;
    const undone = compensationsAfter(saga, step.name).map((one) => moveOf(saga, one, history));
    const pending = undone.find((one) => typeof one === "object");
    return pending ?? { do: "end", status: undone.includes("failed") ? "stuck" : "compensated" };
  }
  return { do: "end", status: "done" };
}

/** Where one step stands: done, failed for good, or its next try. */
function moveOf(saga: Saga, step: Step, history: readonly TryEnd[]): "done" | "failed" | Move {
  const tries = history.filter((one) => one.step === step.name);
  const last = tries.at(-1);
  if (last?.ended === "done") return "done";
  const retry = retryOf(saga, step);
  if (last?.ended === "refused" || tries.length > retry.attempts) return "failed";
  const delaySeconds = tries.length === 0 ? 0 : delayAfter(retry, tries.length);
  return { do: "run", step, attempt: tries.length + 1, delaySeconds };
}

/** What steps returned, by their names; compensations return nothing to anyone. */
export const resultsOf = (
  saga: Saga,
  history: readonly TryEnd[],
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    history.flatMap((one) =>
      one.ended === "done" && saga.steps.some(({ name }) => name === one.step)
        ? [[one.step, one.result]]
        : [],
    ),
  );

/** The step that failed for good, and why it did at last; `undefined` where none has. */
export function failureOf(saga: Saga, history: readonly TryEnd[]): Failure | undefined {
  for (const step of saga.steps) {
    if (moveOf(saga, step, history) !== "failed") continue;
    const last = history.findLast((one) => one.step === step.name);
    return { step: step.name, reason: last && last.ended !== "done" ? last.reason : "" };
  }
  return undefined;
}

/** An error as Step Functions records it. */
export interface StateError {
  readonly Error: string;
  /** A text, of a function's error JSON with `errorMessage`; not every error has one. */
  readonly Cause?: string | null;
}

/** A recorded error's reason, in the words that the step's error had. */
export function reasonOf({ Error: name, Cause }: StateError): string {
  if (name === "States.Timeout") return timedOutReason;
  return cutReason(messageOf(Cause ?? "")) || name;
}

/** A reason on one line, of at most {@link maxReason} characters. */
export const cutReason = (text: string): string =>
  text
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim()
    .slice(0, maxReason)
    .trimEnd()
    .toWellFormed();

function messageOf(cause: string): string {
  try {
    const { errorMessage } = JSON.parse(cause) as { errorMessage?: unknown };
    return typeof errorMessage === "string" ? errorMessage : cause;
  } catch {
    return cause;
  }
}
