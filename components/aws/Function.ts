import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Workload } from "../../spec/index.ts";
import { nameLimits, physicalName, plain } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import { checked, plainFaults, refuse, retentionFault } from "../shared/validation.ts";
import {
  type Bound,
  boundUses,
  pooledUses,
  readyOf,
  statementsFor,
  storeTargets,
} from "./bindings.ts";
import {
  type Code,
  callsOf,
  type Feeding,
  type FunctionPlan,
  functionFaults,
  memoryOf,
  networkUses,
  timeoutOf,
  variablesOf,
} from "./function-plan.ts";
import { platformStatements } from "./permissions.ts";
import { type RoleTransforms, serviceRole } from "./role.ts";
import { guarded, type NetworkPlace, waysOut } from "./security-groups.ts";

export interface FunctionTransforms extends RoleTransforms {
  readonly function?: Transform<aws.lambda.FunctionArgs>;
  readonly logGroup?: Transform<aws.cloudwatch.LogGroupArgs>;
}

export interface WorkloadFunctionArgs extends FunctionPlan {
  /** A zip whose handler is `index.handler`, or an image. */
  readonly artefact: Code;
  /** How long logs are kept, in days. Default: 14 */
  readonly logRetentionDays?: pulumi.Input<number>;
  readonly transform?: FunctionTransforms;
}

const component = "WorkloadFunction";
const aliasName = "live";

/**
 * A workload as a Lambda function (arm64, Node 24), with a role of its own that holds exactly the
 * actions and resources of its `uses`, a log group with retention, traces, and a network
 * attachment where a declared store needs one and nowhere else.
 * @throws {Error} before any resource is made, with every fault in one message
 * @example
 * new WorkloadFunction("users", {
 *   system,
 *   workload: "users",
 *   artefact: artefacts.users,
 *   stores: stores.bindings,
 *   tokens: users,
 * });
 */
export class WorkloadFunction extends pulumi.ComponentResource {
  readonly role: aws.iam.Role;
  readonly policy: aws.iam.RolePolicy;
  readonly logGroup: aws.cloudwatch.LogGroup;
  readonly function: aws.lambda.Function;
  /** With provisioned concurrency: what callers call. */
  readonly alias?: aws.lambda.Alias;
  /** With a store inside the network. */
  readonly securityGroup?: aws.ec2.SecurityGroup;
  /** ARN that callers use: the alias's, or the function's. */
  readonly arn: pulumi.Output<string>;
  readonly invokeArn: pulumi.Output<string>;

  constructor(name: string, args: WorkloadFunctionArgs, opts?: pulumi.ComponentResourceOptions) {
    refuse(component, name, [
      ...functionFaults(args),
      ...plainFaults(args.logRetentionDays, retentionFault),
    ]);
    super("spillway:aws:WorkloadFunction", name, {}, opts);
    const workload = args.system.workloads[args.workload] as Workload;
    const uses = pooledUses(boundUses(args.system, args.workload, args.stores));
    const inNetwork = networkUses(uses).length > 0 ? args.network : undefined;

    this.logGroup = this.#makeLogGroup(name, args);
    ({ role: this.role, policy: this.policy } = this.#makeRole(
      name,
      args,
      uses,
      inNetwork !== undefined,
    ));
    if (inNetwork) this.securityGroup = this.#makeGroup(name, args, uses, inNetwork);
    this.function = this.#makeFunction(name, args, workload, uses, inNetwork);
    const provisioned = args.concurrency?.provisioned;
    if (provisioned !== undefined) this.alias = this.#makeAlias(name, provisioned);

    if (args.feeding) this.#makeFailureDestination(name, args.feeding);

