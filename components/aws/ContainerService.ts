import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Workload } from "../../spec/index.ts";
import { physicalName } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import type { Account } from "./account.ts";
import { taskPort } from "./balancer-plan.ts";
import { type Bound, boundUses, readyOf, statementsFor, storeTargets } from "./bindings.ts";
import { containerDefinition, twinOf } from "./container-definition.ts";
import { type ContainerPlanArgs, taskCalls } from "./container-plan.ts";
import { grantsOf } from "./grants.ts";
import type { Instances } from "./Instances.ts";
import { taskHostOf, taskLimits } from "./instance-plan.ts";
import { protectionStatement, twinStatement } from "./permissions.ts";
import { bareRole, type RoleTransforms, serviceRole } from "./role.ts";
import { scaleOnBacklog, scaleOnConnections, scaleOnRequests } from "./scaling.ts";
import { answersRequests, fargateStrategies, scalingOf } from "./scaling-plan.ts";
import { guarded, letThrough, waysOut } from "./security-groups.ts";

export interface ContainerTransforms extends RoleTransforms {
  readonly task?: Transform<aws.ecs.TaskDefinitionArgs>;
  readonly service?: Transform<aws.ecs.ServiceArgs>;
}

/** What all services of a cluster share. */
export interface Cluster {
  readonly cluster: aws.ecs.Cluster;
  readonly account: pulumi.Output<Account>;
  readonly executionRole: aws.iam.Role;
  /** What has to be there before a task starts. */
  readonly ready: readonly pulumi.Resource[];
  /** Of the load balancer. */
  readonly balancerGroupId?: pulumi.Input<string>;
}

export interface ContainerServiceArgs extends ContainerPlanArgs {
  readonly workload: string;
  readonly shared: Cluster;
  readonly logGroup: aws.cloudwatch.LogGroup;
  /** What its tasks run on. Default: Fargate */
  readonly instances?: Instances;
  readonly transform?: ContainerTransforms;
}

const isJob = ({ system, workload }: ContainerServiceArgs): boolean =>
  system.workloads[workload]?.kind === "job";

/**
 * A workload as an ECS service, on Fargate (arm64) or on instances: a task role of its own that holds exactly the
 * actions and resources of its `uses`, a group that lets in the load balancer alone, a root file
 * system that cannot be written, a deployment that is rolled back when its tasks do not become
 * healthy, and a number of tasks that follows requests, connections, or the queue down to none.
 */
export class ContainerService extends pulumi.ComponentResource {
  readonly role: aws.iam.Role;
  readonly taskDefinition: aws.ecs.TaskDefinition;
  readonly service: aws.ecs.Service;
  readonly securityGroup: aws.ec2.SecurityGroup;
  /** Under which name its tasks report their requests or sockets. Absent: a queue starts them */
  readonly reportsAs?: string;
  /** Whether its tasks hand requests to a function twin. */
  readonly spills: boolean;

  constructor(name: string, args: ContainerServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("spillway:aws:ContainerService", name, {}, opts);
    const uses = boundUses(args.system, args.workload, args.stores);
    this.spills = twinOf(args) !== undefined;
    if (answersRequests(args.system.workloads[args.workload] as Workload))
      this.reportsAs = physicalName(name, "taskFamily");
    const calls = taskCalls(args, args.workload, args.instances ? "ec2" : "fargate");
    const { role, policy } = this.#makeRole(name, args, uses);
    this.role = role;
    const { group, rules } = guarded(
      `${name}-group`,
      args.network.vpcId,
      [...storeTargets(uses), ...waysOut(calls, args.network)],
      this,
    );
    this.securityGroup = group;
    const doors = [...rules, ...this.#letIn(name, args)];
    this.taskDefinition = this.#makeTaskDefinition(name, args);
    this.service = this.#makeService(name, args, [...doors, ...(policy ? [policy] : [])]);
    this.#makeScaling(name, args);
    this.registerOutputs();
  }

  #makeRole(name: string, args: ContainerServiceArgs, uses: readonly Bound[]) {
    const consumer = args.consumers?.[args.workload];
    const twin = twinOf(args);
    const own = {
      service: "ecs-tasks.amazonaws.com",
      condition: { StringEquals: { "aws:SourceAccount": args.shared.account.id } },
      transform: args.transform,
    };
    // IAM takes no policy without a statement.
    const granted =
      consumer !== undefined ||
      twin !== undefined ||
      uses.some((use) => grantsOf(use, use.binding.actions).length > 0);
    if (!granted) return { role: bareRole(name, own, this), policy: undefined };
    const statements = pulumi
      .all([consumer?.statements ?? statementsFor(uses), twin?.arn, args.shared.cluster.arn])
      .apply(([all, arn, cluster]) => [
        ...all,
        ...(arn === undefined ? [] : [twinStatement(arn)]),
        ...(isJob(args) ? [protectionStatement(cluster)] : []),
      ]);
    return serviceRole(name, { ...own, statements }, this);
  }

