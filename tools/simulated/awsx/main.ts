/**
 * The simulated awsx plugin. Its types are components: they are made of aws resources, which the
 * simulated aws provider then checks and answers.
 */
import * as pulumi from "@pulumi/pulumi";
import { checkInputs } from "../check.ts";
import { lookUp, readTable } from "../table.ts";
import { unknown, type Values } from "../wire.ts";
import { Image, Repository } from "./ecr.ts";
import { Vpc } from "./vpc.ts";

/** A component, and which of its fields are its outputs. */
interface Kind {
  make: new (
    name: string,
    args: never,
    opts: pulumi.ComponentResourceOptions,
  ) => pulumi.ComponentResource;
  outputs: string[];
}

const kinds: Record<string, Kind> = {
  "awsx:ec2:Vpc": {
    make: Vpc,
    outputs: [
      "vpc",
      "vpcId",
      "subnets",
      "publicSubnetIds",
      "privateSubnetIds",
      "isolatedSubnetIds",
      "internetGateway",
      "routeTables",
      "routes",
      "routeTableAssociations",
      "natGateways",
      "eips",
      "vpcEndpoints",
    ],
  },
  "awsx:ecr:Repository": { make: Repository, outputs: ["repository", "lifecyclePolicy", "url"] },
  "awsx:ecr:Image": { make: Image, outputs: ["imageUri"] },
};

const table = readTable("awsx");

class Awsx implements pulumi.provider.Provider {
  readonly version = table.packageVersion ?? "0.0.0";

  async construct(
    name: string,
    type: string,
    inputs: pulumi.Inputs,
    options: pulumi.ComponentResourceOptions,
  ): Promise<pulumi.provider.ConstructResult> {
    const { properties } = lookUp(table, "awsx", "resources", type);
    const kind = kinds[type];
    if (!kind)
      throw new Error(`${type} has a table but no component; add one in tools/simulated/awsx`);
    const failures = checkInputs(table, properties, plain(inputs) as Values);
    if (failures.length > 0) {
      const lines = failures.map(({ property, reason }) => `  - ${property} ${reason}`);
      throw new Error(`${type} "${name}": ${lines.length} to correct\n${lines.join("\n")}`);
    }
    const made = new kind.make(name, inputs as never, options) as pulumi.ComponentResource & Values;
    return {
      urn: made.urn,
      state: Object.fromEntries(kind.outputs.map((key) => [key, made[key]])),
    };
  }
}

/** The inputs with every output, which may not be known yet, as an unknown. */
function plain(value: unknown): unknown {
  if (pulumi.Output.isInstance(value)) return unknown;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

await pulumi.provider.main(new Awsx(), process.argv.slice(2));
