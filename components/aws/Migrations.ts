import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { envName } from "../../spec/index.ts";
import { type MigrationArtefact, masterSecretEnv } from "../shared/migration-bundles.ts";
import { physicalName } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import { checked, type Fault, plainFaults, refuse, retentionFault } from "../shared/validation.ts";
import type { Binding, Bindings } from "./bindings.ts";
import type { Database } from "./database.ts";
import { lambdaCertificates } from "./function-plan.ts";
import { migratorStatements } from "./permissions.ts";
import { each } from "./records.ts";
import { type RoleTransforms, serviceRole } from "./role.ts";
import {
  closedGroup,
  letThrough,
  type NetworkPlace,
  type Reach,
  reachFaults,
  waysOut,
} from "./security-groups.ts";

export interface MigrationsArgs {
  /** `DataStores.databases` */
  readonly databases: Readonly<Record<string, Database>>;
  /** `bundleMigrations` of the same stores. */
  readonly artefacts: Readonly<Record<string, Pick<MigrationArtefact, "archive" | "migrations">>>;
  readonly network: NetworkPlace;
  /** How long logs are kept, in days. Default: 14 */
  readonly logRetentionDays?: pulumi.Input<number>;
  readonly transform?: RoleTransforms & {
    readonly function?: Transform<aws.lambda.FunctionArgs>;
    readonly logGroup?: Transform<aws.cloudwatch.LogGroupArgs>;
  };
}

const component = "Migrations";
/** The longest that a function may run, in seconds (AWS Lambda quotas, 2026-11). */
const longestSeconds = 900;
/** One statement at a time, and no more in memory than the migrations' text. */
const memoryMb = 512;
const calls = { kinds: ["secret"], outside: [] } as const;

/**
 * Migrates databases before what uses them changes: for each a function inside the network, with the
 * migrations in it, called when they are others than the last time, or the database is another. Its
 * `bindings` make whatever uses a database wait; where a migration fails the deployment fails, and
 * what runs stays as it is. It is called once with the right to the master user's secret, and has no
 * other use for it than to make the user that workloads connect as.
 * @throws {Error} before any resource is made, with every fault in one message
 * @example
 * const migrations = new Migrations("migrations", {
 *   databases: stores.databases,
 *   artefacts: await bundleMigrations({ system, stores: ["ledger"] }),
 *   network,
 * });
 * const migrated = { ...stores.bindings, ...migrations.bindings };
 */
export class Migrations extends pulumi.ComponentResource {
  /** By store. */
  readonly functions: Readonly<Record<string, aws.lambda.Function>>;
  /** By store: done when its database is migrated. */
  readonly runs: Readonly<Record<string, aws.lambda.Invocation>>;
  /** Those of the databases, for whom they must be migrated first. */
  readonly bindings: Bindings;

  constructor(name: string, args: MigrationsArgs, opts?: pulumi.ComponentResourceOptions) {
    refuse(component, name, [
      ...Object.keys(args.databases).flatMap((store) => storeFaults(store, args)),
      ...plainFaults(args.logRetentionDays, retentionFault),
    ]);
    super("spillway:aws:Migrations", name, {}, opts);

    const made = each(args.databases, (store, database) => {
      const logical = `${name}-${store}`;
      const { group, doors } = this.#makeGroup(logical, store, database, args);
      const migrator = this.#makeFunction(logical, store, database, group, args);
      return { migrator, run: this.#run(logical, store, database, migrator, doors, args) };
    });
    this.functions = each(made, (_, { migrator }) => migrator);
    this.runs = each(made, (_, { run }) => run);
    this.bindings = each(
      args.databases,
      (store, { binding }): Binding => ({
        ...binding,
        ready: this.runs[store] as aws.lambda.Invocation,
      }),
    );
    this.registerOutputs();
  }

  #makeGroup(logical: string, store: string, { binding }: Database, { network }: MigrationsArgs) {
    const own = `${logical}-group`;
    const group = closedGroup(own, `Outgoing only: ${own}`, network.vpcId, this);
    const from = { name: own, securityGroupId: group.id };
    const { securityGroupId = "", port = 0 } = binding;
    const targets = [{ name: store, to: { securityGroupId }, port }, ...waysOut(calls, network)];
    return { group, doors: targets.flatMap((target) => letThrough(from, target, this)) };
  }

  #makeFunction(
    logical: string,
    store: string,
    { binding, masterSecretArn }: Database,
    group: aws.ec2.SecurityGroup,
    args: MigrationsArgs,
  ) {
    const { network, transform, logRetentionDays = 14 } = args;
    const logGroup = new aws.cloudwatch.LogGroup(
      `${logical}-logs`,
      transformed(transform?.logGroup, `${logical}-logs`, {
        name: `/aws/lambda/${physicalName(logical, "function")}`,
        retentionInDays: checked(component, logical, logRetentionDays, retentionFault),
      }),
      { parent: this },
    );
    const { role, policy } = serviceRole(
      logical,
      {
        service: "lambda.amazonaws.com",
        statements: pulumi
          .all([logGroup.arn, binding.arn ?? "", masterSecretArn])
          .apply(([logs, user, secret]) => migratorStatements(logs, user, secret)),
        transform,
      },
      this,
    );
    return new aws.lambda.Function(
      `${logical}-function`,
      transformed(transform?.function, `${logical}-function`, {
        name: physicalName(logical, "function"),
        description: `Migrates ${store}`,
        role: role.arn,
        architectures: ["arm64"],
        runtime: "nodejs24.x",
        handler: "index.handler",
        code: new pulumi.asset.FileArchive(args.artefacts[store]?.archive ?? ""),
        memorySize: memoryMb,
        timeout: longestSeconds,
        environment: {
          variables: {
            [envName({ kind: "sql", name: store })]: binding.location,
            [masterSecretEnv]: masterSecretArn,
            NODE_EXTRA_CA_CERTS: lambdaCertificates,
          },
        },
        tracingConfig: { mode: "Active" },
        loggingConfig: {
          logFormat: "JSON",
          logGroup: logGroup.name,
          applicationLogLevel: "INFO",
          systemLogLevel: "WARN",
        },
        vpcConfig: { subnetIds: network.subnetIds, securityGroupIds: [group.id] },
      }),
      { parent: this, dependsOn: [logGroup, policy] },
    );
  }

  #run(
    logical: string,
    store: string,
    { instance }: Database,
    migrator: aws.lambda.Function,
    doors: readonly pulumi.Resource[],
    { artefacts, network }: MigrationsArgs,
  ) {
    return new aws.lambda.Invocation(
      logical,
      {
        functionName: migrator.name,
        input: "{}",
        triggers: {
          migrations: artefacts[store]?.migrations ?? "",
          database: instance.resourceId,
        },
      },
      { parent: this, dependsOn: [...doors, ...(network.ready ?? [])] },
    );
  }
}

function storeFaults(store: string, { artefacts, network }: MigrationsArgs): Fault[] {
  return [
    ...(Object.hasOwn(artefacts, store)
      ? []
      : [`sql "${store}": nothing migrates it; give artefacts["${store}"]`]),
    ...migrationReachFaults(store, network),
  ];
}

/** What a store's migrations call and cannot reach from inside. */
export const migrationReachFaults = (store: string, network: Reach): Fault[] =>
  reachFaults(calls, "and reads the master user's secret", network).map(
    (fault) => `migrations of sql "${store}": ${fault}`,
  );
