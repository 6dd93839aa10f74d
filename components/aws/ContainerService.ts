import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { healthPortEnv, metricsEnv, originsEnv, type Workload } from "../../spec/index.ts";
import { commandOf } from "../shared/image.ts";
import { physicalName } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import type { Account } from "./account.ts";
import { taskPort } from "./Balancer.ts";
import { boundUses, readyOf, statementsFor, storeTargets } from "./bindings.ts";
import { type ContainerPlanArgs, imageOf, overflows, taskCalls } from "./container-plan.ts";
import { imageCertificates, variablesOf } from "./function-plan.ts";
import { grantsOf } from "./grants.ts";
import type { Instances } from "./Instances.ts";
import { taskHostOf, taskLimits } from "./instance-plan.ts";
import { overflowVariables, type Twins } from "./overflow.ts";
import { protectionStatement, twinStatement } from "./permissions.ts";
import { bareRole, type RoleTransforms, serviceRole } from "./role.ts";
import { scaleOnBacklog, scaleOnConnections, scaleOnRequests } from "./scaling.ts";
import { answersRequests, scalingOf } from "./scaling-plan.ts";
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

/** The function that a workload's tasks hand requests to, where they do. */
const twinOf = (args: ContainerServiceArgs): Twins[string] | undefined =>
  overflows(args, args.workload) ? args.twins?.[args.workload] : undefined;

const isJob = ({ system, workload }: ContainerServiceArgs): boolean =>
  system.workloads[workload]?.kind === "job";

/** ECS kills a task after so many seconds (its default); the entries drain within 25. */
const stopSeconds = 30;
/** Where a consumer says on loopback that it is alive. */
const healthPort = 8081;
/**
 * What no load balancer asks is asked by ECS, so that a task that hangs is replaced: with the image's
 * node, for there is no curl in it. Three refusals in a row, so that a handler may keep the CPU for a
 * minute; 10 s, for node takes a second or two to start on a quarter of a CPU.
 */
const healthCheck = {
  command: [
    "CMD",
    "node",
    "-e",
    `fetch("http://127.0.0.1:" + process.env.${healthPortEnv} + "/healthz").then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))`,
  ],
  interval: 30,
  timeout: 10,
  retries: 3,
  startPeriod: 60,
};

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
    const consumer = args.consumers?.[args.workload];
    const twin = twinOf(args);
    this.spills = twin !== undefined;
    if (answersRequests(args.system.workloads[args.workload] as Workload))
      this.reportsAs = physicalName(name, "taskFamily");
    const calls = taskCalls(args, args.workload, args.instances ? "ec2" : "fargate");
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
    const { role, policy } = granted
      ? serviceRole(
          name,
          {
            ...own,
            statements: pulumi
              .all([
                consumer?.statements ?? statementsFor(uses),
                twin?.arn,
                args.shared.cluster.arn,
              ])
              .apply(([all, arn, cluster]) => [
                ...all,
                ...(arn === undefined ? [] : [twinStatement(arn)]),
                ...(isJob(args) ? [protectionStatement(cluster)] : []),
              ]),
          },
          this,
        )
      : { role: bareRole(name, own, this), policy: undefined };
    this.role = role;
    this.securityGroup = guarded(
      `${name}-group`,
      args.network.vpcId,
      [...storeTargets(uses), ...waysOut(calls, args.network)],
      this,
    );
    this.#letIn(name, args);
    this.taskDefinition = this.#makeTaskDefinition(name, args);
    this.service = this.#makeService(name, args, policy);
    this.#makeScaling(name, args);
    this.registerOutputs();
  }

  #letIn(name: string, { workload, tasks, shared }: ContainerServiceArgs) {
    if (!tasks?.[workload] || shared.balancerGroupId === undefined) return;
    letThrough(
      { name: `${name}-balancer`, securityGroupId: shared.balancerGroupId },
      { name, to: { securityGroupId: this.securityGroup.id }, port: taskPort },
      this,
    );
  }

  #makeTaskDefinition(name: string, args: ContainerServiceArgs) {
    const { shared, logGroup } = args;
    const workload = args.system.workloads[args.workload] as Workload;
    const twin = twinOf(args);
    const host = taskHostOf(workload, args.capacity?.[args.workload]);
    const environment = {
      ...(args.consumers?.[args.workload]?.environment ??
        variablesOf(
          workload,
          boundUses(args.system, args.workload, args.stores),
          args.userPool,
          imageCertificates,
        )),
      // A name of the stack's own: others of the account report as well.
      ...(this.reportsAs !== undefined && { [metricsEnv]: this.reportsAs }),
      ...(!answersRequests(workload) && { [healthPortEnv]: String(healthPort) }),
      ...(workload.kind === "socket" && args.origins && { [originsEnv]: args.origins.join(",") }),
      ...(twin &&
        overflowVariables(
          workload,
          twin,
          args.overflow?.[args.workload],
          args.capacity?.[args.workload],
        )),
    };
    const container = {
      name: args.workload,
      image: imageOf(args, host.gpu)?.uri ?? "",
      command: commandOf(args.workload),
      essential: true,
      readonlyRootFilesystem: true,
      privileged: false,
      linuxParameters: { capabilities: { drop: ["ALL"] }, initProcessEnabled: true },
      stopTimeout: stopSeconds,
      ...(!answersRequests(workload) && { healthCheck }),
      ...(host.gpu && { resourceRequirements: [{ type: "GPU", value: "1" }] }),
      environment: Object.entries(environment)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, value]) => ({ name: key, value })),
      ...(args.tasks?.[args.workload] && {
        portMappings: [{ containerPort: taskPort, protocol: "tcp" }],
      }),
      logConfiguration: {
        logDriver: "awslogs",
        options: {
          "awslogs-group": logGroup.name,
          "awslogs-region": shared.account.region,
          "awslogs-stream-prefix": args.workload,
          // Where logs cannot be written, work goes on.
          mode: "non-blocking",
          "max-buffer-size": "4m",
        },
      },
    };
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
        executionRoleArn: shared.executionRole.arn,
        taskRoleArn: this.role.arn,
        containerDefinitions: pulumi.jsonStringify([container]),
      }),
      { parent: this },
    );
  }

  #makeService(name: string, args: ContainerServiceArgs, policy?: pulumi.Resource) {
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
          ...(policy ? [policy] : []),
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

/** The first tasks are on demand, and of the others as many as are not on Spot. */
const fargateStrategies = (min: number, spot: number) => [
  {
    capacityProvider: "FARGATE",
    base: Math.max(1, min),
    weight: spot < 100 ? 100 - spot : 1,
  },
  // Without a weight the base would be placed nowhere: of a thousand one is on demand.
  ...(spot > 0 ? [{ capacityProvider: "FARGATE_SPOT", weight: spot < 100 ? spot : 1_000 }] : []),
];
