import { CreateStateMachineCommand, SFNClient } from "@aws-sdk/client-sfn";
import { SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, describe, expect, it } from "vitest";
import { compileAsl, type Definition } from "../../../components/shared/asl.ts";
import { queueConsumer } from "../../../runtime/adapters/aws/queue-consumer.ts";
import { taskTokens } from "../../../runtime/adapters/aws/task-tokens.ts";
import { workflow } from "../../../runtime/adapters/aws/workflow.ts";
import { type Consumer, startConsumer } from "../../../runtime/entries/ecs/consumer.ts";
import { ecsSteps } from "../../../runtime/entries/ecs/steps.ts";
import { refusal } from "../suites/refusal.ts";
import { workflowContract } from "../suites/workflow.ts";
import { emulator, uniqueName } from "./emulator.ts";
import { createQueue } from "./resources.ts";
import { failure, scripted, success } from "./scripted.ts";

/** Without it the emulator notes that an execution was started, and runs nothing. */
const executeStateMachines = () =>
  fetch(`${emulator.endpoint}/moto-api/config`, {
    method: "POST",
    body: JSON.stringify({ stepfunctions: { execute_state_machine: true } }),
  });

async function createStateMachine(client: SFNClient, definition: Definition): Promise<string> {
  const { stateMachineArn = "" } = await client.send(
    new CreateStateMachineCommand({
      name: uniqueName("machine"),
      definition: JSON.stringify(definition),
      roleArn: "arn:aws:iam::123456789012:role/machine",
    }),
  );
  return stateMachineArn;
}

// The whole way of a step on a container: state machine, queue, entry, token.
workflowContract("aws workflow, its steps on a container", {
  // moto drops the cause that SendTaskFailure gives, and has one token for all tries of a task: the
  // second one ends as the first did. The saga's own tests run both in another interpreter.
  reasons: false,
  retries: false,
  async start() {
    const sfn = new SFNClient(emulator);
    const sqs = new SQSClient(emulator);
    const consumers: Consumer[] = [];
    await executeStateMachines();
    return {
      async make(saga, handlers) {
        const { location: queue } = await createQueue(sqs);
        const location = await createStateMachine(
          sfn,
          compileAsl(saga, { on: "container", queue }),
        );
        const tokens = taskTokens({ name: "saga", client: sfn });
        consumers.push(
          startConsumer({
            consumer: queueConsumer({ name: "saga", location: queue, client: sqs }),
            handler: ecsSteps(handlers, tokens),
            feed: "queue",
            visibilitySeconds: 30,
            waitSeconds: 1,
          }),
        );
        return workflow({ name: "saga", location, client: sfn });
      },
      async close() {
        await Promise.all(consumers.map((consumer) => consumer.stop()));
        sfn.destroy();
        sqs.destroy();
      },
    };
  },
});