  #letIn(name: string, { workload, tasks, shared }: ContainerServiceArgs) {
    if (!tasks?.[workload] || shared.balancerGroupId === undefined) return [];
    return letThrough(
      { name: `${name}-balancer`, securityGroupId: shared.balancerGroupId },
      { name, to: { securityGroupId: this.securityGroup.id }, port: taskPort },
      this,
    );
  }

  #makeTaskDefinition(name: string, args: ContainerServiceArgs) {
    const workload = args.system.workloads[args.workload] as Workload;
    const host = taskHostOf(workload, args.capacity?.[args.workload]);
    const { account } = args.shared;
    const container = containerDefinition({ ...args, account, reportsAs: this.reportsAs }, host);
    return new aws.ecs.TaskDefinition(
      `${name}-task`,
      transformed(args.transform?.task, `${name}-task`, {
        family: physicalName(name, "taskFamily"),
        requiresCompatibilities: [host.on === "ec2" ? "EC2" : "FARGATE"],
        networkMode: "awsvpc",
        runtimePlatform: {
          cpuArchitecture: host.gpu ? "X86_64" : "ARM64",
          operatingSystemFamily: "LINUX",
        },
        ...taskLimits(workload, host),
        executionRoleArn: args.shared.executionRole.arn,
        taskRoleArn: this.role.arn,
        containerDefinitions: pulumi.jsonStringify([container]),
      }),
      { parent: this },
    );
  }

  #makeService(name: string, args: ContainerServiceArgs, own: readonly pulumi.Resource[]) {
    const { shared, network, workload, tasks } = args;
    const { min, spot } = scalingOf(
      args.system.workloads[workload] as Workload,
      args.capacity?.[workload],
    );
    const target = tasks?.[workload];
    return new aws.ecs.Service(
      `${name}-service`,
      transformed(args.transform?.service, `${name}-service`, {
        name: physicalName(name, "taskFamily"),
        cluster: shared.cluster.arn,
        taskDefinition: this.taskDefinition.arn,
        desiredCount: min,
        // Else another strategy would be another service, under the same name.
        forceNewDeployment: true,
        capacityProviderStrategies: args.instances
          ? [{ capacityProvider: args.instances.provider.name, base: 1, weight: 100 }]
          : fargateStrategies(min, spot),
        networkConfiguration: {
          subnets: network.subnetIds,
          securityGroups: [this.securityGroup.id],
          assignPublicIp: false,
        },
        ...(target && {
          loadBalancers: [
            {
              targetGroupArn: target.targetGroup.arn,
              containerName: workload,
              containerPort: taskPort,
            },
          ],
          healthCheckGracePeriodSeconds: 30,
        }),
        // Never fewer tasks than are needed while new ones start.
        deploymentMinimumHealthyPercent: 100,
        deploymentMaximumPercent: 200,
        deploymentCircuitBreaker: { enable: true, rollback: true },
        availabilityZoneRebalancing: "ENABLED",
        enableExecuteCommand: false,
        propagateTags: "SERVICE",
        // What does not become healthy is a failed update, and not a surprise later. But a task with a
        // job is protected, for an hour and anew, and until it ends there is no steady state: the update
        // would fail by its own time limit (20 minutes). The circuit breaker goes back all the same.
        waitForSteadyState: !isJob(args),
      }),
      {
        parent: this,
        ignoreChanges: ["desiredCount"],
        // ECS refuses a group of targets that no listener forwards to.
        dependsOn: [
          ...shared.ready,
          ...(network.ready ?? []),
          ...own,
          ...(target ? [target.listener] : []),
          ...readyOf(boundUses(args.system, workload, args.stores)),
        ],
      },
    );
  }

  #makeScaling(
    name: string,
    { workload, shared, tasks, consumers, ...args }: ContainerServiceArgs,
  ) {
    const scaling = scalingOf(
      args.system.workloads[workload] as Workload,
      args.capacity?.[workload],
    );
    const scaled = { cluster: shared.cluster.name, service: this.service.name, ...scaling };
    const target = tasks?.[workload];
    const consumer = consumers?.[workload];
    if (args.system.workloads[workload]?.kind === "socket")
      scaleOnConnections(name, scaled, args.logGroup, this);
    else if (target) scaleOnRequests(name, scaled, target, this);
    else if (consumer) scaleOnBacklog(name, scaled, consumer.queueArn, this);
  }
}
