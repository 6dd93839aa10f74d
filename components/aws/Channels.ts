import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Mailer, Scheduler, Stream, System } from "../../spec/index.ts";
import { physicalName } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import { type Fault, refuse } from "../shared/validation.ts";
import { type Account, accountOf } from "./account.ts";
import {
  type Binding,
  type Bindings,
  bindingKey,
  bindingOf,
  type DeadLetters,
} from "./bindings.ts";
import { tlsOnly } from "./bucket.ts";
import { type Needs, neededBy } from "./needs.ts";
import { each } from "./records.ts";
import { type RoleTransforms, serviceRole } from "./role.ts";
import { schedulerRole } from "./sources/schedules.ts";

export interface ChannelsArgs {
  readonly system: System;
  /** Names of the workloads that are deployed: only what they need is made. Default: all */
  readonly workloads?: readonly string[];
  /** Where queues and secrets are: `DataStores.bindings`. */
  readonly stores?: Bindings;
  /**
   * ARNs of verified SES identities to send from, by mailer. Default: an identity of the sender's
   * address is made, which has to be confirmed by a link that is mailed there
   */
  readonly senders?: Readonly<Record<string, pulumi.Input<string>>>;
  readonly transform?: RoleTransforms & {
    readonly topic?: Transform<aws.sns.TopicArgs>;
    readonly bus?: Transform<aws.cloudwatch.EventBusArgs>;
    readonly stream?: Transform<aws.kinesis.StreamArgs>;
    readonly identity?: Transform<aws.sesv2.EmailIdentityArgs>;
  };
}

/**
 * What workloads publish to, beside queues: SNS topics, EventBridge buses, Kinesis streams, groups
 * of one-off schedules, SES identities. Encrypted, TLS only. It is made before the workloads, so that
 * those of the edge and of the events may use all of it alike; who reads is EventPipeline's matter.
 * So are state machines, of which the name is given here, and by it the ARN: what starts a machine
 * must not wait for it, since its own steps may start others.
 * @throws {Error} before any resource is made, with every fault in one message
 * @example
 * const stores = new DataStores("stores", { system, secrets: settings.secrets });
 * const channels = new Channels("channels", { system, stores: stores.bindings });
 * const bindings = { ...stores.bindings, ...channels.bindings };
 */
export class Channels extends pulumi.ComponentResource {
  readonly topics: Readonly<Record<string, aws.sns.Topic>>;
  readonly buses: Readonly<Record<string, aws.cloudwatch.EventBus>>;
  readonly streams: Readonly<Record<string, aws.kinesis.Stream>>;
  readonly schedulers: Readonly<Record<string, aws.scheduler.ScheduleGroup>>;
  /**
   * Where each of them is, of services too and of workflows, for the workloads' components. The
   * edge, its metrics and the identity are bound by ServerlessEdge.
   */
  readonly bindings: Bindings;

  constructor(name: string, args: ChannelsArgs, opts?: pulumi.ComponentResourceOptions) {
    const { system } = args;
    const needs = neededBy(system, args.workloads);
    refuse("Channels", name, [...needs.faults, ...faultsOf(args, needs)]);
    super("spillway:aws:Channels", name, {}, opts);
    const account = accountOf(this);
    const mailers = needs.of(system.services, "mailer");
    const schedulers = needs.of(system.services, "scheduler");

    this.topics = each(needs.of(system.channels, "topic"), (topic) =>
      this.#makeTopic(`${name}-${topic}`, args),
    );
    this.buses = each(needs.of(system.channels, "bus"), (bus) =>
      this.#makeBus(`${name}-${bus}`, args),
    );
    this.streams = each(needs.of(system.channels, "stream"), (stream, spec) =>
      this.#makeStream(`${name}-${stream}`, spec, args),
    );
    this.schedulers = each(schedulers, (scheduler) => this.#makeGroup(`${name}-${scheduler}`));

    this.bindings = {
      ...each(this.topics, (_, { arn }) => binding("topic", arn, arn)),
      ...each(this.buses, (_, bus) => binding("bus", bus.arn, bus.name)),
      ...each(this.streams, (_, stream) => binding("stream", stream.arn, stream.name)),
      ...each(schedulers, (scheduler, { queue }) =>
        this.#scheduling(`${name}-${scheduler}`, scheduler, queue, args, account),
      ),
      ...each(mailers, (mailer) => {
        const arn = args.senders?.[mailer] ?? this.#makeIdentity(name, mailer, args);
        return binding("mailer", arn, arn);
      }),
      ...each(needs.of(system.services, "chat"), (_, { webhook }) => behind("chat", args, webhook)),
      ...each(needs.of(system.services, "api"), (_, { url, secret }) =>
        secret === undefined
          ? ({ kind: "api", location: url } as const)
          : behind("api", args, secret),
      ),
      ...each(needs.of(system.natives, "native"), (_, { arn, actions }) => ({
        ...binding("native", arn, arn),
        actions,
      })),
      ...each(needs.of(system.workloads, "workflow"), (workflow) => {
        const arn = machineArn(account, physicalName(`${name}-${workflow}`, "stateMachine"));
        return binding("workflow", arn, arn);
      }),
    };
    this.registerOutputs({ bindings: this.bindings });
  }

  #makeTopic(logical: string, { transform }: ChannelsArgs) {
    const topic = new aws.sns.Topic(
      logical,
      transformed(transform?.topic, logical, {
        name: physicalName(logical, "topic"),
        kmsMasterKeyId: "alias/aws/sns",
      }),
      { parent: this },
    );
    new aws.sns.TopicPolicy(
      `${logical}-tls`,
      // SNS takes no wildcard here.
      { arn: topic.arn, policy: tlsOnly(["sns:Publish", "sns:Subscribe"], topic.arn) },
      { parent: this },
    );
    return topic;
  }

