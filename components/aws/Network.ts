import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { type Transform, transformed } from "../shared/transform.ts";
import { type Fault, refuse } from "../shared/validation.ts";
import { accountOf } from "./account.ts";
import { type AddressPlan, planAddresses, rangeFault, zoneCounts } from "./address-plan.ts";
import {
  closedGroup,
  type Endpoint,
  type EndpointKind,
  endpointKinds,
  type NetworkPlace,
  type Reach,
} from "./security-groups.ts";

/** How what is inside reaches the internet: not at all, through one NAT gateway, or one a zone. */
export const natStrategies = ["none", "one", "per-zone"] as const;

export interface NetworkArgs {
  /** Address range. Default: "10.0.0.0/16" */
  readonly range?: string;
  /** Availability zones, 2 to 4. Default: 2 */
  readonly zones?: number;
  /** Default: "one", which fails with its zone */
  readonly nat?: (typeof natStrategies)[number];
  /**
   * Attach an internet gateway without NAT too: no subnet has a route to it, but CloudFront reaches
   * no VPC without one. Default: false
   */
  readonly internetGateway?: boolean;
  /** Interface endpoints, each of which costs by the hour and zone. Default: none */
  readonly endpoints?: readonly EndpointKind[];
  readonly transform?: {
    readonly vpc?: Transform<aws.ec2.VpcArgs>;
    readonly subnet?: Transform<aws.ec2.SubnetArgs>;
    readonly endpoint?: Transform<aws.ec2.VpcEndpointArgs>;
  };
}

/** Endpoints that are routes, cost nothing, and are always there. */
const gateways = { objectStore: "s3", table: "dynamodb" } as const;

/** Services behind interface endpoints (AWS PrivateLink Guide, services that integrate, 2026). */
const interfaces: Readonly<
  Record<Exclude<EndpointKind, keyof typeof gateways>, readonly string[]>
> = {
  queue: ["sqs"],
  topic: ["sns"],
  bus: ["events"],
  stream: ["kinesis-streams"],
  mailer: ["email"],
  metrics: ["monitoring"],
  scheduler: ["scheduler"],
  workflow: ["states"],
  secret: ["secretsmanager"],
  identity: ["cognito-idp"],
  lambda: ["lambda"],
  registry: ["ecr.api", "ecr.dkr"],
  logs: ["logs"],
  agent: ["ecs", "ecs-agent", "ecs-telemetry"],
};

/** Endpoints that may be asked for. */
export const interfaceKinds = Object.keys(interfaces) as (keyof typeof interfaces)[];

/**
 * A VPC for what must be inside one: private subnets for workloads, subnets without any way out for
 * stores, public ones only where a NAT gateway needs them. Nothing in it has a public address but
 * those gateways; its default security group is emptied; S3 and DynamoDB are reached by gateway
 * endpoints, other services through NAT or the endpoints that are asked for.
 * @throws {Error} before any resource is made, with every fault in one message
 * @example
 * const network = new Network("network", { zones: 3, nat: "per-zone" });
 * const stores = new DataStores("stores", { system, network });
 */
export class Network extends pulumi.ComponentResource implements NetworkPlace {
  readonly vpc: aws.ec2.Vpc;
  readonly vpcId: pulumi.Output<string>;
  /** Private subnets, one a zone: of workloads. */
  readonly subnetIds: pulumi.Output<string>[];
  /** Subnets without a way out, one a zone: of stores. */
  readonly storeSubnetIds: pulumi.Output<string>[];
  readonly natGateways: readonly aws.ec2.NatGateway[];
  readonly endpoints: Readonly<Partial<Record<EndpointKind, Endpoint>>>;
  readonly internet: boolean;
  readonly internetGatewayId?: pulumi.Output<string>;
  /** Routes, associations and endpoints, which no id of a subnet stands for. */
  readonly ready: pulumi.Resource[] = [];
  readonly #zones: pulumi.Output<string[]>;

