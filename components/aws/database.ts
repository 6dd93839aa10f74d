import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { physicalId } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import type { Fault } from "../shared/validation.ts";
import type { Account } from "./account.ts";
import type { Binding } from "./bindings.ts";
import { nodeClassFaults } from "./node-class.ts";
import { proxyBefore } from "./proxy.ts";
import { record } from "./records.ts";
import { closedGroup } from "./security-groups.ts";

/** Where stores are put that run inside a network. A `Network` is one. */
export interface StoreNetwork {
  readonly vpcId: pulumi.Input<string>;
  readonly storeSubnetIds: pulumi.Input<pulumi.Input<string>[]>;
}

/** What a stack may say of its databases. */
export interface DatabaseSettings {
  /** Default: "db.t4g.small" */
  readonly instanceClass?: string;
  /** A second copy in another zone that takes over within minutes. Default: false */
  readonly multiAz?: boolean;
  /** In GB, 20 to 59,578. Default: 20, the least of gp3 */
  readonly storageGb?: number;
  /**
   * How far storage may grow by itself, in GB: to 10 % more at the least, and 65,536 at the most.
   * Default: twice the storage, at least 100
   */
  readonly maxStorageGb?: number;
  /** How long backups are kept, in days, where stores are backed up, 0 to 35. Default: 35 */
  readonly backupDays?: number;
  /**
   * Most connections that workloads may hold together. Default: 180, for the 2 GiB of the default
   * class: a connection takes about 9.5 MB (RDS User Guide, quotas, max_connections, 2026-11)
   */
  readonly connections?: number;
  /**
   * A proxy (RDS Proxy) for functions, which share its connections, half of all, in the place of one
   * each. It costs by the hour and vCPU of the instance. Default: false
   */
  readonly proxy?: boolean;
}

export interface DatabaseOptions {
  readonly network: StoreNetwork;
  readonly settings?: DatabaseSettings;
  readonly protect: boolean;
  readonly backups: boolean;
  readonly logRetentionDays: pulumi.Input<number>;
  readonly transform?: Transform<aws.rds.InstanceArgs>;
}

export const databaseDefaults = {
  instanceClass: "db.t4g.small",
  multiAz: false,
  storageGb: 20,
  backupDays: 35,
  connections: 180,
  proxy: false,
} as const satisfies Required<Omit<DatabaseSettings, "maxStorageGb">>;

/** In GB, of gp3 for Postgres (RDS API Reference, CreateDBInstance, AllocatedStorage, 2026-11). */
const storage = { least: 20, most: 65_536 } as const;
/**
 * The least that storage may be allowed to grow to: 10 % more than it is (RDS User Guide, managing
 * capacity automatically with storage autoscaling, maximum storage threshold, 2026-11).
 */
const grown = (gb: number): number => gb + Math.ceil(gb / 10);
/** The most that may grow so far. */
const mostAtFirst = 59_578;
/** In days (RDS User Guide, backup retention period, 2026-11). */
const longestBackup = 35;

/** What a database is made with. */
const settingsOf = (given: DatabaseSettings = {}): Required<DatabaseSettings> => {
  const { storageGb = databaseDefaults.storageGb } = given;
  const maxStorageGb = Math.min(Math.max(100, 2 * storageGb), storage.most);
  return { ...databaseDefaults, maxStorageGb, ...given };
};

/** What RDS would refuse, minutes into a deployment. */
export function databaseFaults(given?: DatabaseSettings): Fault[] {
  const { instanceClass, storageGb, maxStorageGb, backupDays } = settingsOf(given);
  const whole = (value: number, from: number, to: number) =>
    Number.isInteger(value) && value >= from && value <= to;
  return [
    ...nodeClassFaults(
      "database.instanceClass",
      instanceClass,
      "db",
      databaseDefaults.instanceClass,
    ),
    ...(whole(storageGb, storage.least, mostAtFirst)
      ? whole(maxStorageGb, grown(storageGb), storage.most)
        ? []
        : [
            `database.maxStorageGb ${maxStorageGb} with storageGb ${storageGb}; give whole GB, ${grown(storageGb)} (10 % more) to ${storage.most}`,
          ]
      : [
          `database.storageGb ${storageGb}; give whole GB, ${storage.least} to ${mostAtFirst}, for it must have room to grow by 10 %`,
        ]),
    ...(whole(backupDays, 0, longestBackup)
      ? []
      : [`database.backupDays ${backupDays}; give whole days, 0 to ${longestBackup}`]),
  ];
}