describe("an aws workflow", () => {
  const sfn = new SFNClient(emulator);
  afterAll(() => sfn.destroy());
  const arn = "arn:aws:states:us-east-1:123456789012:stateMachine:saga";

  /** What `status` makes of a description; what is left out of it is of a machine that runs. */
  const statusOf = async (described: object) => {
    const service = await scripted(
      success({ executionArn: "x", stateMachineArn: arn, startDate: 1_790_000_000, ...described }),
    );
    const client = new SFNClient({ ...emulator, endpoint: service.endpoint });
    try {
      return await workflow({ name: "saga", location: arn, client }).status("a");
    } finally {
      client.destroy();
      await service.close();
    }
  };
  const startedAt = new Date(1_790_000_000_000);
  const endedAt = new Date(1_790_000_060_000);
  const stopDate = 1_790_000_060;
  const error = {
    Error: "Refused",
    Cause: '{"errorType":"Refused","errorMessage":"card declined","trace":[""]}',
  };

  it("tells why a step failed, in the step's own words", async () => {
    const failed = { step: "pay", error };
    const told = { step: "pay", reason: "card declined" };
    const output = JSON.stringify({ status: "compensated", failed });
    expect(await statusOf({ status: "SUCCEEDED", stopDate, output })).toEqual({
      id: "a",
      status: "compensated",
      startedAt,
      endedAt,
      failed: told,
    });
    const cause = JSON.stringify({ failed, stuck: { refund: error } });
    const stuck = { status: "FAILED", stopDate, error: "CompensationFailed", cause };
    expect(await statusOf(stuck)).toEqual({
      id: "a",
      status: "stuck",
      startedAt,
      endedAt,
      failed: told,
    });
  });

  it.each([
    { status: "FAILED", stopDate, error: "States.Runtime", cause: "An error occurred while" },
    { status: "FAILED", stopDate, error: "States.DataLimitExceeded" },
    { status: "TIMED_OUT", stopDate },
    { status: "ABORTED", stopDate, cause: "null" },
  ])("is stuck where the service or somebody ended it: %o", async (described) => {
    expect(await statusOf(described)).toEqual({ id: "a", status: "stuck", startedAt, endedAt });
  });

  it("is running while somebody has it run again", async () => {
    const running = { id: "a", status: "running", startedAt };
    expect(await statusOf({ status: "RUNNING" })).toEqual(running);
    expect(await statusOf({ status: "PENDING_REDRIVE", stopDate })).toEqual(running);
  });

  it("knows its own start again, whose answer was lost and whose execution has ended", async () => {
    const client = new SFNClient(emulator);
    client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          const answer = await next(args);
          if (commandName !== "StartExecutionCommand") return answer;
          throw Object.assign(new Error("sent twice"), { name: "ExecutionAlreadyExists" });
        },
      { step: "initialize" },
    );
    const definition = compileAsl(
      { steps: [{ name: "wait", timeoutSeconds: 30 }] },
      { on: "container", queue: "https://sqs.us-east-1.amazonaws.com/123456789012/nobody" },
    );
    const location = await createStateMachine(sfn, definition);
    const port = workflow({ name: "saga", location, client });
    expect(await port.start("a", { b: 1 })).toEqual({ started: true });
    const other = workflow({ name: "saga", location, client: sfn });
    expect(await other.start("a", { b: 1 })).toEqual({ started: false });
    client.destroy();
  });

  it.each([
    ["AccessDeniedException", 400, "denied"],
    ["ExecutionLimitExceeded", 400, "throttled"],
    ["ThrottlingException", 400, "throttled"],
    ["StateMachineDoesNotExist", 400, "unavailable"],
    ["StateMachineDeleting", 400, "unavailable"],
    ["InternalServerException", 500, "unavailable"],
  ])("answers %s as %s", async (name, status, code) => {
    const service = await scripted(failure(name, status));
    const client = new SFNClient({ ...emulator, endpoint: service.endpoint, maxAttempts: 1 });
    const port = workflow({ name: "saga", location: arn, client });
    expect(await refusal(port.start("a", {}))).toBe(code);
    client.destroy();
    await service.close();
  });

  it("is unavailable where its state machine is not there", async () => {
    const port = workflow({ name: "saga", location: arn, client: sfn });
    expect(await refusal(port.start("a", {}))).toBe("unavailable");
  });
});

describe("aws task tokens", () => {
  it.each(["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])(
    "answer false where nobody waits: %s",
    async (name) => {
      const service = await scripted(failure(name));
      const client = new SFNClient({ ...emulator, endpoint: service.endpoint });
      const tokens = taskTokens({ name: "saga", client });
      expect(await tokens.succeed("token", null)).toBe(false);
      expect(await tokens.fail("token", { error: "Failed", reason: "busy" })).toBe(false);
      client.destroy();
      await service.close();
    },
  );

  it("report a failure as a function's own would be", async () => {
    const service = await scripted(success({}));
    const client = new SFNClient({ ...emulator, endpoint: service.endpoint });
    const tokens = taskTokens({ name: "saga", client });
    expect(await tokens.succeed("one", { seat: "7a" })).toBe(true);
    expect(await tokens.fail("two", { error: "Refused", reason: "card declined" })).toBe(true);
    expect(service.asked.map(({ body }) => JSON.parse(body))).toEqual([
      { taskToken: "one", output: '{"seat":"7a"}' },
      {
        taskToken: "two",
        error: "Refused",
        cause: '{"errorType":"Refused","errorMessage":"card declined"}',
      },
    ]);
    client.destroy();
    await service.close();
  });

  it("say so where the service cannot be told", async () => {
    const service = await scripted(failure("AccessDeniedException"));
    const client = new SFNClient({ ...emulator, endpoint: service.endpoint });
    expect(await refusal(taskTokens({ name: "saga", client }).succeed("token", 1))).toBe("denied");
    client.destroy();
    await service.close();
  });
});
