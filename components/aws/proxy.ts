import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { physicalId } from "../shared/naming.ts";
import type { Account } from "./account.ts";
import type { Statement } from "./permissions.ts";
import { serviceRole } from "./role.ts";
import { guarded } from "./security-groups.ts";

/** A database that a proxy stands before. */
export interface Proxied {
  readonly instance: aws.rds.Instance;
  readonly group: aws.ec2.SecurityGroup;
  /** What the database's own user is called in policies. */
  readonly userArn: pulumi.Output<string>;
  readonly user: string;
  readonly name: string;
  readonly port: number;
  readonly network: {
    readonly vpcId: pulumi.Input<string>;
    readonly storeSubnetIds: pulumi.Input<pulumi.Input<string>[]>;
  };
  readonly logRetentionDays: pulumi.Input<number>;
}

/** Where those connect to who come by the proxy: the parts of a binding. */
export interface Pooled {
  readonly arn: pulumi.Output<string>;
  readonly location: pulumi.Output<string>;
  readonly securityGroupId: pulumi.Output<string>;
}

/** Share of a database's connections that a proxy may hold, in percent: tasks have the others. */
const share = 50;
/** How long a call waits for a connection of the proxy, in seconds: as long as the sql port waits. */
const borrowSeconds = 3;
/** How long a client may be silent, in seconds: a function that is frozen holds on to nothing for longer. */
const idleSeconds = 300;

/** Connections that a proxy holds at the most, of those that the database has in all. */
export const proxyPool = (maxConnections: number): number =>
  Math.floor((maxConnections * share) / 100);

/**
 * A proxy that shares a few connections to a database among many clients. IAM is all there is to sign
 * in with, from the client to the proxy and from that to the database, so that no secret is kept for
 * it (end-to-end IAM authentication, since 2025-09; RDS User Guide, RDS Proxy, 2026-11). TLS only.
 */
export function proxyBefore(
  logical: string,
  account: pulumi.Output<Account>,
  database: Proxied,
  parent: pulumi.Resource,
): Pooled {
  const { network, port, user, name } = database;
  const proxyName = physicalId(logical, "proxy");
  const { role, policy } = serviceRole(
    logical,
    {
      service: "rds.amazonaws.com",
      condition: { StringEquals: { "aws:SourceAccount": account.id } },
      statements: database.userArn.apply((arn): Statement[] => [
        { Sid: "Connect", Effect: "Allow", Action: ["rds-db:connect"], Resource: arn },
      ]),
    },
    parent,
  );
  const { group } = guarded(
    `${logical}-group`,
    network.vpcId,
    [{ name: "database", to: { securityGroupId: database.group.id }, port }],
    parent,
  );
  const logs = new aws.cloudwatch.LogGroup(
    `${logical}-logs`,
    { name: `/aws/rds/proxy/${proxyName}`, retentionInDays: database.logRetentionDays },
    { parent },
  );
  const proxy = new aws.rds.Proxy(
    logical,
    {
      name: proxyName,
      engineFamily: "POSTGRESQL",
      defaultAuthScheme: "IAM_AUTH",
      requireTls: true,
      roleArn: role.arn,
      vpcSubnetIds: network.storeSubnetIds,
      vpcSecurityGroupIds: [group.id],
      idleClientTimeout: idleSeconds,
    },
    // RDS would make a log group that keeps everything.
    { parent, dependsOn: [policy, logs] },
  );
  const targets = new aws.rds.ProxyDefaultTargetGroup(
    logical,
    {
      dbProxyName: proxy.name,
      connectionPoolConfig: {
        maxConnectionsPercent: share,
        maxIdleConnectionsPercent: share / 2,
        connectionBorrowTimeout: borrowSeconds,
      },
    },
    { parent },
  );
  const target = new aws.rds.ProxyTarget(
    logical,
    {
      dbProxyName: proxy.name,
      targetGroupName: targets.name,
      dbInstanceIdentifier: database.instance.identifier,
    },
    { parent },
  );
  return {
    // A proxy's users are named by its own id: prx-…
    arn: pulumi
      .all([account, proxy.arn])
      .apply(
        ([{ partition, region, id }, arn]) =>
          `arn:${partition}:rds-db:${region}:${id}:dbuser:${arn.split(":").at(-1)}/${user}`,
      ),
    // Not before there is something behind it.
    location: pulumi
      .all([proxy.endpoint, target.id])
      .apply(([host]) => `postgres://${user}@${host}:${port}/${name}?pooled`),
    securityGroupId: group.id,
  };
}
