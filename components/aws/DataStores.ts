import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { type Queue, type System, type Table, usesOf } from "../../spec/index.ts";
import { physicalName, physicalPrefix } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import { type Fault, refuse } from "../shared/validation.ts";
import { accountOf } from "./account.ts";
import { type Binding, type Bindings, bindingKey, type DeadLetters } from "./bindings.ts";
import { type BucketTransforms, privateBucket } from "./bucket.ts";
import {
  type Database,
  type DatabaseSettings,
  database,
  databaseFaults,
  type StoreNetwork,
} from "./database.ts";
import { type Needs, neededBy } from "./needs.ts";
import {
  deadLetterQueue,
  longestSeconds,
  type QueueTransforms,
  queuePolicy,
  redrivenQueue,
} from "./queues.ts";
import { each, record } from "./records.ts";
import { type Cache, type CacheSettings, cache, cacheFaults } from "./valkey.ts";

export interface DataStoresArgs {
  readonly system: System;
  /** Names of the workloads that are deployed: only what they need is made. Default: all */
  readonly workloads?: readonly string[];
  /** Origins whose pages may use signed URLs of objects: the edge's. Default: none */
  readonly origins?: readonly string[];
  /** Values of the secrets that those workloads use, by name. */
  readonly secrets?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Refuse to delete what holds data. Default: true */
  readonly protect?: boolean;
  /** Continuous backups of tables (35 days). Default: true */
  readonly backups?: boolean;
  /** For databases and caches, which are inside one. */
  readonly network?: StoreNetwork;
  readonly database?: DatabaseSettings;
  readonly cache?: CacheSettings;
  /** How long logs of databases are kept, in days. Default: 14 */
  readonly logRetentionDays?: pulumi.Input<number>;
  readonly transform?: BucketTransforms &
    QueueTransforms & {
      readonly database?: Transform<aws.rds.InstanceArgs>;
      readonly cache?: Transform<aws.elasticache.ReplicationGroupArgs>;
      readonly table?: Transform<aws.dynamodb.TableArgs>;
      readonly secret?: Transform<aws.secretsmanager.SecretArgs>;
    };
}

/** Secrets Manager's longest, and what there is for stacks that come and go, in days. */
const recoveryDays = { protected: 30, disposable: 0 } as const;

/**
 * The stores, declared queues and secrets that workloads need: DynamoDB tables, S3 buckets, SQS
 * queues with dead letters, Secrets Manager secrets, and inside the network RDS databases and Valkey
 * caches. Private, encrypted, TLS only. The other channels are another component's work: see Channels.
 * @throws {Error} before any resource is made, with every fault in one message
 * @example
 * const stores = new DataStores("stores", { system, secrets: settings.secrets });
 * new ServerlessEdge("edge", { system, artefacts, stores: stores.bindings, userPool });
 */
export class DataStores extends pulumi.ComponentResource {
  readonly tables: Readonly<Record<string, aws.dynamodb.Table>>;
  readonly buckets: Readonly<Record<string, aws.s3.Bucket>>;
  readonly queues: Readonly<Record<string, aws.sqs.Queue>>;
  readonly deadLetters: Readonly<Record<string, aws.sqs.Queue>>;
  readonly secrets: Readonly<Record<string, aws.secretsmanager.Secret>>;
  readonly databases: Readonly<Record<string, Database>>;
  readonly caches: Readonly<Record<string, Cache>>;
  /** Where each of them is, for the components of the workloads. */
  readonly bindings: Bindings;