  #makeBus(logical: string, { transform }: ChannelsArgs) {
    return new aws.cloudwatch.EventBus(
      logical,
      transformed(transform?.bus, logical, { name: physicalName(logical, "bus") }),
      { parent: this },
    );
  }

  #makeStream(logical: string, { retentionHours }: Stream, { transform }: ChannelsArgs) {
    return new aws.kinesis.Stream(
      logical,
      transformed(transform?.stream, logical, {
        name: physicalName(logical, "stream"),
        streamModeDetails: { streamMode: "ON_DEMAND" },
        encryptionType: "KMS",
        kmsKeyId: "alias/aws/kinesis",
        retentionPeriod: retentionHours,
      }),
      { parent: this },
    );
  }

  #makeGroup(logical: string) {
    const name = physicalName(logical, "scheduleGroup");
    return new aws.scheduler.ScheduleGroup(logical, { name }, { parent: this });
  }

  /** A scheduler's group, and the role with which its schedules send to their one queue. */
  #scheduling(
    logical: string,
    scheduler: string,
    queueName: string,
    { stores, transform }: ChannelsArgs,
    account: pulumi.Output<Account>,
  ): Binding {
    const group = this.schedulers[scheduler] as aws.scheduler.ScheduleGroup;
    const queue = stores?.[queueName] as Binding;
    const dead = queue.deadLetters as DeadLetters;
    const { role } = serviceRole(
      logical,
      { ...schedulerRole(group, account, [queue.arn ?? "", dead.arn]), transform },
      this,
    );
    return {
      kind: "scheduler",
      arn: group.arn.apply((arn) => arn.replace(":schedule-group/", ":schedule/")),
      roleArn: role.arn,
      location: pulumi.jsonStringify({
        group: group.name,
        queue: queue.arn,
        deadLetters: dead.arn,
        role: role.arn,
      }),
    };
  }

  #makeIdentity(name: string, mailer: string, { system, transform }: ChannelsArgs) {
    const logical = `${name}-${mailer}`;
    const { from } = system.services[mailer] as Mailer;
    return new aws.sesv2.EmailIdentity(
      logical,
      transformed(transform?.identity, logical, { emailIdentity: from }),
      { parent: this },
    ).arn;
  }
}

const machineArn = (account: pulumi.Output<Account>, name: string) =>
  account.apply(
    ({ partition, region, id }) => `arn:${partition}:states:${region}:${id}:stateMachine:${name}`,
  );

/** What is reached with a secret: what AWS knows of it is the secret. */
function behind(kind: "chat" | "api", { stores = {} }: ChannelsArgs, secret: string): Binding {
  const { arn, location } = stores[bindingKey({ kind: "secret", name: secret })] as Binding;
  return { kind, arn, location };
}

/** Queues and secrets that services need and nothing is bound to. */
function faultsOf({ system, stores }: ChannelsArgs, needs: Needs): Fault[] {
  const lacks = (service: string, key: string, ready: (binding: Binding) => boolean): Fault[] => {
    const found = bindingOf(stores, key);
    return found && ready(found)
      ? []
      : [`service "${service}" needs ${key}, which is not bound; give stores["${key}"]`];
  };
  const secret = (service: string, name: string | undefined) =>
    name === undefined
      ? []
      : lacks(service, bindingKey({ kind: "secret", name }), ({ arn }) => arn !== undefined);
  return [
    ...Object.entries(needs.of(system.services, "chat")).flatMap(([service, { webhook }]) =>
      secret(service, webhook),
    ),
    ...Object.entries(needs.of(system.services, "api")).flatMap(([service, spec]) =>
      secret(service, spec.secret),
    ),
    ...Object.entries(needs.of(system.services, "scheduler")).flatMap(
      ([service, { queue }]: [string, Scheduler]) =>
        lacks(service, queue, (found) => found.arn !== undefined && !!found.deadLetters),
    ),
    ...Object.entries(needs.of(system.natives, "native"))
      .filter(([, { cloud }]) => cloud !== "aws")
      .map(([native, { cloud }]) => `native "${native}" is of ${cloud}; deploy what uses it there`),
  ];
}

const binding = (
  kind: Binding["kind"],
  arn: pulumi.Input<string>,
  location: pulumi.Input<string>,
): Binding => ({ kind, arn, location });
