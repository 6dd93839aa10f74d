import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { System } from "../../spec/index.ts";
import { physicalId, physicalName } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import { plainFaults, refuse, retentionFault } from "../shared/validation.ts";
import { accountOf } from "./account.ts";
import type { Binding, Bindings } from "./bindings.ts";
import { neededBy } from "./needs.ts";
import { each } from "./records.ts";
import { type RoleTransforms, serviceRole } from "./role.ts";
import { clamdCommand, clamdPing, scannerFaults } from "./scanner-plan.ts";
import { guarded, type NetworkPlace, waysOut } from "./security-groups.ts";

export interface ScannersArgs {
  readonly system: System;
  /** Names of the workloads that are deployed: only scanners that they use are made. Default: all */
  readonly workloads?: readonly string[];
  /** With a way out, for the image and the signatures. */
  readonly network: NetworkPlace;
  /** How long logs are kept, in days. Default: 14 */
  readonly logRetentionDays?: pulumi.Input<number>;
  readonly transform?: RoleTransforms & {
    readonly task?: Transform<aws.ecs.TaskDefinitionArgs>;
    readonly service?: Transform<aws.ecs.ServiceArgs>;
  };
}

/** A scanner that runs. */
export interface ScannerService {
  readonly service: aws.ecs.Service;
  readonly securityGroup: aws.ec2.SecurityGroup;
  readonly logGroup: aws.cloudwatch.LogGroup;
  readonly binding: Binding;
}

/** ClamAV's own image, of several architectures, with the signatures of its day. */
export const clamavImage = "docker.io/clamav/clamav-debian:1.5.2";
/** Where clamd listens: see runtime/adapters/clamd.ts. */
const clamdPort = 3310;
/**
 * Of one task: signatures take 1.2 GB, and twice that while new ones are loaded (ClamAV manual, Docker,
 * memory requirements).
 */
const size = { cpu: "1024", memory: "4096" } as const;
/** How long clamd may take to load its signatures before it is asked how it is, in seconds: ECS's most. */
const loadSeconds = 300;

/**
 * The scanners that workloads use: clamd, from ClamAV's image, as a service inside the network. It has
 * a name there instead of a load balancer, keeps its signatures fresh by itself, and lets in those that
 * use it and nobody else, for it asks nobody who they are.
 * @throws {Error} before any resource is made, with every fault in one message
 * @example
 * const scanners = new Scanners("scanners", { system, workloads: ["report"], network });
 * const bindings = { ...stores.bindings, ...scanners.bindings };
 */
export class Scanners extends pulumi.ComponentResource {
  readonly services: Readonly<Record<string, ScannerService>>;
  /** Where each of them is, for the components of the workloads. */
  readonly bindings: Bindings;

  constructor(name: string, args: ScannersArgs, opts?: pulumi.ComponentResourceOptions) {
    const { system, workloads, network, logRetentionDays } = args;
    const needs = neededBy(system, workloads);
    const used = needs.of(system.services, "scanner");
    refuse("Scanners", name, [
      ...needs.faults,
      ...scannerFaults(Object.keys(used), network),
      ...plainFaults(logRetentionDays, retentionFault),
    ]);
    super("spillway:aws:Scanners", name, {}, opts);

    const cluster = new aws.ecs.Cluster(
      name,
      { name: physicalName(name, "cluster") },
      { parent: this },
    );
    const namespace = new aws.servicediscovery.PrivateDnsNamespace(
      name,
      { name: `${physicalId(name, "namespace")}.internal`, vpc: network.vpcId },
      { parent: this },
    );
    this.services = each(used, (scanner) =>
      this.#makeScanner(`${name}-${scanner}`, scanner, cluster, namespace, args),
    );
    this.bindings = each(this.services, (_, { binding }) => binding);
    this.registerOutputs({ bindings: this.bindings });
  }

