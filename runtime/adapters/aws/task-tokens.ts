import { SendTaskFailureCommand, SendTaskSuccessCommand, SFNClient } from "@aws-sdk/client-sfn";
import type { Json } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { clientSettings, lazy } from "./client.ts";
import { nameOf, portError } from "./errors.ts";

/** The process's own client, for all that speak to Step Functions. */
export const sharedSfn = lazy(() => new SFNClient(clientSettings()));

/** The try was given up, has been answered before, or its execution has ended. */
const unheard = ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"];

/**
 * Tells a state machine how a task ended that waits for its token.
 * Needs states:SendTaskSuccess and states:SendTaskFailure.
 * @param options.name of the workflow, for messages
 * @param options.client default: one of this process, made at its first use
 */
export function taskTokens(options: { readonly name: string; readonly client?: SFNClient }) {
  const client = () => options.client ?? sharedSfn();
  const fault = faultsOf("workflow", options.name);
  const told = async (call: Promise<unknown>): Promise<boolean> => {
    try {
      await call;
      return true;
    } catch (error) {
      if (unheard.includes(nameOf(error))) return false;
      throw portError(fault, error);
    }
  };
  return {
    /** Answers false where nobody waits for it any more. */
    succeed: (taskToken: string, result: Json): Promise<boolean> =>
      told(
        client().send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(result) })),
      ),

    /** Answers false where nobody waits for it any more. */
    fail: (
      taskToken: string,
      { error, reason }: { readonly error: string; readonly reason: string },
    ): Promise<boolean> => {
      // As a function's own error is reported, so that both are read alike.
      const cause = JSON.stringify({ errorType: error, errorMessage: reason });
      return told(client().send(new SendTaskFailureCommand({ taskToken, error, cause })));
    },
  };
}
