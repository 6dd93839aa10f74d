import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { physicalId } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import type { Fault } from "../shared/validation.ts";
import type { Binding } from "./bindings.ts";
import type { StoreNetwork } from "./database.ts";
import { nodeClassFaults } from "./node-class.ts";
import { closedGroup } from "./security-groups.ts";

/** What a stack may say of its caches. */
export interface CacheSettings {
  /** Default: "cache.t4g.micro" */
  readonly nodeType?: string;
  /** Nodes, 1 to 6; with two or more, in several zones, one takes over for another. Default: 1 */
  readonly nodes?: number;
}

export interface CacheOptions {
  readonly network: StoreNetwork;
  readonly settings?: CacheSettings;
  readonly transform?: Transform<aws.elasticache.ReplicationGroupArgs>;
}

const cacheDefaults = {
  nodeType: "cache.t4g.micro",
  nodes: 1,
} as const satisfies Required<CacheSettings>;

/** A primary and up to five replicas (ElastiCache User Guide, quotas, nodes per shard, 2026-11). */
const mostNodes = 6;

/** What ElastiCache would refuse, minutes into a deployment. */
export function cacheFaults(given?: CacheSettings): Fault[] {
  const { nodeType, nodes } = { ...cacheDefaults, ...given };
  return [
    ...nodeClassFaults("cache.nodeType", nodeType, "cache", cacheDefaults.nodeType),
    ...(Number.isInteger(nodes) && nodes >= 1 && nodes <= mostNodes
      ? []
      : [`cache.nodes ${nodes}; use 1 to ${mostNodes}`]),
  ];
}

export const cachePort = 6379;
const version = "8.0";

/** All keys and channels, but nothing of administration; INFO tells a client what it speaks to. */
const workloadAccess = "on ~* &* +@all -@admin -@dangerous +info";
const noAccess = "off -@all";

export interface Cache {
  readonly replicationGroup: aws.elasticache.ReplicationGroup;
  readonly group: aws.ec2.SecurityGroup;
  readonly binding: Binding;
}

/**
 * A Valkey replication group: encrypted at rest and on the way, inside the network, IAM in the place
 * of passwords. The user "default", whom a client is without a name, may do nothing.
 */
export function cache(
  logical: string,
  store: string,
  { network, settings: given, transform }: CacheOptions,
  parent: pulumi.Resource,
): Cache {
  const settings = { ...cacheDefaults, ...given };
  const id = physicalId(logical, "cache");
  const userId = physicalId(`${logical}-app`, "cache");

  const group = closedGroup(`${logical}-group`, `Cache ${store}`, network.vpcId, parent);
  const subnets = new aws.elasticache.SubnetGroup(
    `${logical}-subnets`,
    { name: id, subnetIds: network.storeSubnetIds },
    { parent },
  );
  const nobody = new aws.elasticache.User(
    `${logical}-nobody`,
    {
      userId: physicalId(`${logical}-nobody`, "cache"),
      userName: "default",
      // Groups of this engine must have the user; users of Valkey may not be without a password.
      engine: "redis",
      accessString: noAccess,
      authenticationMode: { type: "no-password-required" },
    },
    { parent },
  );
  const user = new aws.elasticache.User(
    `${logical}-app`,
    {
      userId,
      // With IAM both must be the same.
      userName: userId,
      engine: "valkey",
      accessString: workloadAccess,
      authenticationMode: { type: "iam" },
    },
    { parent },
  );
  const users = new aws.elasticache.UserGroup(
    `${logical}-users`,
    {
      userGroupId: physicalId(`${logical}-users`, "cache"),
      engine: "redis",
      userIds: [nobody.userId, user.userId],
    },
    { parent },
  );
  const several = settings.nodes > 1;
  const replicationGroup = new aws.elasticache.ReplicationGroup(
    logical,
    transformed(transform, logical, {
      replicationGroupId: id,
      description: `Cache ${store}`,
      engine: "valkey",
      engineVersion: version,
      nodeType: settings.nodeType,
      port: cachePort,
      numCacheClusters: settings.nodes,
      automaticFailoverEnabled: several,
      multiAzEnabled: several,
      atRestEncryptionEnabled: true,
      transitEncryptionEnabled: true,
      transitEncryptionMode: "required",
      userGroupIds: [users.userGroupId],
      subnetGroupName: subnets.name,
      securityGroupIds: [group.id],
      autoMinorVersionUpgrade: true,
      applyImmediately: true,
    }),
    { parent },
  );
  return {
    replicationGroup,
    group,
    binding: {
      kind: "cache",
      arn: replicationGroup.arn,
      userArn: user.arn,
      location: pulumi.interpolate`rediss://${userId}@${replicationGroup.primaryEndpointAddress}:${cachePort}?group=${id}`,
      securityGroupId: group.id,
      port: cachePort,
    },
  };
}
