import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planAddresses, rangeFault } from "../../../components/aws/address-plan.ts";
import { Network, type NetworkArgs } from "../../../components/aws/Network.ts";
import { awsInvoke, runUnderMocks } from "../harness.ts";

const type = {
  egress: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  endpoint: "aws:ec2/vpcEndpoint:VpcEndpoint",
  group: "aws:ec2/securityGroup:SecurityGroup",
  ingress: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  internet: "aws:ec2/internetGateway:InternetGateway",
  nat: "aws:ec2/natGateway:NatGateway",
  route: "aws:ec2/route:Route",
  subnet: "aws:ec2/subnet:Subnet",
} as const;

const network = (args: NetworkArgs = {}) =>
  runUnderMocks(() => new Network("net", args), {
    project: "shop",
    stack: "dev",
    invoke: awsInvoke,
  });

describe("a network", () => {
  test("has a subnet for workloads and one for stores in each of its zones", async () => {
    const graph = await network({ zones: 3, nat: "none" });
    expect(
      graph.all(type.subnet).map(({ name, inputs }) => [name, inputs.availabilityZone]),
    ).toEqual(
      ["inside", "stores"].flatMap((part) =>
        ["a", "b", "c"].map((zone, i) => [`net-${part}-${i + 1}`, `eu-central-1${zone}`]),
      ),
    );
  });

  test("gives nothing inside it a public address", async () => {
    for (const { inputs } of (await network()).all(type.subnet))
      expect(inputs.mapPublicIpOnLaunch).toBe(false);
  });

  test("empties the default security group, which lets everything through as AWS makes it", async () => {
    const group = (await network()).find("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup");
    expect(group.inputs).toMatchObject({ ingress: [], egress: [] });
  });

  test("reaches S3 and DynamoDB without NAT", async () => {
    const graph = await network();
    expect(graph.all(type.endpoint).map(({ inputs }) => inputs)).toMatchObject([
      { serviceName: "com.amazonaws.eu-central-1.s3", vpcEndpointType: "Gateway" },
      { serviceName: "com.amazonaws.eu-central-1.dynamodb", vpcEndpointType: "Gateway" },
    ]);
    for (const { inputs } of graph.all(type.endpoint)) expect(inputs.routeTableIds).toHaveLength(2);
  });
});

describe("the way out", () => {
  test.each([
    ["none", 0, []],
    ["one", 1, ["net-outside-1", "net-outside-1"]],
    ["per-zone", 2, ["net-outside-1", "net-outside-2"]],
  ] as const)("with nat %s there are %i gateways", async (nat, gateways, routes) => {
    const graph = await network({ nat });
    expect(graph.all(type.nat)).toHaveLength(gateways);
    expect(graph.all(type.internet)).toHaveLength(gateways > 0 ? 1 : 0);
    expect(graph.result.internet).toBe(gateways > 0);
    const inside = graph.all(type.route).filter(({ name }) => name.startsWith("net-inside"));
    expect(inside.map(({ inputs }) => inputs.natGatewayId)).toEqual(routes.map((r) => `${r}-id`));
  });

  test("stores have none: their subnets have no route table of ours", async () => {
    const graph = await network();
    const routed = graph
      .all("aws:ec2/routeTableAssociation:RouteTableAssociation")
      .map(({ inputs }) => inputs.subnetId);
    expect(routed.length).toBeGreaterThan(0);
    expect(routed.filter((id) => String(id).includes("stores"))).toEqual([]);
  });
});

describe("endpoints that are asked for", () => {
  test("each stand behind a closed group of their own", async () => {
    const graph = await network({ nat: "none", endpoints: ["queue", "registry"] });
    const interfaces = graph
      .all(type.endpoint)
      .filter(({ inputs }) => inputs.vpcEndpointType === "Interface");
    expect(interfaces.map(({ inputs }) => [inputs.serviceName, inputs.securityGroupIds])).toEqual([
      ["com.amazonaws.eu-central-1.ecr.api", ["net-registry-group-id"]],
      ["com.amazonaws.eu-central-1.ecr.dkr", ["net-registry-group-id"]],
      ["com.amazonaws.eu-central-1.sqs", ["net-queue-group-id"]],
    ]);
    for (const { inputs } of interfaces) expect(inputs.privateDnsEnabled).toBe(true);
    expect([...graph.all(type.ingress), ...graph.all(type.egress)]).toEqual([]);
    for (const { inputs } of graph.all(type.group))
      expect([inputs.ingress, inputs.egress]).toEqual([undefined, undefined]);
  });
});

describe("what cannot be made is refused, all of it at once", () => {
  test.each<[NetworkArgs, string]>([
    [{ zones: 1 }, "zones 1; use one of 2, 3, 4"],
    [{ nat: "two" as never }, 'nat "two"; use one of none, one, per-zone'],
    [{ endpoints: ["table"] }, 'endpoint "table" is always there; leave it out'],
    [{ endpoints: ["sqs" as never] }, 'endpoint "sqs" is unknown; use of queue, topic,'],
    [{ range: "10.0.0.0" }, 'range "10.0.0.0"; write it as "10.0.0.0/16"'],
    [{ range: "10.0.0.0/8" }, "of 8 bits; use 16 to 22"],
    [{ range: "10.0.1.0/16" }, 'does not begin at its own start; write it as "10.0.0.0/16"'],
  ])("%o", async (args, message) => {
    await expect(network(args)).rejects.toThrow(message);
  });

  test("in one message", async () => {
    await expect(network({ zones: 9, nat: "x" as never })).rejects.toThrow('"net": 2 faults');
  });

  test("as are more zones than the region has", async () => {
    const few = () => ({ names: ["eu-central-1a"], accountId: "1", partition: "aws", region: "x" });
    await expect(runUnderMocks(() => new Network("net"), { invoke: few })).rejects.toThrow(
      "2, of which the region has 1",
    );
  });
});

describe("addresses", () => {
  const asNumber = (address: string) =>
    address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const bounds = (cidr: string) => {
    const [address = "", bits] = cidr.split("/");
    return [asNumber(address), asNumber(address) + 2 ** (32 - Number(bits))] as const;
  };

  test("subnets lie in the range, and none in another's", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 16, max: 22 }),
        fc.integer({ min: 2, max: 4 }),
        (bits, zones) => {
          const range = `10.0.0.0/${bits}`;
          expect(rangeFault(range)).toBeUndefined();
          const { inside, stores, outside } = planAddresses(range, zones);
          const all = [...inside, ...stores, ...outside].map(bounds).sort(([a], [b]) => a - b);
          const [from, to] = bounds(range);
          expect(all).toHaveLength(3 * zones);
          expect(all[0]?.[0]).toBeGreaterThanOrEqual(from);
          expect(all.at(-1)?.[1]).toBeLessThanOrEqual(to);
          for (const [index, [, end]] of all.slice(0, -1).entries())
            expect(end).toBeLessThanOrEqual(all[index + 1]?.[0] ?? 0);
        },
      ),
    );
  });

  test("a zone more moves nothing", () => {
    const two = planAddresses("10.0.0.0/16", 2);
    expect(planAddresses("10.0.0.0/16", 3).inside.slice(0, 2)).toEqual(two.inside);
    expect(two).toEqual({
      inside: ["10.0.0.0/19", "10.0.32.0/19"],
      stores: ["10.0.128.0/20", "10.0.144.0/20"],
      outside: ["10.0.192.0/20", "10.0.208.0/20"],
    });
  });
});
