import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Workload } from "../../spec/index.ts";
import { physicalName } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import { checked, plainFaults, refuse, retentionFault } from "../shared/validation.ts";
import { accountOf } from "./account.ts";
import type { Balancer } from "./Balancer.ts";
import { type Cluster, ContainerService, type ContainerTransforms } from "./ContainerService.ts";
import { type ContainerPlanArgs, containerFaults } from "./container-plan.ts";
import { Instances, type InstanceTransforms } from "./Instances.ts";
import { mostInstances, taskHostOf } from "./instance-plan.ts";
import { executionStatements } from "./permissions.ts";
import { record } from "./records.ts";
import { serviceRole } from "./role.ts";
import { scalingOf } from "./scaling-plan.ts";

export interface ContainerCoreArgs extends Omit<ContainerPlanArgs, "tasks"> {
  /** The load balancer before the http and socket workloads, where there are any. */
  readonly balancer?: Balancer;
  /** How long logs are kept, in days. Default: 14 */
  readonly logRetentionDays?: pulumi.Input<number>;
  readonly transform?: ContainerTransforms &
    InstanceTransforms & {
      readonly cluster?: Transform<aws.ecs.ClusterArgs>;
      readonly logGroup?: Transform<aws.cloudwatch.LogGroupArgs>;
    };
}

const component = "ContainerCore";

/**
 * The steady half of a system: an ECS cluster with a service for each workload on containers, all of
 * one image, but for those with a GPU. Those that answer requests stand behind the load balancer and
 * follow its requests, those with web sockets their connections; those that a queue starts follow its
 * backlog, down to none. They are inside the network, without a public address, and reach what they
 * declare and nothing else.
 * @throws {Error} before any resource is made, with every fault in one message
 * @example
 * new ContainerCore("core", {
 *   system,
 *   workloads: ["orders", "reportJob"],
 *   network,
 *   image,
 *   balancer,
 *   consumers: events.consumers,
 *   stores: stores.bindings,
 *   userPool: users,
 * });
 */
export class ContainerCore extends pulumi.ComponentResource {
  readonly cluster: aws.ecs.Cluster;
  /** By workload. */
  readonly logGroups: Readonly<Record<string, aws.cloudwatch.LogGroup>>;
  /** By workload, of those that run on instances of this account. */
  readonly instances: Readonly<Record<string, Instances>>;
  readonly services: Readonly<Record<string, ContainerService>>;

  constructor(name: string, args: ContainerCoreArgs, opts?: pulumi.ComponentResourceOptions) {
    const plan = { ...args, tasks: args.balancer?.tasks };
    refuse(component, name, [
      ...containerFaults(plan),
      ...plainFaults(args.logRetentionDays, retentionFault),
    ]);
    super("spillway:aws:ContainerCore", name, {}, opts);

    this.cluster = new aws.ecs.Cluster(
      name,
      transformed(args.transform?.cluster, name, {
        name: physicalName(name, "cluster"),
        settings: [{ name: "containerInsights", value: "enabled" }],
      }),
      { parent: this },
    );
    this.instances = this.#makeInstances(name, args);
    const providers = new aws.ecs.ClusterCapacityProviders(
      name,
      {
        clusterName: this.cluster.name,
        capacityProviders: [
          "FARGATE",
          "FARGATE_SPOT",
          ...Object.values(this.instances).map(({ provider }) => provider.name),
        ],
      },
      { parent: this },
    );
    this.logGroups = record(args.workloads, (workload) => this.#makeLogs(name, workload, args));
    const account = accountOf(this);
    const { role, policy } = serviceRole(
      `${name}-execution`,
      {
        service: "ecs-tasks.amazonaws.com",
        condition: { StringEquals: { "aws:SourceAccount": account.id } },
        statements: pulumi
          .all([
            [args.image, args.gpuImage].flatMap((image) => (image ? [image.repositoryArn] : [])),
            Object.values(this.logGroups).map(({ arn }) => arn),
          ])
          .apply(([repositories, logs]) => executionStatements(repositories, logs)),
        transform: args.transform,
      },
      this,
    );
    const shared: Cluster = {
      cluster: this.cluster,
      account,
      executionRole: role,
      ready: [providers, policy],
      ...(args.balancer && { balancerGroupId: args.balancer.group.id }),
    };
    this.services = record(
      args.workloads,
      (workload) =>
        new ContainerService(
          `${name}-${workload}`,
          {
            ...plan,
            workload,
            shared,
            instances: this.instances[workload],
            logGroup: this.logGroups[workload] as aws.cloudwatch.LogGroup,
          },
          { parent: this },
        ),
    );
    this.registerOutputs();
  }

  #makeInstances(name: string, args: ContainerCoreArgs) {
    const { system, workloads, network, capacity = {}, transform } = args;
    const made = workloads.flatMap((workload): [string, Instances][] => {
      const spec = system.workloads[workload] as Workload;
      const host = taskHostOf(spec, capacity[workload]);
      if (host.on === "fargate") return [];
      const { min, spot } = scalingOf(spec, capacity[workload]);
      const { cluster } = this;
      const { gpu, instanceType } = host;
      const max = mostInstances(spec, capacity[workload]);
      const own = { cluster, network, gpu, instanceType, max, base: min, spot, transform };
      return [[workload, new Instances(`${name}-${workload}-on`, own, { parent: this })]];
    });
    return Object.fromEntries(made);
  }

  #makeLogs(
    name: string,
    workload: string,
    { logRetentionDays = 14, transform }: ContainerCoreArgs,
  ) {
    const logical = `${name}-${workload}-logs`;
    return new aws.cloudwatch.LogGroup(
      logical,
      transformed(transform?.logGroup, logical, {
        name: `/aws/ecs/${physicalName(`${name}-${workload}`, "taskFamily")}`,
        retentionInDays: checked(component, name, logRetentionDays, retentionFault),
      }),
      { parent: this },
    );
  }
}
