import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { System } from "../../spec/index.ts";
import { physicalName } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import { plainFaults, refuse, retentionFault } from "../shared/validation.ts";
import { accountOf } from "./account.ts";
import type { Balancer } from "./Balancer.ts";
import { bucketWithPolicy } from "./bucket.ts";
import { record } from "./records.ts";
import type { NetworkPlace } from "./security-groups.ts";
import { loggedFields, managedPolicies, nothingHere, pathOf, socketFaults } from "./socket-plan.ts";

export interface SocketEdgeArgs {
  readonly system: System;
  /** Names of the socket workloads. */
  readonly workloads: readonly string[];
  /** The load balancer that listens for them. */
  readonly balancer: Balancer;
  /** Where that load balancer is, with an internet gateway attached. */
  readonly network: NetworkPlace;
  /** A name of one's own, with its certificate in us-east-1. Default: CloudFront's name */
  readonly domain?: {
    readonly name: pulumi.Input<string>;
    readonly certificateArn: pulumi.Input<string>;
  };
  /** A web ACL of scope CLOUDFRONT. Default: none */
  readonly webAclArn?: pulumi.Input<string>;
  /** How long access logs are kept, in days. Default: 14 */
  readonly logRetentionDays?: pulumi.Input<number>;
  /** Keep logs when it is deleted. Default: true */
  readonly protect?: boolean;
  readonly transform?: {
    readonly distribution?: Transform<aws.cloudfront.DistributionArgs>;
    readonly origin?: Transform<aws.cloudfront.VpcOriginArgs>;
  };
}

/** Where CloudFront keeps what is regional elsewhere. */
const cloudFrontRegion = "us-east-1";
/**
 * The group of the interfaces that CloudFront puts into a VPC with its first origin there, one for all
 * of a VPC's origins (CloudFront Developer Guide, restrict access with VPC origins, 2026-09).
 */
const originGroupName = "CloudFront-VPCOrigins-Service-SG";

/**
 * The way in for web sockets, which HTTP APIs do not pass: CloudFront, with a VPC origin for each
 * workload, so that the load balancer stays internal and lets in CloudFront alone (web sockets over
 * VPC origins: since 2026-05). Sockets' own paths only, TLS only; anything else is answered 404 before
 * it reaches the network. Nothing is cached. Tokens are checked by the workload, at the upgrade.
 * @throws {Error} before any resource is made, with every fault in one message
 * @example
 * const sockets = new SocketEdge("sockets", { system, workloads: ["presence"], balancer, network });
 * export const socketUrl = sockets.urls;
 */
export class SocketEdge extends pulumi.ComponentResource {
  /** By workload. */
  readonly origins: Readonly<Record<string, aws.cloudfront.VpcOrigin>>;
  readonly distribution: aws.cloudfront.Distribution;
  /** Where clients connect to, by workload: `wss://…` with the socket's path. */
  readonly urls: Readonly<Record<string, pulumi.Output<string>>>;

  constructor(name: string, args: SocketEdgeArgs, opts?: pulumi.ComponentResourceOptions) {
    const { system, workloads, balancer, network } = args;
    refuse("SocketEdge", name, [
      ...socketFaults({
        system,
        workloads,
        listening: Object.keys(balancer.listeners),
        idleSeconds: balancer.idleSeconds,
        attached: network.internetGatewayId !== undefined,
      }),
      ...plainFaults(args.logRetentionDays, retentionFault),
    ]);
    super("spillway:aws:SocketEdge", name, {}, opts);

    this.origins = record(workloads, (workload) => this.#makeOrigin(name, workload, args));
    this.#letIn(name, args);
    this.distribution = this.#makeDistribution(name, args);
    this.#makeLogs(name, args);
    const host = args.domain?.name ?? this.distribution.domainName;
    this.urls = record(
      workloads,
      (workload) => pulumi.interpolate`wss://${host}${pathOf(system, workload)}`,
    );
    this.registerOutputs({ urls: this.urls });
  }

  #makeOrigin(name: string, workload: string, { balancer, network, transform }: SocketEdgeArgs) {
    const logical = `${name}-${workload}`;
    const port = balancer.listeners[workload]?.port as number;
    return new aws.cloudfront.VpcOrigin(
      logical,
      transformed(transform?.origin, logical, {
        vpcOriginEndpointConfig: {
          name: physicalName(logical, "vpcOrigin"),
          // CloudFront reaches a VPC only while the gateway is attached.
          arn: pulumi
            .all([balancer.loadBalancer.arn, network.internetGatewayId])
            .apply(([arn]) => arn),
          httpPort: port,
          httpsPort: port,
          originProtocolPolicy: balancer.serverName === undefined ? "http-only" : "https-only",
          originSslProtocols: { items: ["TLSv1.2"], quantity: 1 },
        },
      }),
      { parent: this, dependsOn: balancer.tasks[workload]?.listener ?? [] },
    );
  }

