/**
 * The property tables of the simulated providers: what schema/README.md describes, as types.
 * A table is read once per plugin process; a type that is not in it is refused, so that nothing
 * passes unchecked.
 */
import { readFileSync } from "node:fs";

/** One property of a resource, function or nested object. */
export interface Property {
  type?:
    | "string"
    | "number"
    | "integer"
    | "boolean"
    | "list"
    | "set"
    | "map"
    | "object"
    | "asset"
    | "any";
  element?: Property;
  properties?: Record<string, Property>;
  /** Key of `Table.types`, for large objects that many types share. */
  ref?: string;
  required?: boolean;
  optional?: boolean;
  computed?: boolean;
  computedOnly?: boolean;
  forceNew?: boolean;
  autoNamed?: boolean;
  acceptsObject?: boolean;
  sensitive?: boolean;
  writeOnly?: boolean;
  notInNpm?: boolean;
  default?: unknown;
  minItems?: number;
  maxItems?: number;
  conflictsWith?: string[];
  exactlyOneOf?: string[];
  atLeastOneOf?: string[];
  requiredWith?: string[];
  oneOf?: (string | number)[];
  oneOfIgnoreCase?: boolean;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  format?: "json" | "arn" | "cidr" | "date-time";
}

export interface Resource {
  properties: Record<string, Property>;
}

export interface Table {
  package?: string;
  packageVersion?: string;
  source?: string;
  licence?: string;
  /** Settings of the provider itself. */
  provider?: Resource;
  resources: Record<string, Resource>;
  functions: Record<string, Resource>;
  types: Record<string, { properties?: Record<string, Property> }>;
}

/**
 * Reads `schema/<provider>.json`, and over it the limits of `<provider>.more.json`, which the
 * upstream tables lack. A provider without a table knows no type at all.
 */
export function readTable(provider: string): Table {
  const table = readData<Table>(provider) ?? { resources: {}, functions: {}, types: {} };
  const { source: _, ...more } = readData<More>(`${provider}.more`) ?? { source: "" };
  for (const [type, limits] of Object.entries(more as Omit<More, "source">))
    for (const [name, limit] of Object.entries(limits)) {
      const property = table.resources[type]?.properties[name];
      if (property) Object.assign(property, limit);
    }
  return table;
}

type More = { source: string } & Record<string, Record<string, Partial<Property>>>;

function readData<T>(name: string): T | undefined {
  try {
    return JSON.parse(readFileSync(new URL(`schema/${name}.json`, import.meta.url), "utf8")) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
}

/** The nested properties of an object property, looked up where the table shares them. */
export function fieldsOf(table: Table, property: Property): Record<string, Property> | undefined {
  return property.properties ?? (property.ref ? table.types[property.ref]?.properties : undefined);
}

/** A type or function of the table, or an error that says how to add it. */
export function lookUp(
  table: Table,
  provider: string,
  kind: "resources" | "functions",
  token: string,
) {
  const found = table[kind][token];
  if (found) return found;
  const noun = kind === "resources" ? "resource type" : "function";
  throw new Error(
    `simulated ${provider} provider: ${noun} "${token}" is not in its table, so nothing about it ` +
      `could be checked; add it with: node tools/simulated/cut-schema.ts <full-table.json> ${token} ` +
      `(see tools/simulated/schema/README.md)`,
  );
}
