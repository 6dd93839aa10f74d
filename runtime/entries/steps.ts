import {
  cutReason,
  maxResultsBytes,
  reasonOf,
  refusedCodes,
  type StateError,
  stepErrors,
} from "../../spec/workflow.ts";
import {
  isPortError,
  type Json,
  type JsonObject,
  PortError,
  type StepContext,
  type StepHandler,
} from "../ports/index.ts";

/** A workflow's handlers, by the names of its steps and compensations. */
export type StepHandlers = Readonly<Record<string, StepHandler>>;

/** One try of a step, as a state machine asks for it. */
export interface StepCall {
  readonly step: string;
  readonly context: StepContext;
}

/** Why a try failed: the name of the error for a state machine, and its words for people. */
export interface StepFailure {
  readonly error: (typeof stepErrors)[keyof typeof stepErrors];
  readonly reason: string;
}

/**
 * Reads what a state machine sends for a try.
 * @throws {PortError} `invalid` for anything else
 */
export function stepCall(given: unknown): StepCall {
  const { step, context } = asObject(given);
  const { id, input, results, failed } = asObject(context);
  if (typeof step !== "string" || typeof id !== "string" || !isObject(input) || !isObject(results))
    throw new PortError(
      "invalid",
      "step: what was sent has no step or no context with id, input and results; send what the compiled state machine sends",
    );
  const common = { id, input: input as JsonObject, results: results as StepContext["results"] };
  if (!isObject(failed)) return { step, context: common };
  const error = failed.error as StateError;
  return {
    step,
    context: { ...common, failed: { step: String(failed.step), reason: reasonOf(error) } },
  };
}

/**
 * Makes one try of a step.
 * @returns what the handler returned, as JSON; `null` where that was nothing
 * @throws what the handler throws; {@link PortError} `too-large` where all results together are
 *   over 64 KiB; {@link Error} for a step that has no handler, which a later try may find deployed
 */
export async function runStep(handlers: StepHandlers, call: StepCall): Promise<Json> {
  const { step, context } = call;
  const handler = Object.hasOwn(handlers, step) ? handlers[step] : undefined;
  if (typeof handler !== "function")
    throw new Error(
      `step "${step}": create returns no handler of that name; deploy code and definition together`,
    );
  const returned = await handler.call(handlers, context);
  const text = JSON.stringify(returned ?? null) ?? "null";
  const bytes = Buffer.byteLength(text) + Buffer.byteLength(JSON.stringify(context.results));
  if (bytes > maxResultsBytes)
    throw new PortError(
      "too-large",
      `step "${step}": results of ${bytes} bytes with those of earlier steps; return at most ${maxResultsBytes}, and keep the rest in a store`,
    );
  return JSON.parse(text) as Json;
}

/** What an error means to the workflow: its message on one line, no stack and no cause. */
export function stepFailure(thrown: unknown): StepFailure {
  const refused = isPortError(thrown) && (refusedCodes as readonly string[]).includes(thrown.code);
  const error = refused ? stepErrors.refused : stepErrors.failed;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { error, reason: cutReason(message) || error };
}

/** Says in one line of JSON why a try failed, with the stack that the workflow is not told. */
export function logStepFailure(call: Partial<StepCall>, thrown: unknown): void {
  const error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  const { step, context } = call;
  console.error(JSON.stringify({ level: "error", step, execution: context?.id, error }));
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const asObject = (value: unknown) => (isObject(value) ? value : {});
