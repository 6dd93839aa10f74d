/** awsx's VPC: the same resources, names and parents; the address layout is a simple one. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

type SubnetType = "Public" | "Private" | "Isolated" | "Unused";

interface SubnetSpec {
  type: SubnetType;
  name?: string;
  cidrMask?: number;
  tags?: Record<string, string>;
}

interface VpcArgs {
  availabilityZoneNames?: string[];
  numberOfAvailabilityZones?: number;
  cidrBlock?: string;
  natGateways?: { strategy: "None" | "Single" | "OnePerAz"; elasticIpAllocationIds?: string[] };
  subnetSpecs?: SubnetSpec[];
  tags?: Record<string, string>;
  vpcEndpointSpecs?: (Omit<aws.ec2.VpcEndpointArgs, "vpcId"> & { serviceName: string })[];
  [passedOn: string]: unknown;
}

/** What awsx itself takes; every other argument is the VPC's own. */
const ownArguments = [
  "availabilityZoneNames",
  "availabilityZoneCidrMask",
  "numberOfAvailabilityZones",
  "natGateways",
  "subnetSpecs",
  "subnetStrategy",
  "vpcEndpointSpecs",
];

export class Vpc extends pulumi.ComponentResource {
  readonly vpc: aws.ec2.Vpc;
  readonly vpcId: pulumi.Output<string>;
  readonly internetGateway: aws.ec2.InternetGateway;
  readonly subnets: aws.ec2.Subnet[] = [];
  readonly publicSubnetIds: pulumi.Output<string>[] = [];
  readonly privateSubnetIds: pulumi.Output<string>[] = [];
  readonly isolatedSubnetIds: pulumi.Output<string>[] = [];
  readonly routeTables: aws.ec2.RouteTable[] = [];
  readonly routes: aws.ec2.Route[] = [];
  readonly routeTableAssociations: aws.ec2.RouteTableAssociation[] = [];
  readonly natGateways: aws.ec2.NatGateway[] = [];
  readonly eips: aws.ec2.Eip[] = [];
  readonly vpcEndpoints: aws.ec2.VpcEndpoint[] = [];
  readonly #name: string;
  readonly #args: VpcArgs;
  readonly #tags: Record<string, string>;

