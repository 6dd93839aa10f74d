import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { physicalId } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import { refuse } from "../shared/validation.ts";
import { accountOf } from "./account.ts";
import {
  type BalancerPlan,
  balancerFaults,
  idleDefault,
  portsOf,
  taskPort,
} from "./balancer-plan.ts";
import { bucketWithPolicy } from "./bucket.ts";
import type { Listener } from "./edge-plan.ts";
import type { WorkloadFunction } from "./Function.ts";
import { record } from "./records.ts";
import { closedGroup, type NetworkPlace } from "./security-groups.ts";

export interface BalancerArgs extends BalancerPlan {
  readonly network: NetworkPlace;
  /** Certificate of the listeners, with its name. Default: HTTP, inside the network alone */
  readonly certificate?: {
    readonly arn: pulumi.Input<string>;
    readonly serverName: pulumi.Input<string>;
  };
  /** How long access logs are kept, in days. Default: 14 */
  readonly logRetentionDays?: pulumi.Input<number>;
  /** Refuse to delete it. Default: true */
  readonly protect?: boolean;
  readonly transform?: {
    readonly loadBalancer?: Transform<aws.lb.LoadBalancerArgs>;
    readonly targetGroup?: Transform<aws.lb.TargetGroupArgs>;
    readonly listener?: Transform<aws.lb.ListenerArgs>;
  };
}

/** The tasks of one workload, as the load balancer sees them. */
export interface Tasks {
  readonly targetGroup: aws.lb.TargetGroup;
  readonly listener: aws.lb.Listener;
}

/** What a listener forwards to, with its share of the requests. */
interface Shares {
  readonly containers: aws.lb.TargetGroup;
  readonly function?: { readonly group: aws.lb.TargetGroup; readonly percent: number };
  /** What has to be there before it forwards. */
  readonly ready?: pulumi.Resource;
}

/** What the HTTP entry for containers takes to drain, in seconds. */
const drainSeconds = 25;
/**
 * How long the target of a socket's task stays deregistered before ECS stops the task, in seconds. ECS
 * takes a task out of the load balancer first, waits until its target is unused, and only then sends
 * SIGTERM (ECS Developer Guide, task lifecycle, DEACTIVATING; load balancer connection draining,
 * 2026-11). Sockets do not end by themselves in that time, as requests do, so that it would be added to
 * each deployment for nothing; it is for upgrades under way. Those that the load balancer then breaks
 * end with 1006, those that it left with 1001 by the entry: clients resume after either.
 */
const leaveSeconds = 5;
/**
 * The load balancer before containers: internal, so that the edge's link is the only way to it, with
 * access logs, and for each workload a listener and a group of targets. The edge has found out which
 * workload a request is for; a listener of its own for each leaves nothing to be found out again. Of a
 * workload that is split the listener shares requests out between its tasks and its function, by
 * weights; it is made when the edge asks for it, which makes the function.
 * @throws {Error} before any resource is made, with every fault in one message
 * @example
 * const balancer = new Balancer("balancer", { system, workloads: ["orders"], network });
 * new ServerlessEdge("edge", { system, network, listeners: balancer.listeners, userPool });
 */
export class Balancer extends pulumi.ComponentResource {
  readonly loadBalancer: aws.lb.LoadBalancer;
  readonly group: aws.ec2.SecurityGroup;
  /** How long a connection may be silent, in seconds. */
  readonly idleSeconds: number;
  /** The name that the listeners' certificate must have; without one they speak HTTP. */
  readonly serverName?: pulumi.Input<string>;
  /** By workload; of those that are split, once the edge is made. */
  readonly tasks: Readonly<Record<string, Tasks>>;
  /** For what is before it: where each workload listens. */
  readonly listeners: Readonly<Record<string, Listener>>;

