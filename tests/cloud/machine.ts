import { StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";
import type { Json, JsonObject } from "../../runtime/ports/index.ts";
import type { Cloud } from "./cloud.ts";
import { FunctionError } from "./function.ts";
import type { FunctionFault } from "./runner.ts";

interface Definition {
  readonly States: Readonly<Record<string, { readonly Type: string; readonly Resource?: string }>>;
}

/**
 * What goes wrong with one call of a task. "throttled": Lambda does not take it. "killed": the
 * function ends within it. "lost": it is done, and nobody learns it in time.
 */
export type Mishap = "throttled" | "killed" | "lost";

/** How an execution ended, and what its tasks returned on the way. */
export interface Ended {
  readonly status: "SUCCEEDED" | "FAILED";
  readonly output?: Json;
  /** Of one that failed. */
  readonly error?: string;
  readonly tasks: readonly { readonly state: string; readonly result: Json | undefined }[];
}

/** What a state machine sees of an error. */
const stateError = (name: string, cause = "") => Object.assign(new Error(cause), { name });

/** As Step Functions sees what Lambda reports. */
const reported = (fault: FunctionFault) => stateError(fault.errorType, JSON.stringify(fault));

/**
 * Executes the graph's state machine in an interpreter of its own, each task by the function that
 * its resource names. Waits before retries are left out.
 * @param mishap what goes wrong with the n-th call of a state, from 0
 */
export async function execute(
  cloud: Cloud,
  id: string,
  input: JsonObject,
  mishap: (state: string, n: number) => Mishap | undefined = () => undefined,
): Promise<Ended> {
  const { inputs } = cloud.graph.find("aws:sfn/stateMachine:StateMachine");
  const definition = JSON.parse(inputs.definition) as Definition;
  const tasks: { state: string; result: Json | undefined }[] = [];
  const taskOf = (state: string, resource = "") => {
    const workload = cloud.workloads.find((one) =>
      resource.endsWith(`:function:${cloud.resource(one).inputs.name}`),
    );
    let calls = 0;
    return async (event: unknown): Promise<Json> => {
      const wrong = mishap(state, calls++);
      const task = { state, result: undefined as Json | undefined };
      tasks.push(task);
      if (workload === undefined) throw stateError("Lambda.ResourceNotFoundException", resource);
      if (wrong === "throttled") throw stateError("Lambda.TooManyRequestsException");
      const answer = cloud.invoke(workload, event);
      if (wrong === "killed") await (await cloud.function(workload)).stop();
      const result = (await answer.catch((error) => {
        throw error instanceof FunctionError ? reported(error.fault) : error;
      })) as Json;
      if (wrong === "lost") throw stateError("States.Timeout");
      task.result = result;
      return result;
    };
  };
  const called = Object.entries(definition.States).filter(([, { Type }]) => Type === "Task");
  const machine = new StateMachine(definition as unknown as StateMachineDefinition, {
    validationOptions: { noValidate: true },
  });
  const { result } = machine.run({ input, start: "once" } as never, {
    context: { Execution: { Name: id } },
    overrides: {
      taskResourceLocalHandlers: Object.fromEntries(
        called.map(([state, { Resource }]) => [state, taskOf(state, Resource) as never]),
      ),
      retryIntervalOverrides: Object.fromEntries(called.map(([state]) => [state, 0])),
    },
  });
  return result.then(
    (output): Ended => ({ status: "SUCCEEDED", output: output as Json, tasks }),
    (error: Error): Ended => ({ status: "FAILED", error: (error.cause as Error)?.name, tasks }),
  );
}
