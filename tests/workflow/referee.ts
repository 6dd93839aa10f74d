import type { SFNClient } from "@aws-sdk/client-sfn";
import { StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";
import { compileAsl, type StepHost } from "../../components/shared/asl.ts";
import { workflow } from "../../runtime/adapters/aws/workflow.ts";
import { ecsSteps } from "../../runtime/entries/ecs/steps.ts";
import { lambdaSteps } from "../../runtime/entries/lambda/steps.ts";
import type { StepHandlers } from "../../runtime/entries/steps.ts";
import type { Execution, Json, JsonObject } from "../../runtime/ports/index.ts";
import type { Saga } from "../../spec/index.ts";

export const hosts: Readonly<Record<StepHost["on"], StepHost>> = {
  function: { on: "function", arn: "arn:aws:lambda:eu-central-1:111122223333:function:saga" },
  container: {
    on: "container",
    queue: "https://sqs.eu-central-1.amazonaws.com/111122223333/saga",
  },
};

/** What a state machine sees of an error. */
const stateError = (name: string, cause: string) => Object.assign(new Error(cause), { name });

/**
 * A try that is given up. The interpreter keeps TimeoutSeconds by the clock, whole seconds each:
 * here the same error comes at once.
 */
export const timesOut = async (): Promise<never> => {
  throw stateError("States.Timeout", "");
};
const isTimeout = (error: unknown) => (error as Error | undefined)?.name === "States.Timeout";

/** A task of the interpreter, by the entry that the host has. */
function taskOf(host: StepHost["on"], given: StepHandlers): (input: unknown) => Promise<Json> {
  let timedOut = false;
  // The entries would translate it as a handler's own error, which it is not.
  const handlers: StepHandlers = Object.fromEntries(
    Object.entries(given).map(([name, handler]) => [
      name,
      async (context) => {
        try {
          return await handler(context);
        } catch (error) {
          timedOut = isTimeout(error);
          throw error;
        }
      },
    ]),
  );
  const onFunction = async (input: unknown) => {
    try {
      return await lambdaSteps(handlers)(input);
    } catch (error) {
      // As the runtime of a function reports it.
      const { name, message, stack = "" } = error as Error;
      const cause = { errorType: name, errorMessage: message, trace: stack.split("\n") };
      throw stateError(name, JSON.stringify(cause));
    }
  };
  const onContainer = async (input: unknown) => {
    const { MessageBody: body } = input as { MessageBody: JsonObject };
    const answer = Promise.withResolvers<Json>();
    answer.promise.catch(() => {});
    await ecsSteps(handlers, {
      succeed: async (_, result) => {
        answer.resolve(result);
        return true;
      },
      fail: async (_, { error, reason }) => {
        const cause = { errorType: error, errorMessage: reason };
        answer.reject(stateError(error, JSON.stringify(cause)));
        return true;
      },
    })({ id: "message", body: structuredClone(body), receives: 1, sentAt: new Date() });
    return answer.promise;
  };
  const run = host === "function" ? onFunction : onContainer;
  return async (input) => {
    timedOut = false;
    try {
      return await run(structuredClone(input));
    } catch (error) {
      throw timedOut ? stateError("States.Timeout", "") : error;
    }
  };
}

/**
 * Runs a workflow as Step Functions would: its compiled definition in an interpreter that knows
 * nothing of ours, its steps through the entry of their host, its end through the adapter.
 * Waits before retries are left out.
 */
export async function referee(
  saga: Saga,
  host: StepHost["on"],
  handlers: StepHandlers,
  { id, input }: { readonly id: string; readonly input: JsonObject },
): Promise<{ readonly execution: Execution; readonly output: Json }> {
  const definition = compileAsl(saga, hosts[host]);
  const names = Object.keys(handlers);
  const task = taskOf(host, handlers);
  // Its validator takes half a second; tests/components/shared/asl.test.ts asks a newer one.
  const machine = new StateMachine(definition as unknown as StateMachineDefinition, {
    validationOptions: { noValidate: true },
  });
  const { result, eventLogs } = machine.run({ input, start: "once" } as never, {
    context: { Execution: { Name: id }, Task: { Token: "token" } },
    overrides: {
      taskResourceLocalHandlers: Object.fromEntries(
        names.map((name) => [name, task as (input: unknown) => Promise<never>]),
      ),
      retryIntervalOverrides: Object.fromEntries(names.map((name) => [name, 0])),
    },
  });
  const ended = await result.then(
    (output) => ({ status: "SUCCEEDED", output: JSON.stringify(output) }),
    (error: Error) => ({ status: "FAILED", error: (error.cause as Error).name, cause: "" }),
  );
  // It drops each backslash of a text that States.JsonToString makes: taken from before that.
  for await (const event of eventLogs)
    if (event.type === "StateEntered" && event.state.name === "Explained")
      Object.assign(ended, {
        cause: JSON.stringify((event.state.input as { outcome: unknown }).outcome),
      });
  const client = {
    send: async () => ({ startDate: new Date(0), stopDate: new Date(0), ...ended }),
  };
  const location = "arn:aws:states:eu-central-1:111122223333:stateMachine:saga";
  const port = workflow({ name: "saga", location, client: client as unknown as SFNClient });
  return {
    execution: (await port.status(id)) as Execution,
    output: "output" in ended ? (JSON.parse(ended.output) as Json) : null,
  };
}
