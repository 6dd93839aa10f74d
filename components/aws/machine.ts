import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Workflow } from "../../spec/index.ts";
import { compileAsl, type StepHost } from "../shared/asl.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import type { Account } from "./account.ts";
import { machineStatements } from "./permissions.ts";
import { type RoleTransforms, serviceRole } from "./role.ts";

export interface MachineTransforms extends RoleTransforms {
  readonly machine?: Transform<aws.sfn.StateMachineArgs>;
  readonly logGroup?: Transform<aws.cloudwatch.LogGroupArgs>;
}

export interface MachineOptions {
  readonly workflow: Workflow;
  /** ARN that was given to it beforehand; see Channels. */
  readonly arn: pulumi.Input<string>;
  /** Where its steps run: ARN of the function; or ARN and URL of the queue that a container reads. */
  readonly steps:
    | { readonly on: "function"; readonly arn: pulumi.Input<string> }
    | {
        readonly on: "container";
        readonly arn: pulumi.Input<string>;
        readonly url: pulumi.Input<string>;
      };
  readonly account: pulumi.Output<Account>;
  readonly logRetentionDays: pulumi.Input<number>;
  readonly transform?: MachineTransforms;
}

/**
 * A workflow as a standard state machine, with a role that may reach its steps and nothing else of
 * the business, logs of its moves without what they carry, and traces.
 */
export function stateMachine(
  logical: string,
  options: MachineOptions,
  parent: pulumi.Resource,
): aws.sfn.StateMachine {
  const { workflow, steps, account, transform } = options;
  const arn = pulumi.output(options.arn);
  const name = arn.apply((text) => text.slice(text.lastIndexOf(":") + 1));
  const { role, policy } = serviceRole(
    `${logical}-machine`,
    {
      service: "states.amazonaws.com",
      condition: {
        StringEquals: { "aws:SourceAccount": account.apply(({ id }) => id) },
        ArnEquals: { "aws:SourceArn": arn },
      },
      statements: pulumi
        .output(steps.arn)
        .apply((resource) => machineStatements(steps.on, resource)),
      transform,
    },
    parent,
  );
  const logs = new aws.cloudwatch.LogGroup(
    `${logical}-machine-logs`,
    transformed(transform?.logGroup, `${logical}-machine-logs`, {
      // Under this prefix log delivery does not fill up the account's one resource policy.
      name: pulumi.interpolate`/aws/vendedlogs/states/${name}`,
      retentionInDays: options.logRetentionDays,
    }),
    { parent },
  );
  const host: pulumi.Output<StepHost> =
    steps.on === "function"
      ? pulumi.output(steps.arn).apply((own): StepHost => ({ on: "function", arn: own }))
      : pulumi.output(steps.url).apply((queue): StepHost => ({ on: "container", queue }));
  return new aws.sfn.StateMachine(
    logical,
    transformed(transform?.machine, logical, {
      name,
      type: "STANDARD",
      roleArn: role.arn,
      definition: host.apply((known) => JSON.stringify(compileAsl(workflow, known))),
      loggingConfiguration: {
        level: "ALL",
        // What steps are given and return is the customers' data.
        includeExecutionData: false,
        logDestination: pulumi.interpolate`${logs.arn}:*`,
      },
      tracingConfiguration: { enabled: true },
    }),
    // It is refused while its role cannot deliver logs.
    { parent, dependsOn: policy },
  );
}
