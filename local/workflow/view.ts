import type { JsonObject } from "../../runtime/ports/index.ts";
import { type Failure, nextMove, type Saga, type Step, type TryEnd } from "../../spec/index.ts";
import type { Stored } from "./store.ts";

/** A step of an execution, as the dashboard shows it. */
export interface StepView {
  readonly name: string;
  readonly kind: "step" | "compensation" | "onFailure";
  /**
   * "running": it is the next one, be it at work or waiting for its next try. "compensated": it was
   * done, and has been undone. "skipped": the execution ended without it.
   */
  readonly state: "pending" | "running" | "done" | "failed" | "compensated" | "skipped";
  /** Tries that have ended. */
  readonly tries: number;
  /** Why the last try failed. */
  readonly reason?: string;
  /** When the next try is made, where it has to wait. */
  readonly nextTryAt?: Date;
}

/** An execution, as the dashboard shows it. */
export interface ExecutionView {
  readonly id: string;
  readonly status: Stored["status"];
  readonly startedAt: Date;
  readonly endedAt?: Date;
  readonly input: JsonObject;
  readonly failed?: Failure;
  /** In the order in which they were begun, then those that were not, as they are declared. */
  readonly steps: readonly StepView[];
}

/** What has become of each step, told from the tries that have ended. */
export function viewOf(saga: Saga, stored: Stored): ExecutionView {
  const { id, status, startedAt, endedAt, input, failed, history } = stored;
  const next = nextMove(saga, history);
  const running = status === "running" && next.do === "run" ? next : undefined;
  const begun = [...new Set([...history.map(({ step }) => step), running?.step.name])];
  const rank = ({ name }: Step) => (begun.includes(name) ? begun.indexOf(name) : begun.length);
  const tell = (step: Step): StepView => {
    const tries = history.filter((one) => one.step === step.name);
    const last = tries.at(-1);
    const isNext = running?.step.name === step.name;
    const rest = status === "running" ? "pending" : "skipped";
    return {
      name: step.name,
      kind: kindOf(saga, step),
      state: isNext ? "running" : (ended(step, history) ?? rest),
      tries: tries.length,
      ...(last && last.ended !== "done" && { reason: last.reason }),
      ...(isNext && running.delaySeconds > 0 && { nextTryAt: stored.wakeAt }),
    };
  };
  return {
    id,
    status,
    startedAt,
    ...(endedAt && { endedAt }),
    input,
    ...(failed && { failed }),
    // Sorting keeps the order of what ranks alike.
    steps: [...saga.steps, ...(saga.compensations ?? [])]
      .toSorted((a, b) => rank(a) - rank(b))
      .map(tell),
  };
}

function kindOf({ steps, onFailure }: Saga, step: Step): StepView["kind"] {
  if (steps.includes(step)) return "step";
  return step.name === onFailure ? "onFailure" : "compensation";
}

function ended(
  { name, compensate }: Step,
  history: readonly TryEnd[],
): "done" | "failed" | "compensated" | undefined {
  const last = history.findLast((one) => one.step === name)?.ended;
  if (last !== "done") return last && "failed";
  const undone = history.some((one) => one.step === compensate && one.ended === "done");
  return undone ? "compensated" : "done";
}