  constructor(name: string, args: VpcArgs, opts: pulumi.ComponentResourceOptions) {
    super("awsx:ec2:Vpc", name, {}, opts);
    this.#name = name;
    this.#args = args;
    this.#tags = { Name: name, ...args.tags };
    const cidrBlock = args.cidrBlock ?? "10.0.0.0/16";
    const own = Object.entries(args).filter(([key]) => !ownArguments.includes(key));
    this.vpc = new aws.ec2.Vpc(
      name,
      { ...Object.fromEntries(own), cidrBlock, tags: this.#tags },
      { parent: this },
    );
    this.vpcId = this.vpc.id;
    this.internetGateway = new aws.ec2.InternetGateway(
      name,
      { vpcId: this.vpc.id, tags: this.#tags },
      { parent: this.vpc },
    );
    for (const spec of args.vpcEndpointSpecs ?? [])
      this.vpcEndpoints.push(
        new aws.ec2.VpcEndpoint(
          spec.serviceName,
          { ...spec, vpcId: this.vpc.id },
          { parent: this.vpc },
        ),
      );

    const count = args.numberOfAvailabilityZones ?? 3;
    // Zones by letter: a plan must not wait for a function's answer.
    const region = process.env.AWS_REGION ?? new pulumi.Config("aws").get("region") ?? "us-east-1";
    const zones =
      args.availabilityZoneNames ?? ["a", "b", "c"].slice(0, count).map((z) => region + z);
    const specs = args.subnetSpecs ?? [{ type: "Private" }, { type: "Public" }];
    const blocks = layOut(cidrBlock, zones.length, specs);
    zones.forEach((zone, index) => {
      // Public first: private ones route through the gateway that stands there.
      const order = specs.map((spec, at) => ({ spec, cidr: blocks[index]?.[at] ?? "" }));
      order.sort((a, b) => Number(b.spec.type === "Public") - Number(a.spec.type === "Public"));
      for (const { spec, cidr } of order)
        if (spec.type !== "Unused") this.#subnet(spec, cidr, zone, index);
    });
    this.registerOutputs({});
  }

  #subnet(spec: SubnetSpec, cidrBlock: string, availabilityZone: string, index: number): void {
    const name = `${this.#name}-${spec.name ?? spec.type.toLowerCase()}-${index + 1}`;
    const tags = { ...this.#tags, ...spec.tags, Name: name, SubnetType: spec.type };
    const isPublic = spec.type === "Public";
    const subnet = new aws.ec2.Subnet(
      name,
      { vpcId: this.vpc.id, availabilityZone, cidrBlock, mapPublicIpOnLaunch: isPublic, tags },
      { parent: this.vpc },
    );
    this.subnets.push(subnet);
    const ids = { Public: this.publicSubnetIds, Private: this.privateSubnetIds };
    (ids[spec.type as keyof typeof ids] ?? this.isolatedSubnetIds).push(subnet.id);

    const table = new aws.ec2.RouteTable(name, { vpcId: this.vpc.id, tags }, { parent: subnet });
    this.routeTables.push(table);
    this.routeTableAssociations.push(
      new aws.ec2.RouteTableAssociation(
        name,
        { routeTableId: table.id, subnetId: subnet.id },
        { parent: table },
      ),
    );
    if (isPublic) this.#natGateway(subnet, index);
    const strategy = this.#args.natGateways?.strategy ?? "OnePerAz";
    const nat = this.natGateways[strategy === "Single" ? 0 : index];
    const target = isPublic
      ? { gatewayId: this.internetGateway.id }
      : spec.type === "Private" && nat && { natGatewayId: nat.id };
    if (!target) return;
    const route = { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", ...target };
    this.routes.push(new aws.ec2.Route(name, route, { parent: table }));
  }

  #natGateway(subnet: aws.ec2.Subnet, index: number): void {
    const { strategy = "OnePerAz", elasticIpAllocationIds = [] } = this.#args.natGateways ?? {};
    if (strategy === "None" || (strategy === "Single" && index > 0)) return;
    // One a zone, though there be several public subnets in it.
    if (this.natGateways.length > index) return;
    const name = `${this.#name}-${index + 1}`;
    const tags = { ...this.#args.tags, Name: name };
    let allocationId: pulumi.Input<string> | undefined = elasticIpAllocationIds[index];
    if (allocationId === undefined) {
      const eip = new aws.ec2.Eip(name, { tags }, { parent: subnet });
      this.eips.push(eip);
      allocationId = eip.allocationId;
    }
    this.natGateways.push(
      new aws.ec2.NatGateway(name, { subnetId: subnet.id, allocationId, tags }, { parent: subnet }),
    );
  }
}

/** CIDR blocks by zone and spec: zones share the range evenly, subnets follow one another. */
export function layOut(cidr: string, zones: number, specs: SubnetSpec[]): string[][] {
  const [address = "", bits = "16"] = cidr.split("/");
  const start = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const zoneMask = Number(bits) + Math.ceil(Math.log2(zones));
  // Without masks each takes an equal power-of-two share of its zone.
  const share = zoneMask + Math.ceil(Math.log2(specs.length));
  return Array.from({ length: zones }, (_, zone) => {
    const end = start + (zone + 1) * 2 ** (32 - zoneMask);
    let next = start + zone * 2 ** (32 - zoneMask);
    return specs.map(({ cidrMask = share, type }) => {
      const size = 2 ** (32 - cidrMask);
      next = Math.ceil(next / size) * size;
      const block = `${[24, 16, 8, 0].map((shift) => Math.floor(next / 2 ** shift) % 256).join(".")}/${cidrMask}`;
      next += size;
      if (next > end)
        throw new Error(
          `subnetSpecs: ${type} ${block} does not fit ${cidr} with ${zones} zones; use smaller subnets`,
        );
      return block;
    });
  });
}
