import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { physicalName } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import { instanceCalls } from "./instance-plan.ts";
import { instanceStatements } from "./permissions.ts";
import { type RoleTransforms, serviceRole } from "./role.ts";
import { guarded, type NetworkPlace, waysOut } from "./security-groups.ts";

export interface InstancesArgs {
  readonly cluster: aws.ecs.Cluster;
  readonly network: NetworkPlace;
  readonly instanceType: string;
  /** Whether they have a GPU from NVIDIA, on x86; the others are arm64. */
  readonly gpu: boolean;
  /** Most instances; the fewest are none. */
  readonly max: number;
  /** Instances that are not on Spot, before any is. */
  readonly base: number;
  /** Share of the instances beyond those that is on Spot, in percent. */
  readonly spot: number;
  readonly transform?: InstanceTransforms;
}

export interface InstanceTransforms extends RoleTransforms {
  readonly launchTemplate?: Transform<aws.ec2.LaunchTemplateArgs>;
  readonly group?: Transform<aws.autoscaling.GroupArgs>;
}

/**
 * Images that AWS keeps for ECS, by Systems Manager parameter: resolved when an instance starts, so that
 * a newer image is no change of the stack (Amazon ECS Developer Guide, Linux AMI metadata, 2026-11).
 */
const images = {
  arm64: "/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id",
  gpu: "/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id",
} as const;

/** Of the volume, in GB: the least of the image, and room for images with CUDA. */
const volumeGb = { arm64: 30, gpu: 100 } as const;
/** How long a new instance is not counted on, in seconds. */
const warmupSeconds = 120;

/**
 * Instances for the tasks of one service, from none on: an auto-scaling group that ECS itself grows
 * and shrinks by what its tasks need, and that ends no instance on which one runs. They are inside the
 * network without a public address, their disks are encrypted, they may register with their cluster
 * and nothing else, and neither they nor their tasks answer to metadata requests without a token.
 */
export class Instances extends pulumi.ComponentResource {
  readonly role: aws.iam.Role;
  readonly securityGroup: aws.ec2.SecurityGroup;
  readonly group: aws.autoscaling.Group;
  readonly provider: aws.ecs.CapacityProvider;

  constructor(name: string, args: InstancesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("spillway:aws:Instances", name, {}, opts);
    const { role, policy } = serviceRole(
      name,
      {
        service: "ec2.amazonaws.com",
        statements: args.cluster.arn.apply(instanceStatements),
        transform: args.transform,
      },
      this,
    );
    this.role = role;
    this.securityGroup = guarded(
      `${name}-group`,
      args.network.vpcId,
      waysOut(instanceCalls, args.network),
      this,
    ).group;
    const template = this.#makeTemplate(name, args);
    this.group = this.#makeGroup(name, args, template, policy);
    this.provider = this.#makeProvider(name);
    this.registerOutputs();
  }

  #makeTemplate(name: string, { cluster, instanceType, gpu, transform }: InstancesArgs) {
    const kind = gpu ? "gpu" : "arm64";
    const profile = new aws.iam.InstanceProfile(
      `${name}-profile`,
      { name: physicalName(name, "instanceProfile"), role: this.role.name },
      { parent: this },
    );
    return new aws.ec2.LaunchTemplate(
      `${name}-template`,
      transformed(transform?.launchTemplate, `${name}-template`, {
        name: physicalName(name, "launchTemplate"),
        imageId: `resolve:ssm:${images[kind]}`,
        instanceType,
        updateDefaultVersion: true,
        iamInstanceProfile: { arn: profile.arn },
        metadataOptions: {
          httpEndpoint: "enabled",
          httpTokens: "required",
          httpPutResponseHopLimit: 1,
        },
        networkInterfaces: [
          {
            associatePublicIpAddress: "false",
            deleteOnTermination: "true",
            securityGroups: [this.securityGroup.id],
          },
        ],
        blockDeviceMappings: [
          {
            deviceName: "/dev/xvda",
            ebs: {
              volumeSize: volumeGb[kind],
              volumeType: "gp3",
              encrypted: "true",
              deleteOnTermination: "true",
            },
          },
        ],
        userData: cluster.name.apply((cluster) =>
          Buffer.from(agentSettings(cluster)).toString("base64"),
        ),
      }),
      { parent: this },
    );
  }

  #makeGroup(
    name: string,
    { network, instanceType, max, base, spot, transform }: InstancesArgs,
    template: aws.ec2.LaunchTemplate,
    policy: pulumi.Resource,
  ) {
    return new aws.autoscaling.Group(
      name,
      transformed(transform?.group, name, {
        name: physicalName(name, "autoScalingGroup"),
        vpcZoneIdentifiers: network.subnetIds,
        minSize: 0,
        maxSize: max,
        // ECS lets go of those on which no task runs.
        protectFromScaleIn: true,
        forceDelete: true,
        waitForCapacityTimeout: "0",
        mixedInstancesPolicy: {
          instancesDistribution: {
            onDemandBaseCapacity: base,
            onDemandPercentageAboveBaseCapacity: 100 - spot,
            spotAllocationStrategy: "price-capacity-optimized",
          },
          launchTemplate: {
            launchTemplateSpecification: {
              launchTemplateId: template.id,
              version: template.latestVersion.apply(String),
            },
            overrides: [{ instanceType }],
          },
        },
        tags: [
          // ECS puts it there, and counts on it.
          { key: "AmazonECSManaged", value: "true", propagateAtLaunch: true },
          { key: "Name", value: name, propagateAtLaunch: true },
        ],
      }),
      // An instance that may not register yet is of no use.
      { parent: this, dependsOn: policy, ignoreChanges: ["desiredCapacity"] },
    );
  }

  #makeProvider(name: string) {
    return new aws.ecs.CapacityProvider(
      name,
      {
        name: physicalName(name, "capacityProvider"),
        autoScalingGroupProvider: {
          autoScalingGroupArn: this.group.arn,
          managedTerminationProtection: "ENABLED",
          managedDraining: "ENABLED",
          managedScaling: {
            status: "ENABLED",
            targetCapacity: 100,
            minimumScalingStepSize: 1,
            maximumScalingStepSize: 10,
            instanceWarmupPeriod: warmupSeconds,
          },
        },
      },
      { parent: this },
    );
  }
}

/**
 * What an instance tells its agent (Amazon ECS Developer Guide, container agent configuration, 2026-11):
 * tasks have addresses of their own and no way to the instance's credentials; logs are written with
 * the tasks' execution role, so that the instance needs no right to them.
 */
const agentSettings = (cluster: string): string =>
  [
    "#!/bin/sh",
    "cat >> /etc/ecs/ecs.config <<'END'",
    `ECS_CLUSTER=${cluster}`,
    "ECS_AWSVPC_BLOCK_IMDS=true",
    "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE=true",
    "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true",
    "END",
    "",
  ].join("\n");