    const called = this.alias ?? this.function;
    this.arn = called.arn;
    this.invokeArn = called.invokeArn;
    this.registerOutputs({ arn: this.arn, invokeArn: this.invokeArn });
  }

  /**
   * Lets an AWS service call the function.
   * @param name of the permission; its characters may be any
   * @param principal such as "apigateway.amazonaws.com"
   * @param sourceArn on whose behalf, as narrow as the service can say
   */
  allow(name: string, principal: string, sourceArn: pulumi.Input<string>): aws.lambda.Permission {
    return new aws.lambda.Permission(
      plain(name, nameLimits.permission),
      {
        action: "lambda:InvokeFunction",
        function: this.function.name,
        principal,
        sourceArn,
        ...(this.alias && { qualifier: this.alias.name }),
      },
      { parent: this },
    );
  }

  #makeLogGroup(name: string, args: WorkloadFunctionArgs) {
    const retention = args.logRetentionDays ?? 14;
    return new aws.cloudwatch.LogGroup(
      `${name}-logs`,
      transformed(args.transform?.logGroup, `${name}-logs`, {
        name: `/aws/lambda/${physicalName(name, "function")}`,
        retentionInDays: checked(component, name, retention, retentionFault),
      }),
      { parent: this },
    );
  }

  #makeRole(name: string, args: WorkloadFunctionArgs, uses: readonly Bound[], inNetwork: boolean) {
    const statements = pulumi
      .all([this.logGroup.arn, statementsFor(uses), args.feeding?.statements ?? []])
      .apply(([logs, own, feeding]) => [
        ...own,
        ...feeding,
        ...platformStatements(logs, inNetwork),
      ]);
    const { transform } = args;
    return serviceRole(name, { service: "lambda.amazonaws.com", statements, transform }, this);
  }

  #makeGroup(
    name: string,
    { system, workload }: WorkloadFunctionArgs,
    uses: readonly Bound[],
    network: NetworkPlace,
  ) {
    const targets = [...storeTargets(uses), ...waysOut(callsOf(system, workload), network)];
    return guarded(`${name}-group`, network.vpcId, targets, this).group;
  }

  #makeFunction(
    name: string,
    args: WorkloadFunctionArgs,
    workload: Workload,
    uses: readonly Bound[],
    network: NetworkPlace | undefined,
  ) {
    const { reserved, provisioned } = args.concurrency ?? {};
    return new aws.lambda.Function(
      `${name}-function`,
      transformed(args.transform?.function, `${name}-function`, {
        name: physicalName(name, "function"),
        description: `${args.system.name}: ${args.workload}`,
        role: this.role.arn,
        architectures: ["arm64"],
        ...(args.artefact.archive === undefined
          ? { packageType: "Image", imageUri: args.artefact.image }
          : {
              runtime: "nodejs24.x",
              handler: "index.handler",
              code: new pulumi.asset.FileArchive(args.artefact.archive),
            }),
        memorySize: memoryOf(workload),
        timeout: timeoutOf(workload),
        environment: {
          variables: { ...variablesOf(workload, uses, args.tokens), ...args.feeding?.variables },
        },
        tracingConfig: { mode: "Active" },
        // The platform's own lines (START, REPORT) cost more than they tell: metrics have them.
        loggingConfig: {
          logFormat: "JSON",
          logGroup: this.logGroup.name,
          applicationLogLevel: "INFO",
          systemLogLevel: "WARN",
        },
        ...(reserved !== undefined && { reservedConcurrentExecutions: reserved }),
        ...(provisioned !== undefined && { publish: true }),
        ...(network &&
          this.securityGroup && {
            vpcConfig: {
              subnetIds: network.subnetIds,
              securityGroupIds: [this.securityGroup.id],
            },
          }),
      }),
      // Lambda would make a group without retention, and needs the policy to join the network.
      { parent: this, dependsOn: [this.logGroup, this.policy, ...readyOf(uses)] },
    );
  }

  /** Its source waits for the answer; a call that does not wait leaves its failure there as well. */
  #makeFailureDestination(name: string, { deadLettersArn }: Feeding) {
    new aws.lambda.FunctionEventInvokeConfig(
      `${name}-failures`,
      {
        functionName: this.function.name,
        ...(this.alias && { qualifier: this.alias.name }),
        destinationConfig: { onFailure: { destination: deadLettersArn } },
      },
      // Lambda looks whether the function may write there.
      { parent: this, dependsOn: this.policy },
    );
  }

  #makeAlias(name: string, provisioned: number) {
    const alias = new aws.lambda.Alias(
      `${name}-alias`,
      {
        name: aliasName,
        functionName: this.function.name,
        functionVersion: this.function.version,
      },
      { parent: this },
    );
    new aws.lambda.ProvisionedConcurrencyConfig(
      `${name}-ready`,
      {
        functionName: this.function.name,
        qualifier: alias.name,
        provisionedConcurrentExecutions: provisioned,
      },
      { parent: this },
    );
    return alias;
  }
}