  constructor(name: string, args: DataStoresArgs, opts?: pulumi.ComponentResourceOptions) {
    const needs = neededBy(args.system, args.workloads);
    refuse("DataStores", name, [...needs.faults, ...storeFaults(args, needs)]);
    super("spillway:aws:DataStores", name, {}, opts);

    this.tables = each(needs.tables, (store, spec) => this.#makeTable(name, store, spec, args));
    this.buckets = each(needs.buckets, (store) => this.#makeBucket(name, store, args));
    this.deadLetters = each(needs.queues, (queue) =>
      deadLetterQueue(`${name}-${queue}`, args.transform, this),
    );
    this.queues = each(needs.queues, (queue, spec) => this.#makeQueue(name, queue, spec, args));
    this.secrets = record(needs.secrets, (secret) => this.#makeSecret(name, secret, args));
    this.databases = this.#makeDatabases(name, args, needs);
    this.caches = this.#makeCaches(name, args, needs);

    this.bindings = {
      ...each(this.tables, (store, { arn, name, streamArn }) => ({
        ...binding("table", arn, name),
        ...(needs.tables[store]?.changes && { feedArn: streamArn }),
      })),
      ...each(this.buckets, (_, { arn, bucket }) => binding("objectStore", arn, bucket)),
      ...each(this.queues, (queue, { arn, url }) => ({
        ...binding("queue", arn, url),
        deadLetters: addressOf(this.deadLetters[queue] as aws.sqs.Queue),
      })),
      ...Object.fromEntries(
        Object.entries(this.secrets).map(([secret, { arn }]) => [
          bindingKey({ kind: "secret", name: secret }),
          binding("secret", arn, arn),
        ]),
      ),
      ...each(this.databases, (_, made) => made.binding),
      ...each(this.caches, (_, made) => made.binding),
    };
    this.registerOutputs({ bindings: this.bindings });
  }

  #makeBucket(name: string, store: string, { origins, ...args }: DataStoresArgs) {
    const { system, workloads = Object.keys(system.workloads) } = args;
    const isSigned = workloads.some((workload) =>
      usesOf(system, workload).some(
        (use) => use.name === store && use.verbs.some((verb) => /^sign(Put|Get)$/.test(verb)),
      ),
    );
    return privateBucket(`${name}-${store}`, { ...args, ...(isSigned && { origins }) }, this);
  }

  #makeDatabases(name: string, args: DataStoresArgs, needs: Needs) {
    const { network, protect = true, backups = true, logRetentionDays = 14 } = args;
    const stores = needs.of(args.system.stores, "sql");
    if (!network || Object.keys(stores).length === 0) return {};
    const account = accountOf(this);
    const { database: settings, transform } = args;
    const options = { network, settings, protect, backups, logRetentionDays };
    return each(stores, (store) =>
      database(
        `${name}-${store}`,
        store,
        account,
        { ...options, transform: transform?.database },
        this,
      ),
    );
  }

  #makeCaches(name: string, args: DataStoresArgs, needs: Needs) {
    const { network, cache: settings, transform } = args;
    if (!network) return {};
    return each(needs.of(args.system.stores, "cache"), (store) =>
      cache(`${name}-${store}`, store, { network, settings, transform: transform?.cache }, this),
    );
  }

  #makeTable(name: string, store: string, spec: Table, args: DataStoresArgs) {
    const { protect = true, backups = true } = args;
    const logical = `${name}-${store}`;
    return new aws.dynamodb.Table(
      logical,
      transformed(args.transform?.table, logical, {
        name: physicalName(logical, "table"),
        billingMode: "PAY_PER_REQUEST",
        hashKey: "pk",
        rangeKey: "sk",
        attributes: [
          { name: "pk", type: "S" },
          { name: "sk", type: "S" },
        ],
        serverSideEncryption: { enabled: true },
        pointInTimeRecovery: { enabled: backups },
        deletionProtectionEnabled: protect,
        ...(spec.changes && { streamEnabled: true, streamViewType: "NEW_AND_OLD_IMAGES" }),
      }),
      { parent: this, protect },
    );
  }

  #makeQueue(name: string, channel: string, spec: Queue, args: DataStoresArgs) {
    const logical = `${name}-${channel}`;
    const dead = this.deadLetters[channel] as aws.sqs.Queue;
    // Where nobody takes them, messages wait as long as they can.
    const own = isConsumed(args, channel) ? {} : { messageRetentionSeconds: longestSeconds };
    const queue = redrivenQueue(logical, spec, dead, own, args.transform, this);
    queuePolicy(logical, queue, [], this);
    queuePolicy(`${logical}-dead`, dead, [], this);
    return queue;
  }

  #makeSecret(name: string, secret: string, args: DataStoresArgs) {
    const { protect = true } = args;
    const logical = `${name}-${secret}`;
    const made = new aws.secretsmanager.Secret(
      logical,
      transformed(args.transform?.secret, logical, {
        // A deleted secret's name stays taken for a while: a prefix never collides.
        namePrefix: physicalPrefix(logical, "secretPrefix"),
        recoveryWindowInDays: protect ? recoveryDays.protected : recoveryDays.disposable,
      }),
      { parent: this },
    );
    new aws.secretsmanager.SecretVersion(
      `${logical}-value`,
      { secretId: made.id, secretString: pulumi.secret(args.secrets?.[secret] ?? "") },
      { parent: this },
    );
    return made;
  }
}

function storeFaults({ system, secrets, network, ...settings }: DataStoresArgs, needs: Needs) {
  const inside = [
    ...Object.keys(needs.of(system.stores, "sql")),
    ...Object.keys(needs.of(system.stores, "cache")),
  ];
  return [
    ...needs.secrets
      .filter((secret) => secrets?.[secret] === undefined)
      .map((secret): Fault => `secret "${secret}" has no value; give secrets["${secret}"]`),
    ...(network ? [] : inside).map(
      (store): Fault => `store "${store}" is inside a network, and none is given; give network`,
    ),
    ...databaseFaults(settings.database),
    ...cacheFaults(settings.cache),
  ];
}

/** Whether a deployed workload takes the queue's messages; else they wait as long as they can. */
const isConsumed = (
  { system, workloads = Object.keys(system.workloads) }: DataStoresArgs,
  queue: string,
) =>
  workloads.some((name) => {
    const workload = system.workloads[name];
    return (workload?.kind === "onMessage" || workload?.kind === "job") && workload.queue === queue;
  });

const addressOf = ({ arn, url }: aws.sqs.Queue): DeadLetters => ({ arn, url });

const binding = (
  kind: Binding["kind"],
  arn: pulumi.Output<string>,
  location: pulumi.Output<string>,
): Binding => ({ kind, arn, location });