export const postgresPort = 5432;
const major = "17";
/** Beyond what workloads hold: migrations, people, and what RDS keeps for itself. */
const spareConnections = 15;
/** `max_connections` of a database whose workloads may hold so many. */
export const allConnections = (connections: number): number => connections + spareConnections;
const logs = ["postgresql", "upgrade"] as const;

/** Whom workloads connect as: a user without a password, who owns the store's tables. */
export const databaseUser = "spillway";

export interface Database {
  readonly instance: aws.rds.Instance;
  readonly group: aws.ec2.SecurityGroup;
  readonly binding: Binding;
  /** ARN of the secret that RDS keeps the master user's password in: migrations alone need it. */
  readonly masterSecretArn: pulumi.Output<string>;
}

/**
 * A Postgres instance: encrypted, inside the network, TLS only, IAM in the place of passwords. The
 * master user's password is made and kept by RDS, and seen by nobody here.
 */
export function database(
  logical: string,
  store: string,
  account: pulumi.Output<Account>,
  options: DatabaseOptions,
  parent: pulumi.Resource,
): Database {
  const { network, protect, backups, logRetentionDays, transform } = options;
  const settings = settingsOf(options.settings);
  const identifier = physicalId(logical, "database");
  const dbName = store.replace(/([a-z0-9])([A-Z])|-/g, "$1_$2").toLowerCase();

  const group = closedGroup(`${logical}-group`, `Database ${store}`, network.vpcId, parent);
  const subnets = new aws.rds.SubnetGroup(
    `${logical}-subnets`,
    { name: identifier, subnetIds: network.storeSubnetIds },
    { parent },
  );
  const parameters = new aws.rds.ParameterGroup(
    `${logical}-parameters`,
    {
      name: identifier,
      family: `postgres${major}`,
      parameters: [
        { name: "rds.force_ssl", value: "1" },
        {
          name: "max_connections",
          value: String(allConnections(settings.connections)),
          applyMethod: "pending-reboot",
        },
      ],
    },
    { parent },
  );
  const logGroups = record(
    logs,
    (log) =>
      new aws.cloudwatch.LogGroup(
        `${logical}-${log}`,
        { name: `/aws/rds/instance/${identifier}/${log}`, retentionInDays: logRetentionDays },
        { parent },
      ),
  );
  const instance = new aws.rds.Instance(
    logical,
    transformed(transform, logical, {
      identifier,
      engine: "postgres",
      engineVersion: major,
      instanceClass: settings.instanceClass,
      allocatedStorage: settings.storageGb,
      maxAllocatedStorage: settings.maxStorageGb,
      storageType: "gp3",
      storageEncrypted: true,
      dbName,
      port: postgresPort,
      username: "postgres",
      manageMasterUserPassword: true,
      iamDatabaseAuthenticationEnabled: true,
      multiAz: settings.multiAz,
      publiclyAccessible: false,
      dbSubnetGroupName: subnets.name,
      vpcSecurityGroupIds: [group.id],
      parameterGroupName: parameters.name,
      caCertIdentifier: "rds-ca-rsa2048-g1",
      enabledCloudwatchLogsExports: [...logs],
      performanceInsightsEnabled: true,
      // Seven days are free (RDS pricing, Performance Insights, 2026-11).
      performanceInsightsRetentionPeriod: 7,
      backupRetentionPeriod: backups ? settings.backupDays : 0,
      copyTagsToSnapshot: true,
      deletionProtection: protect,
      skipFinalSnapshot: !protect,
      ...(protect && { finalSnapshotIdentifier: `${identifier}-final` }),
      autoMinorVersionUpgrade: true,
    }),
    // RDS would make log groups that keep everything.
    { parent, protect, dependsOn: Object.values(logGroups) },
  );
  const userArn = pulumi.interpolate`arn:${account.partition}:rds-db:${account.region}:${account.id}:dbuser:${instance.resourceId}/${databaseUser}`;
  const behind = { instance, group, userArn, user: databaseUser, name: dbName, port: postgresPort };
  const pooled = settings.proxy
    ? proxyBefore(`${logical}-proxy`, account, { ...behind, network, logRetentionDays }, parent)
    : undefined;
  return {
    instance,
    group,
    masterSecretArn: instance.masterUserSecrets.apply((made) => made?.[0]?.secretArn ?? ""),
    binding: {
      kind: "sql",
      arn: userArn,
      location: pulumi.interpolate`postgres://${databaseUser}@${instance.address}:${postgresPort}/${dbName}`,
      securityGroupId: group.id,
      port: postgresPort,
      ...(pooled && { pooled }),
    },
  };
}
