import type { Json } from "../../ports/index.ts";
import {
  logStepFailure,
  runStep,
  type StepCall,
  type StepHandlers,
  stepCall,
  stepFailure,
} from "../steps.ts";

/**
 * A workflow's steps as a Lambda function that a state machine calls with `{ step, context }`.
 * Errors leave it under the names that the state machine's retries know, without a stack.
 * @example
 * const reserve: StepHandler = async ({ id }) => ({ reservation: id });
 * export const handler = lambdaSteps({ reserve });
 */
export const lambdaSteps =
  (handlers: StepHandlers) =>
  async (event: unknown): Promise<Json> => {
    let call: StepCall | undefined;
    try {
      call = stepCall(event);
      return await runStep(handlers, call);
    } catch (thrown) {
      logStepFailure(call ?? {}, thrown);
      const { error, reason } = stepFailure(thrown);
      // Lambda reports name, message and stack of what is thrown, and the state machine keeps them.
      throw Object.assign(new Error(reason), { name: error, stack: "" });
    }
  };