  /**
   * The load balancer lets in CloudFront's interfaces by their group. It is AWS's own, and there only
   * once there is an origin. (The prefix list of CloudFront's addresses would count as 55 rules for
   * each port, and stand for everybody's distributions.)
   */
  #letIn(name: string, { workloads, balancer, network }: SocketEdgeArgs) {
    const origins = Object.values(this.origins);
    const { id } = aws.ec2.getSecurityGroupOutput(
      { name: originGroupName, vpcId: network.vpcId },
      { parent: this, dependsOn: origins },
    );
    for (const workload of workloads)
      new aws.vpc.SecurityGroupIngressRule(
        `${name}-${workload}-from-cloudfront`,
        {
          securityGroupId: balancer.group.id,
          referencedSecurityGroupId: id,
          ipProtocol: "tcp",
          fromPort: balancer.listeners[workload]?.port as number,
          toPort: balancer.listeners[workload]?.port as number,
          description: `From CloudFront to ${workload}`,
        },
        { parent: this, dependsOn: origins },
      );
  }

  #makeDistribution(name: string, { system, workloads, balancer, ...args }: SocketEdgeArgs) {
    const refusing = new aws.cloudfront.Function(
      `${name}-nothing`,
      {
        name: physicalName(`${name}-nothing`, "edgeFunction"),
        comment: "Answers 404 to what is no socket's path",
        runtime: "cloudfront-js-2.0",
        code: nothingHere,
        publish: true,
      },
      { parent: this },
    );
    const behaviour = {
      viewerProtocolPolicy: "https-only",
      // An upgrade is a GET.
      allowedMethods: ["GET", "HEAD"],
      cachedMethods: ["GET", "HEAD"],
      cachePolicyId: managedPolicies.cachingDisabled,
      originRequestPolicyId:
        balancer.serverName === undefined
          ? managedPolicies.allViewer
          : managedPolicies.allViewerExceptHost,
      compress: false,
    };
    return new aws.cloudfront.Distribution(
      name,
      transformed(args.transform?.distribution, name, {
        comment: physicalName(name, "edgeFunction"),
        enabled: true,
        isIpv6Enabled: true,
        // Web sockets are HTTP/1.1 at CloudFront (its Developer Guide, web sockets, 2026-11).
        httpVersion: "http1.1",
        origins: workloads.map((workload) => ({
          originId: workload,
          domainName: balancer.serverName ?? balancer.loadBalancer.dnsName,
          vpcOriginConfig: { vpcOriginId: (this.origins[workload] as aws.cloudfront.VpcOrigin).id },
        })),
        defaultCacheBehavior: {
          ...behaviour,
          targetOriginId: workloads[0] as string,
          functionAssociations: [{ eventType: "viewer-request", functionArn: refusing.arn }],
        },
        orderedCacheBehaviors: workloads.map((workload) => ({
          ...behaviour,
          pathPattern: pathOf(system, workload),
          targetOriginId: workload,
        })),
        restrictions: { geoRestriction: { restrictionType: "none" } },
        ...(args.domain
          ? {
              aliases: [args.domain.name],
              viewerCertificate: {
                acmCertificateArn: args.domain.certificateArn,
                sslSupportMethod: "sni-only",
                minimumProtocolVersion: "TLSv1.2_2021",
              },
            }
          : // With CloudFront's own certificate, its API takes no least version but TLSv1.
            { viewerCertificate: { cloudfrontDefaultCertificate: true } }),
        ...(args.webAclArn !== undefined && { webAclId: args.webAclArn }),
      }),
      { parent: this },
    );
  }

  /** Access logs by CloudWatch's delivery (standard logging v2), which leaves out what we leave out. */
  #makeLogs(name: string, { logRetentionDays = 14, protect = true }: SocketEdgeArgs) {
    const logical = `${name}-access`;
    const account = accountOf(this);
    const own = { name: physicalName(logical, "logDelivery"), region: cloudFrontRegion };
    const { bucket, policy } = bucketWithPolicy(
      `${name}-logs`,
      {
        protect,
        expireDays: logRetentionDays,
        allows: (arn) => [
          {
            Sid: "AccessLogs",
            Effect: "Allow",
            Principal: { Service: "delivery.logs.amazonaws.com" },
            Action: "s3:PutObject",
            Resource: pulumi.interpolate`${arn}/AWSLogs/${account.id}/CloudFront/*`,
            Condition: {
              StringEquals: {
                "aws:SourceAccount": account.id,
                "s3:x-amz-acl": "bucket-owner-full-control",
              },
              ArnLike: {
                "aws:SourceArn": pulumi.interpolate`arn:${account.partition}:logs:${cloudFrontRegion}:${account.id}:delivery-source:${own.name}`,
              },
            },
          },
        ],
      },
      this,
    );
    const source = new aws.cloudwatch.LogDeliverySource(
      logical,
      { ...own, logType: "ACCESS_LOGS", resourceArn: this.distribution.arn },
      { parent: this },
    );
    const destination = new aws.cloudwatch.LogDeliveryDestination(
      logical,
      {
        ...own,
        outputFormat: "json",
        deliveryDestinationConfiguration: { destinationResourceArn: bucket.arn },
      },
      { parent: this },
    );
    new aws.cloudwatch.LogDelivery(
      logical,
      {
        region: cloudFrontRegion,
        deliverySourceName: source.name,
        deliveryDestinationArn: destination.arn,
        recordFields: [...loggedFields],
      },
      // It tries whether it may write.
      { parent: this, dependsOn: policy },
    );
  }
}
