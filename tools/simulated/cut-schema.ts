/**
 * Adds resource types or functions to a simulated provider's property table:
 *
 *   node tools/simulated/cut-schema.ts <full-table.json> <token> [<token> …]
 *
 * A token is Pulumi's own (`aws:sqs/queue:Queue`) or short (`sqs/Queue`). The full table is the
 * one described in schema/README.md; only what is named is copied, with the shared object types
 * it refers to. Types that are in the table already stay, and are refreshed when named again.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Property, Resource, Table } from "./table.ts";

type FullTable = Table & { package: string };

/** Pulumi's token for `sqs/Queue` or `index/getRegion`; a full token stays as it is. */
export function fullToken(provider: string, short: string): string {
  if (short.split(":").length === 3) return short;
  const [module, name] = short.split("/");
  if (!module || !name)
    throw new Error(`"${short}" is not a type; write ${provider}:sqs/queue:Queue or sqs/Queue`);
  return `${provider}:${module}/${name[0]?.toLowerCase()}${name.slice(1)}:${name}`;
}

/** Copies the tokens, and the shared object types they need, from the full table. */
export function addTypes(full: Table, small: Table, tokens: string[]): Table {
  for (const token of tokens) {
    if (full.functions[token]) small.functions[token] = slim(full.functions[token]);
    else if (full.resources[token]) small.resources[token] = slim(full.resources[token]);
    else throw new Error(`"${token}" is not in the full table; look for its spelling there`);
  }
  const wanted = new Set<string>();
  const visit = (property: Property): void => {
    if (property.ref && !wanted.has(property.ref)) {
      wanted.add(property.ref);
      for (const inner of Object.values(full.types[property.ref]?.properties ?? {})) visit(inner);
    }
    if (property.element) visit(property.element);
    for (const inner of Object.values(property.properties ?? {})) visit(inner);
  };
  for (const entry of [...Object.values(small.resources), ...Object.values(small.functions)])
    for (const property of Object.values(entry.properties)) visit(property);
  for (const ref of wanted) small.types[ref] = full.types[ref] ?? small.types[ref] ?? {};
  return small;
}

/** Leaves out what the simulated provider never reads, so that the file stays small. */
function slim(resource: Resource): Resource {
  const properties = Object.entries(resource.properties).filter(([, p]) => !p.notInNpm);
  return { properties: Object.fromEntries(properties) };
}

/** One type a line: small, and a diff shows which type was added. */
export function format(table: Table): string {
  const { resources, functions, types, ...head } = table;
  const section = (entries: Record<string, unknown>): string => {
    const lines = Object.keys(entries).sort();
    if (lines.length === 0) return "{}";
    return `{\n${lines.map((key) => `    ${JSON.stringify(key)}: ${JSON.stringify(entries[key])}`).join(",\n")}\n  }`;
  };
  const parts = Object.entries(head).map(([key, value]) => `"${key}": ${JSON.stringify(value)}`);
  parts.push(`"resources": ${section(resources)}`, `"functions": ${section(functions)}`);
  parts.push(`"types": ${section(types)}`);
  return `{\n  ${parts.join(",\n  ")}\n}\n`;
}

function main([path, ...tokens]: string[]): number {
  if (!path || tokens.length === 0) {
    console.error("usage: node tools/simulated/cut-schema.ts <full-table.json> <type> [<type> …]");
    return 2;
  }
  const full = JSON.parse(readFileSync(path, "utf8")) as FullTable;
  const provider = full.package.replace("@pulumi/", "");
  const target = fileURLToPath(new URL(`schema/${provider}.json`, import.meta.url));
  const small: Table = {
    package: full.package,
    packageVersion: full.packageVersion,
    source: full.source,
    licence: full.licence,
    resources: {},
    functions: {},
    types: {},
    ...readIfThere(target),
  };
  try {
    addTypes(
      full,
      small,
      tokens.map((token) => fullToken(provider, token)),
    );
  } catch (error) {
    console.error((error as Error).message);
    return 2;
  }
  writeFileSync(target, format(small));
  console.log(`${target}: ${Object.keys(small.resources).length} resource types`);
  return 0;
}

function readIfThere(path: string): Partial<Table> {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Table;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