  constructor(name: string, args: NetworkArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    refuse("Network", name, networkFaults(args));
    super("spillway:aws:Network", name, {}, opts);
    const { range = "10.0.0.0/16", zones = 2, nat = "one", transform } = args;
    const plan = planAddresses(range, zones);
    this.#zones = zoneNames(zones, this);

    this.vpc = new aws.ec2.Vpc(
      name,
      transformed(transform?.vpc, name, {
        cidrBlock: range,
        enableDnsHostnames: true,
        enableDnsSupport: true,
        tags: { Name: name },
      }),
      { parent: this },
    );
    this.vpcId = this.vpc.id;
    new aws.ec2.DefaultSecurityGroup(
      `${name}-default`,
      { vpcId: this.vpcId, ingress: [], egress: [] },
      { parent: this },
    );
    const gateway =
      nat !== "none" || args.internetGateway ? this.#makeInternetGateway(name) : undefined;
    if (gateway) this.internetGatewayId = gateway.id;
    this.natGateways =
      nat === "none" || !gateway ? [] : this.#makeWaysOut(name, plan, nat, gateway, args);
    this.internet = nat !== "none";
    const inside = plan.inside.map((cidr, zone) => this.#makeInside(name, cidr, zone, args));
    this.subnetIds = inside.map(({ subnet }) => subnet.id);
    this.storeSubnetIds = plan.stores.map(
      (cidr, zone) => this.#makeSubnet(`${name}-stores-${zone + 1}`, cidr, zone, args).id,
    );
    const region = accountOf(this).apply((account) => account.region);
    this.endpoints = {
      ...this.#makeGateways(name, region, inside, args),
      ...this.#makeInterfaces(name, region, args),
    };
    this.registerOutputs({ vpcId: this.vpcId, subnetIds: this.subnetIds });
  }

  #makeSubnet(logical: string, cidrBlock: string, zone: number, { transform }: NetworkArgs) {
    return new aws.ec2.Subnet(
      logical,
      transformed(transform?.subnet, logical, {
        vpcId: this.vpcId,
        cidrBlock,
        availabilityZone: this.#zones.apply((names) => names[zone] as string),
        mapPublicIpOnLaunch: false,
        tags: { Name: logical },
      }),
      { parent: this },
    );
  }

  #makeInternetGateway(name: string) {
    return new aws.ec2.InternetGateway(
      `${name}-internet`,
      { vpcId: this.vpcId, tags: { Name: name } },
      { parent: this },
    );
  }

  #makeWaysOut(
    name: string,
    { outside }: AddressPlan,
    nat: "one" | "per-zone",
    gateway: aws.ec2.InternetGateway,
    args: NetworkArgs,
  ) {
    const table = this.#makeTable(`${name}-outside`);
    const route = new aws.ec2.Route(
      `${name}-outside`,
      { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: gateway.id },
      { parent: this },
    );
    this.ready.push(route);
    return outside.slice(0, nat === "one" ? 1 : outside.length).map((cidr, zone) => {
      const logical = `${name}-outside-${zone + 1}`;
      const subnet = this.#makeSubnet(logical, cidr, zone, args);
      this.#associate(logical, subnet, table);
      const address = new aws.ec2.Eip(
        logical,
        { domain: "vpc", tags: { Name: logical } },
        { parent: this },
      );
      return new aws.ec2.NatGateway(
        logical,
        { subnetId: subnet.id, allocationId: address.allocationId, tags: { Name: logical } },
        // It is of no use before its subnet has a way out.
        { parent: this, dependsOn: route },
      );
    });
  }

  #makeInside(name: string, cidr: string, zone: number, args: NetworkArgs) {
    const logical = `${name}-inside-${zone + 1}`;
    const subnet = this.#makeSubnet(logical, cidr, zone, args);
    const table = this.#makeTable(logical);
    this.#associate(logical, subnet, table);
    const nat = this.natGateways[zone] ?? this.natGateways[0];
    if (nat)
      this.ready.push(
        new aws.ec2.Route(
          logical,
          { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", natGatewayId: nat.id },
          { parent: this },
        ),
      );
    return { subnet, table };
  }

  #makeTable = (logical: string) =>
    new aws.ec2.RouteTable(
      logical,
      { vpcId: this.vpcId, tags: { Name: logical } },
      { parent: this },
    );

  #associate = (logical: string, subnet: aws.ec2.Subnet, table: aws.ec2.RouteTable) =>
    this.ready.push(
      new aws.ec2.RouteTableAssociation(
        logical,
        { subnetId: subnet.id, routeTableId: table.id },
        { parent: this },
      ),
    );

  #makeGateways(
    name: string,
    region: pulumi.Output<string>,
    inside: readonly { readonly table: aws.ec2.RouteTable }[],
    { transform }: NetworkArgs,
  ) {
    const doors = Object.entries(gateways).map(([kind, service]) => {
      const endpoint = new aws.ec2.VpcEndpoint(
        `${name}-${kind}`,
        transformed(transform?.endpoint, `${name}-${kind}`, {
          vpcId: this.vpcId,
          serviceName: pulumi.interpolate`com.amazonaws.${region}.${service}`,
          vpcEndpointType: "Gateway",
          routeTableIds: inside.map(({ table }) => table.id),
        }),
        { parent: this },
      );
      this.ready.push(endpoint);
      return [kind, { prefixListId: endpoint.prefixListId }] as const;
    });
    return Object.fromEntries(doors);
  }

  #makeInterfaces(name: string, region: pulumi.Output<string>, args: NetworkArgs) {
    const doors = (args.endpoints ?? []).map((kind) => {
      const logical = `${name}-${kind}`;
      const group = closedGroup(`${logical}-group`, `Door to ${kind}`, this.vpcId, this);
      for (const service of interfaces[kind as keyof typeof interfaces])
        this.ready.push(
          new aws.ec2.VpcEndpoint(
            `${name}-${service}`,
            transformed(args.transform?.endpoint, `${name}-${service}`, {
              vpcId: this.vpcId,
              serviceName: pulumi.interpolate`com.amazonaws.${region}.${service}`,
              vpcEndpointType: "Interface",
              privateDnsEnabled: true,
              subnetIds: this.subnetIds,
              securityGroupIds: [group.id],
            }),
            { parent: this },
          ),
        );
      return [kind, { securityGroupId: group.id }] as const;
    });
    return Object.fromEntries(doors);
  }
}

