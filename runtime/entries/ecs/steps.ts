import { type Json, type MessageHandler, PortError } from "../../ports/index.ts";
import {
  logStepFailure,
  runStep,
  type StepFailure,
  type StepHandlers,
  stepCall,
  stepFailure,
} from "../steps.ts";

/** How a try that was asked for by a message is answered. Answers false where nobody waits for it. */
export interface TaskTokens {
  succeed(token: string, result: Json): Promise<boolean>;
  fail(token: string, failure: StepFailure): Promise<boolean>;
}

/**
 * A workflow's steps as the handler of a container's queue: each message is a try, with the token
 * under which the state machine waits for its end. The message is done when that has been told; a
 * new try is the state machine's decision. Where it cannot be told, the message comes again.
 * @throws {PortError} `invalid` for a message that no state machine has sent
 */
export const ecsSteps =
  (handlers: StepHandlers, tokens: TaskTokens): MessageHandler =>
  async ({ body }) => {
    const token = (body as { readonly taskToken?: unknown } | null)?.taskToken;
    if (typeof token !== "string" || token === "")
      throw new PortError("invalid", "step: the message has no taskToken; send it by a workflow");
    const call = stepCall(body);
    const heard = await runStep(handlers, call).then(
      (result) => tokens.succeed(token, result),
      (thrown) => {
        logStepFailure(call, thrown);
        return tokens.fail(token, stepFailure(thrown));
      },
    );
    if (!heard) logStepFailure(call, "the try was given up before it ended; its answer is dropped");
  };
