import { CreateStateMachineCommand, type SFNClient } from "@aws-sdk/client-sfn";
import * as pulumi from "@pulumi/pulumi";
import { system } from "../../../../system.ts";
import { wholeStorefront } from "../../../components/aws/storefront.ts";
import type { Resource, Statement } from "../../../components/harness.ts";
import { awsInvoke } from "../../../components/harness.ts";
import { emulator, uniqueName } from "../emulator.ts";
import type { Answers } from "./emulated.ts";

/** What the graph gives a workload, wherever it runs. */
export interface Deployed {
  readonly environment: Readonly<Record<string, string>>;
  readonly statements: readonly Statement[];
  /** What feeds it: the ARN that its event source mapping, or its container, reads. */
  readonly reads: string | undefined;
}

/** The graph of storefront in the place of whose resources the emulator's stand. */
export async function deploy(answers: Answers, sfn: SFNClient) {
  const graph = await wholeStorefront({
    // State machines are bound by their names: theirs must be no other test's.
    stack: uniqueName("lp").slice(0, 11),
    outputs: ({ type, name }) => answers.get(`${type} ${name}`),
    invoke: (token) =>
      token.startsWith("aws:index/getRegion:") ? { region: emulator.region } : awsInvoke(token),
  });
  for (const { inputs } of graph.all("aws:sfn/stateMachine:StateMachine"))
    await sfn.send(
      new CreateStateMachineCommand({
        name: inputs.name,
        definition: '{"StartAt":"Done","States":{"Done":{"Type":"Succeed"}}}',
        roleArn: inputs.roleArn,
      }),
    );

  const functionOf = (workload: string): Resource | undefined =>
    graph
      .all("aws:lambda/function:Function")
      .find(({ inputs }) => inputs.description === `${system.name}: ${workload}`);

  async function deployed(workload: string): Promise<Deployed> {
    const made = functionOf(workload);
    if (made) {
      const role = made.name.replace(/-function$/, "-policy");
      const mapping = graph
        .all("aws:lambda/eventSourceMapping:EventSourceMapping")
        .find(({ inputs }) => inputs.functionName.endsWith(`:${made.inputs.name}`));
      return {
        environment: made.inputs.environment.variables,
        statements: graph.policy(role).Statement,
        reads: mapping?.inputs.eventSourceArn,
      };
    }
    const consumer = graph.result.consumers[workload];
    if (!consumer) throw new Error(`Least privilege: "${workload}" is not in the graph`);
    const { Statement } = JSON.parse(await known(consumer.policy));
    return {
      environment: await known(pulumi.output(consumer.environment)),
      statements: Statement.map((each: { Resource: string }) => ({
        ...each,
        Resource: [each.Resource],
      })),
      reads: await known(consumer.queueArn),
    };
  }
  return { graph, deployed };
}

const known = <T>(value: pulumi.Input<T>) =>
  (pulumi.output(value) as unknown as { promise(): Promise<T> }).promise();