  #makeScanner(
    logical: string,
    scanner: string,
    cluster: aws.ecs.Cluster,
    namespace: aws.servicediscovery.PrivateDnsNamespace,
    args: ScannersArgs,
  ): ScannerService {
    const { network, logRetentionDays = 14, transform } = args;
    const out = waysOut(
      { kinds: ["logs"], outside: [{ kind: "scanner", name: scanner }] },
      network,
    );
    const { group: securityGroup, rules } = guarded(`${logical}-group`, network.vpcId, out, this);
    const logGroup = new aws.cloudwatch.LogGroup(
      `${logical}-logs`,
      {
        name: `/aws/ecs/${physicalName(logical, "taskFamily")}`,
        retentionInDays: logRetentionDays,
      },
      { parent: this },
    );
    const { task, ready } = this.#makeTask(logical, scanner, logGroup, args);
    const dns = new aws.servicediscovery.Service(
      logical,
      {
        name: scanner.toLowerCase(),
        dnsConfig: {
          namespaceId: namespace.id,
          dnsRecords: [{ type: "A", ttl: 10 }],
          routingPolicy: "MULTIVALUE",
        },
        // ECS tells it which tasks are well.
        healthCheckCustomConfig: {},
        forceDestroy: true,
      },
      { parent: this },
    );
    const service = new aws.ecs.Service(
      `${logical}-service`,
      transformed(transform?.service, `${logical}-service`, {
        name: physicalName(logical, "taskFamily"),
        cluster: cluster.arn,
        taskDefinition: task.arn,
        desiredCount: 1,
        launchType: "FARGATE",
        networkConfiguration: {
          subnets: network.subnetIds,
          securityGroups: [securityGroup.id],
          assignPublicIp: false,
        },
        serviceRegistries: { registryArn: dns.arn },
        deploymentMinimumHealthyPercent: 100,
        deploymentMaximumPercent: 200,
        deploymentCircuitBreaker: { enable: true, rollback: true },
        enableExecuteCommand: false,
        propagateTags: "SERVICE",
        waitForSteadyState: true,
      }),
      { parent: this, dependsOn: [ready, ...(network.ready ?? []), ...rules] },
    );
    const location = pulumi.interpolate`${dns.name}.${namespace.name}:${clamdPort}`;
    const binding: Binding = {
      kind: "scanner",
      location,
      securityGroupId: securityGroup.id,
      port: clamdPort,
    };
    return { service, securityGroup, logGroup, binding };
  }

  #makeTask(
    logical: string,
    scanner: string,
    logGroup: aws.cloudwatch.LogGroup,
    { transform }: ScannersArgs,
  ) {
    const account = accountOf(this);
    const { role, policy } = serviceRole(
      `${logical}-execution`,
      {
        service: "ecs-tasks.amazonaws.com",
        condition: { StringEquals: { "aws:SourceAccount": account.id } },
        statements: logGroup.arn.apply((arn) => [
          {
            Sid: "Logs",
            Effect: "Allow" as const,
            Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
            Resource: `${arn}:*`,
          },
        ]),
        transform,
      },
      this,
    );
    const container = {
      name: scanner,
      image: clamavImage,
      entryPoint: ["/bin/sh", "-c"],
      command: [clamdCommand(clamdPort)],
      user: "clamav",
      essential: true,
      privileged: false,
      linuxParameters: { capabilities: { drop: ["ALL"] }, initProcessEnabled: true },
      portMappings: [{ containerPort: clamdPort, protocol: "tcp" }],
      healthCheck: {
        command: ["CMD-SHELL", clamdPing],
        interval: 30,
        timeout: 10,
        retries: 3,
        startPeriod: loadSeconds,
      },
      logConfiguration: {
        logDriver: "awslogs",
        options: {
          "awslogs-group": logGroup.name,
          "awslogs-region": account.region,
          "awslogs-stream-prefix": scanner,
        },
      },
    };
    const task = new aws.ecs.TaskDefinition(
      `${logical}-task`,
      transformed(transform?.task, `${logical}-task`, {
        family: physicalName(logical, "taskFamily"),
        requiresCompatibilities: ["FARGATE"],
        networkMode: "awsvpc",
        runtimePlatform: { cpuArchitecture: "ARM64", operatingSystemFamily: "LINUX" },
        ...size,
        executionRoleArn: role.arn,
        containerDefinitions: pulumi.jsonStringify([container]),
      }),
      { parent: this },
    );
    return { task, ready: policy };
  }
}
