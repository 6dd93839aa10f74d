import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  type SFNClient,
  StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import { reasonOf, type StateError } from "../../../spec/workflow.ts";
import type { Execution, JsonObject, Workflow } from "../../ports/index.ts";
import { checkExecutionId, executionInput } from "../executions.ts";
import { type Fault, faultsOf } from "../faults.ts";
import { answerOf, nameOf, portError } from "./errors.ts";
import { sharedSfn } from "./task-tokens.ts";

/** What a state machine is started with. */
interface Start {
  readonly input: JsonObject;
  /** Of one call of `start`: tells the call that started it from any other. */
  readonly start: string;
}

/**
 * Executions of a standard state machine that `compileAsl` has compiled. Needs
 * states:StartExecution on it, and states:DescribeExecution on its executions for both verbs.
 * @param options.location ARN of the state machine
 * @param options.client default: one of this process, made at its first use
 */
export function workflow(options: {
  readonly name: string;
  readonly location: string;
  readonly client?: SFNClient;
}): Workflow {
  const { name, location: stateMachineArn } = options;
  const client = () => options.client ?? sharedSfn();
  const fault = faultsOf("workflow", name);
  const describe = (id: string) => {
    const executionArn = `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${id}`;
    return client().send(new DescribeExecutionCommand({ executionArn }));
  };

  return {
    async start(id, input) {
      checkExecutionId(fault, id);
      const text = executionInput(fault, input);
      const start = randomUUID();
      try {
        // Started again with the same words while it runs, it would answer as if it were new.
        const words = `{"input":${text},"start":"${start}"}`;
        await client().send(new StartExecutionCommand({ stateMachineArn, name: id, input: words }));
        return { started: true };
      } catch (error) {
        if (nameOf(error) !== "ExecutionAlreadyExists") throw startFault(fault, error);
      }
      const known = await answerOf(fault, describe(id), { ExecutionDoesNotExist: "unavailable" });
      const before = JSON.parse(known.input ?? "{}") as Partial<Start>;
      if (!isDeepStrictEqual(before.input, JSON.parse(text)))
        throw fault("conflict", `execution "${id}" was started with another input; use another id`);
      // It may have been this call, whose answer was lost on the way.
      return { started: before.start === start };
    },

    async status(id) {
      checkExecutionId(fault, id);
      try {
        return executionOf(id, await describe(id));
      } catch (error) {
        if (nameOf(error) === "ExecutionDoesNotExist") return undefined;
        throw portError(fault, error, codes);
      }
    },
  };
}

const codes = { StateMachineDoesNotExist: "unavailable", InvalidArn: "unavailable" } as const;
const startFault = (fault: Fault, error: unknown) =>
  portError(fault, error, {
    ...codes,
    StateMachineDeleting: "unavailable",
    ExecutionLimitExceeded: "throttled",
  });

function executionOf(id: string, described: DescribeExecutionCommandOutput): Execution {
  const { status, startDate = new Date(0), stopDate } = described;
  const execution = { id, startedAt: startDate, ...(stopDate && { endedAt: stopDate }) };
  if (status === "RUNNING" || status === "PENDING_REDRIVE")
    return { id, status: "running", startedAt: startDate };
  if (status === "SUCCEEDED") {
    const output = parsed(described.output);
    return {
      ...execution,
      status: output.status === "compensated" ? "compensated" : "done",
      ...failedOf(output.failed),
    };
  }
  // Also what was aborted, or ended by the service: somebody has to look.
  return { ...execution, status: "stuck", ...failedOf(parsed(described.cause).failed) };
}

/** The step that failed, as the state machine noted it. */
function failedOf(noted: unknown): Pick<Execution, "failed"> {
  const { step, error } = (noted ?? {}) as { step?: string; error?: StateError };
  return step && error ? { failed: { step, reason: reasonOf(error) } } : {};
}

function parsed(text = ""): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(text) ?? {}) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