  constructor(name: string, args: BalancerArgs, opts?: pulumi.ComponentResourceOptions) {
    refuse("Balancer", name, balancerFaults(args));
    super("spillway:aws:Balancer", name, {}, opts);
    const { vpcId } = args.network;
    const port = portsOf(args.workloads);
    this.idleSeconds = args.idleSeconds ?? idleDefault;
    if (args.certificate) this.serverName = args.certificate.serverName;

    this.group = closedGroup(`${name}-group`, "Load balancer of containers", vpcId, this);
    this.loadBalancer = this.#makeBalancer(name, args);
    const tasks: Record<string, Tasks> = {};
    this.tasks = tasks;
    this.listeners = record(args.workloads, (workload): Listener => {
      const logical = `${name}-${workload}`;
      const holds = args.system.workloads[workload]?.kind === "socket";
      const targetGroup = this.#makeTargets(logical, holds ? leaveSeconds : drainSeconds, args);
      const listen = (shares: Omit<Shares, "containers"> = {}) => {
        const all = { containers: targetGroup, ...shares };
        const listener = this.#listen(logical, port[workload] as number, all, args);
        tasks[workload] = { targetGroup, listener };
        return listener.arn;
      };
      const { function: percent } = args.cutover?.[workload] ?? {};
      return {
        listenerArn:
          percent === undefined
            ? listen()
            : (beside) => listen(this.#toFunction(logical, beside, percent, args)),
        securityGroupId: this.group.id,
        port: port[workload] as number,
        ...(args.certificate && { serverName: args.certificate.serverName }),
      };
    });
    this.registerOutputs();
  }

  #makeBalancer(name: string, { network, logRetentionDays = 14, ...args }: BalancerArgs) {
    const { protect = true, transform } = args;
    const account = accountOf(this);
    const { bucket, policy } = bucketWithPolicy(
      `${name}-logs`,
      {
        protect,
        expireDays: logRetentionDays,
        allows: (arn) => [
          {
            Sid: "AccessLogs",
            Effect: "Allow",
            Principal: { Service: "logdelivery.elasticloadbalancing.amazonaws.com" },
            Action: "s3:PutObject",
            Resource: pulumi.interpolate`${arn}/AWSLogs/${account.id}/*`,
            Condition: {
              ArnLike: {
                "aws:SourceArn": pulumi.interpolate`arn:${account.partition}:elasticloadbalancing:${account.region}:${account.id}:loadbalancer/*`,
              },
            },
          },
        ],
      },
      this,
    );
    return new aws.lb.LoadBalancer(
      name,
      transformed(transform?.loadBalancer, name, {
        name: physicalId(name, "loadBalancer"),
        internal: true,
        loadBalancerType: "application",
        subnets: network.subnetIds,
        securityGroups: [this.group.id],
        dropInvalidHeaderFields: true,
        idleTimeout: this.idleSeconds,
        enableDeletionProtection: protect,
        accessLogs: { bucket: bucket.bucket, enabled: true },
      }),
      // It tries whether it may write.
      { parent: this, dependsOn: policy },
    );
  }

  #makeTargets(logical: string, deregistrationDelay: number, { network, transform }: BalancerArgs) {
    return new aws.lb.TargetGroup(
      logical,
      transformed(transform?.targetGroup, logical, {
        name: physicalId(logical, "loadBalancer"),
        vpcId: network.vpcId,
        targetType: "ip",
        protocol: "HTTP",
        port: taskPort,
        deregistrationDelay,
        loadBalancingAlgorithmType: "least_outstanding_requests",
        healthCheck: {
          path: "/healthz",
          interval: 10,
          timeout: 5,
          healthyThreshold: 2,
          unhealthyThreshold: 3,
        },
      }),
      { parent: this },
    );
  }

  /** The function as a target. Events hold each header's values apart, so that no cookie is lost. */
  #toFunction(
    logical: string,
    beside: WorkloadFunction,
    percent: number,
    { transform }: BalancerArgs,
  ): Omit<Shares, "containers"> {
    const own = `${logical}-function`;
    const group = new aws.lb.TargetGroup(
      own,
      transformed(transform?.targetGroup, own, {
        name: physicalId(own, "loadBalancer"),
        targetType: "lambda",
        lambdaMultiValueHeadersEnabled: true,
      }),
      { parent: this },
    );
    const mayCall = beside.allow(own, "elasticloadbalancing.amazonaws.com", group.arn);
    const ready = new aws.lb.TargetGroupAttachment(
      own,
      { targetGroupArn: group.arn, targetId: beside.arn },
      // The load balancer looks whether it may call what it is given.
      { parent: this, dependsOn: mayCall },
    );
    return { function: { group, percent }, ready };
  }

  #listen(
    logical: string,
    port: number,
    { containers, function: beside, ready }: Shares,
    { certificate, transform }: BalancerArgs,
  ) {
    return new aws.lb.Listener(
      logical,
      transformed(transform?.listener, logical, {
        loadBalancerArn: this.loadBalancer.arn,
        port,
        ...(certificate
          ? {
              protocol: "HTTPS",
              certificateArn: certificate.arn,
              sslPolicy: "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
            }
          : { protocol: "HTTP" }),
        defaultActions: [
          beside
            ? {
                type: "forward",
                forward: {
                  targetGroups: [
                    { arn: containers.arn, weight: 100 - beside.percent },
                    { arn: beside.group.arn, weight: beside.percent },
                  ],
                },
              }
            : { type: "forward", targetGroupArn: containers.arn },
        ],
      }),
      // In this order there is no moment at which it forwards to a group without a target.
      { parent: this, dependsOn: ready ? [ready] : [] },
    );
  }
}
