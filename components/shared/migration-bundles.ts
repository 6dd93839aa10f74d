import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { envName, type System } from "../../spec/index.ts";
import { type Artefact, sha256 } from "./bundle-cache.ts";
import { type BundleOptions, bundleEntries } from "./bundling.ts";
import { type Entry, moduleOf } from "./entries.ts";
import { envValue, text } from "./entry-ports.ts";
import type { Fault } from "./validation.ts";

/** Where the runner of a store's migrations learns of the master user's secret: its ARN. */
export const masterSecretEnv = "SPILLWAY_MASTER_SECRET";

/** Code that migrates a store. */
export interface MigrationArtefact extends Artefact {
  /** Of the migrations alone: the same where the runner changes and they do not. */
  readonly migrations: string;
}

interface File {
  readonly file: string;
  readonly text: string;
}

/**
 * Bundles the migrations of stores, each with what applies them, as a function.
 * @param options.stores names of the sql stores
 * @returns artefacts by store
 * @throws {Error} with all faults: a store that is none, a folder that is not there or empty, files
 *   that are not numbered
 * @example
 * const runners = await bundleMigrations({ system, stores: ["ledger"] });
 */
export async function bundleMigrations({
  stores,
  ...options
}: Omit<BundleOptions, "workloads"> & { readonly stores: readonly string[] }): Promise<
  Readonly<Record<string, MigrationArtefact>>
> {
  const { system, root = "." } = options;
  const found = new Map(stores.map((store) => [store, filesOf(system, store, root)]));
  const made = await bundleEntries(
    { outDir: ".spillway/migrations", ...options },
    stores,
    (_, store) => entryOf(store, found.get(store) ?? []),
  );
  return Object.fromEntries(
    Object.entries(made).map(([store, artefact]) => [
      store,
      { ...artefact, migrations: sha256(JSON.stringify(found.get(store))) },
    ]),
  );
}

/** The names that are taken, as runtime/adapters/migrations.ts takes them. */
const form = /^\d{4}-[a-z0-9][a-z0-9-]*\.sql$/;

function filesOf({ stores }: System, store: string, root: string): readonly File[] | Fault {
  const spec = Object.hasOwn(stores, store) ? stores[store] : undefined;
  if (spec?.kind !== "sql") return `store "${store}" is no sql store; leave it out`;
  const folder = join(root, spec.migrations);
  const names = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => !name.startsWith("."))
        .sort()
    : [];
  if (names.length === 0)
    return `sql "${store}": no migrations in ${spec.migrations}; put 0001-….sql into it`;
  const odd = names.find(
    (name, index) => !form.test(name) || Number(name.slice(0, 4)) !== index + 1,
  );
  if (odd !== undefined)
    return `sql "${store}": migration ${odd}; number them without gaps, as 0001-orders.sql`;
  return names.map((file) => ({
    file,
    // Line ends are git's choice.
    text: readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n"),
  }));
}

function entryOf(store: string, files: readonly File[] | Fault): Entry | Fault {
  if (typeof files === "string") return files;
  const options = [
    `name: ${text(store)}`,
    `location: ${envValue(envName({ kind: "sql", name: store }))}`,
    `masterSecret: ${envValue(masterSecretEnv)}`,
    `migrations: ${JSON.stringify(files)}`,
  ];
  return moduleOf(
    "Function",
    store,
    [["runtime/adapters/aws/sql-migrations.ts", "databaseMigrator"]],
    `export const handler = databaseMigrator({ ${options.join(", ")} });`,
  );
}
