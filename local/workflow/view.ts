import type { JsonObject } from "../../runtime/ports/index.ts";
import { type Failure, nextMove, type Saga, type Step, type TryEnd } from "../../spec/index.ts";
import type { Stored } from "./store.ts";

/** A step of an execution, as the dashboard shows it. */
export interface StepView {
  readonly name: string;
  readonly kind: "step" | "compensation";
  /** The step that this compensation undoes; absent for `onFailure`. */
  readonly undoes?: string;
  /** "running": it is the next one, be it at work or waiting for its next try. */
  readonly state: "pending" | "running" | "done" | "failed" | "compensated";
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
  /** In the order of the declaration: steps, then compensations. */
  readonly steps: readonly StepView[];
}

/** What has become of each step, told from the tries that have ended. */
export function viewOf(saga: Saga, stored: Stored): ExecutionView {
  const { id, status, startedAt, endedAt, input, failed, history, wakeAt } = stored;
  const move = nextMove(saga, history);
  const current = status === "running" && move.do === "run" ? move : undefined;
  const tell = (step: Step, kind: StepView["kind"]): StepView => {
    const tries = history.filter((one) => one.step === step.name);
    const last = tries.at(-1);
    const isNext = current?.step.name === step.name;
    const undoes = saga.steps.find(({ compensate }) => compensate === step.name)?.name;
    return {
      name: step.name,
      kind,
      ...(kind === "compensation" && undoes !== undefined && { undoes }),
      state: isNext ? "running" : stateOf(step, history),
      tries: tries.length,
      ...(last && last.ended !== "done" && { reason: last.reason }),
      ...(isNext && current.delaySeconds > 0 && { nextTryAt: wakeAt }),
    };
  };
  return {
    id,
    status,
    startedAt,
    ...(endedAt && { endedAt }),
    input,
    ...(failed && { failed }),
    steps: [
      ...saga.steps.map((step) => tell(step, "step")),
      ...(saga.compensations ?? []).map((step) => tell(step, "compensation")),
    ],
  };
}

function stateOf({ name, compensate }: Step, history: readonly TryEnd[]): StepView["state"] {
  const ended = (step: string | undefined) => history.findLast((one) => one.step === step)?.ended;
  const last = ended(name);
  if (last === undefined) return "pending";
  if (last !== "done") return "failed";
  return ended(compensate) === "done" ? "compensated" : "done";
}