/**
 * Zones that CloudFront's VPC origins do not reach (CloudFront Developer Guide, restrict access with
 * VPC origins, 2026-09). They are left out for everybody: a subnet that moves takes all in it along.
 */
const unreached = ["use1-az3", "usw1-az2", "apne1-az3", "cac1-az3"];

/** The first zones of the region, by name: a zone that AWS adds moves no subnet. */
const zoneNames = (zones: number, parent: pulumi.Resource): pulumi.Output<string[]> =>
  aws
    .getAvailabilityZonesOutput(
      {
        state: "available",
        excludeZoneIds: unreached,
        // Local zones lack most services.
        filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }],
      },
      { parent },
    )
    .names.apply((names) => {
      if (names.length < zones)
        refuse("Network", "zones", [
          `${zones}, of which the region has ${names.length}; ask fewer`,
        ]);
      return [...names].sort().slice(0, zones);
    });

/** What will be reached from inside a network. */
export const reachOf = ({ nat = "one", endpoints = [] }: NetworkArgs): Reach => ({
  internet: nat !== "none",
  endpoints: Object.fromEntries(
    [...Object.keys(gateways), ...endpoints].map((kind) => [kind, true]),
  ),
});

/** Everything that keeps a network from being made. */
export function networkFaults({ range, zones = 2, nat = "one", endpoints = [] }: NetworkArgs) {
  const faults: Fault[] = [];
  const rangeWrong = range === undefined ? undefined : rangeFault(range);
  if (rangeWrong !== undefined) faults.push(rangeWrong);
  if (!(zoneCounts as readonly number[]).includes(zones))
    faults.push(`zones ${zones}; use one of ${zoneCounts.join(", ")}`);
  if (!natStrategies.includes(nat))
    faults.push(`nat "${nat}"; use one of ${natStrategies.join(", ")}`);
  for (const kind of endpoints)
    if (!(interfaceKinds as readonly string[]).includes(kind))
      faults.push(
        (endpointKinds as readonly string[]).includes(kind)
          ? `endpoint "${kind}" is always there; leave it out`
          : `endpoint "${kind}" is unknown; use of ${interfaceKinds.join(", ")}`,
      );
  return faults;
}
