import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { Use } from "../../spec/index.ts";
import { physicalName } from "../shared/naming.ts";
import type { Fault } from "../shared/validation.ts";

/** AWS APIs that what runs inside a network needs a door to. */
export type EndpointKind = (typeof endpointKinds)[number];

/** A VPC endpoint: of an interface its group, of a gateway its prefix list. */
export type Endpoint =
  | { readonly securityGroupId: pulumi.Input<string>; readonly prefixListId?: undefined }
  | { readonly prefixListId: pulumi.Input<string>; readonly securityGroupId?: undefined };

/** Where what must be inside a network is put. A `Network` is one. */
export interface NetworkPlace {
  readonly vpcId: pulumi.Input<string>;
  readonly subnetIds: pulumi.Input<pulumi.Input<string>[]>;
  /** Doors to AWS APIs, by what stands behind them. */
  readonly endpoints?: Readonly<Partial<Record<EndpointKind, Endpoint>>>;
  /** The internet gateway that is attached, which CloudFront's origins ask for. Default: none */
  readonly internetGatewayId?: pulumi.Input<string>;
  /** Whether a NAT gateway leads out of it. Default: no */
  readonly internet?: boolean;
  /** What has to be there before code starts in it: its ways out. Default: nothing */
  readonly ready?: readonly pulumi.Resource[];
}

export const endpointKinds = [
  "table",
  "objectStore",
  "queue",
  "topic",
  "bus",
  "stream",
  "mailer",
  "metrics",
  "scheduler",
  "workflow",
  "secret",
  "identity",
  // Where containers reach their function twins.
  "lambda",
  // What containers need to start, and functions have from Lambda.
  "registry",
  "logs",
  // What instances of a cluster need to belong to it.
  "agent",
] as const;
export const isEndpointKind = (kind: Use["kind"]): kind is EndpointKind & Use["kind"] =>
  (endpointKinds as readonly string[]).includes(kind);

/** Kinds behind which is somebody else's server, or one that no door is known of. */
export const outsideKinds: readonly Use["kind"][] = ["chat", "api", "native"];

/** What a group may open a connection to. */
export interface Target {
  readonly name: string;
  /** "internet": whatever a NAT gateway leads to. */
  readonly to: Endpoint | "internet";
  readonly port: pulumi.Input<number>;
}

/** What a workload inside a network calls: AWS APIs, and servers elsewhere. */
export interface Calls {
  readonly kinds: readonly EndpointKind[];
  readonly outside: readonly Pick<Use, "kind" | "name">[];
}

const https = 443;

/** How a workload reaches what it calls: through doors, and where there is none through NAT. */
export function waysOut({ kinds, outside }: Calls, network: NetworkPlace): Target[] {
  const doors = kinds.flatMap((name): Target[] => {
    const to = network.endpoints?.[name];
    return to ? [{ name, to, port: https }] : [];
  });
  return doors.length < kinds.length || outside.length > 0
    ? [...doors, { name: "internet", to: "internet", port: https }]
    : doors;
}

/** What of a network decides what is reached from inside. A `NetworkPlace` tells it. */
export interface Reach {
  readonly internet?: boolean;
  readonly endpoints?: Readonly<Partial<Record<EndpointKind, unknown>>>;
}

/** What a workload calls and cannot reach from inside. */
export function reachFaults({ kinds, outside }: Calls, why: string, network: Reach): Fault[] {
  if (network.internet) return [];
  const inside = `runs inside the network ${why}, which has no`;
  const shut = kinds.filter((kind) => !network.endpoints?.[kind]).join(", ");
  return [
    ...(shut === ""
      ? []
      : [`${inside} door to ${shut}; give network.endpoints: [${shut}], or network.nat: one`]),
    ...outside.map(
      ({ kind, name }) =>
        `${inside} way out to ${kind} "${name}"; give network.nat: one, or leave one of the two to another workload`,
    ),
  ];
}

/** A group that lets nothing in and nothing out. */
export const closedGroup = (
  name: string,
  description: string,
  vpcId: pulumi.Input<string>,
  parent: pulumi.Resource,
): aws.ec2.SecurityGroup =>
  new aws.ec2.SecurityGroup(
    name,
    { name: physicalName(name, "securityGroup"), description, vpcId },
    { parent },
  );

/**
 * A group with nothing coming in, and exactly the given targets going out; the targets' own groups
 * are opened for it, and for nobody else.
 * @returns the group, and the rules, for what must not begin before them
 */
export function guarded(
  name: string,
  vpcId: pulumi.Input<string>,
  targets: readonly Target[],
  parent: pulumi.Resource,
) {
  const group = closedGroup(name, `Outgoing only: ${name}`, vpcId, parent);
  const from = { name, securityGroupId: group.id };
  return { group, rules: targets.flatMap((target) => letThrough(from, target, parent)) };
}

/**
 * Opens a target for a group: the way out of the one, and the way into the other.
 * @returns the rules, for what must not begin before them
 */
export function letThrough(
  from: { readonly name: string; readonly securityGroupId: pulumi.Input<string> },
  target: Target,
  parent: pulumi.Resource,
): readonly pulumi.Resource[] {
  const rule = { ipProtocol: "tcp", fromPort: target.port, toPort: target.port };
  const out = new aws.vpc.SecurityGroupEgressRule(
    `${from.name}-to-${target.name}`,
    {
      ...rule,
      securityGroupId: from.securityGroupId,
      description: `To ${target.name}`,
      ...destinationOf(target.to),
    },
    { parent },
  );
  if (target.to === "internet" || target.to.securityGroupId === undefined) return [out];
  const into = new aws.vpc.SecurityGroupIngressRule(
    `${target.name}-from-${from.name}`,
    {
      ...rule,
      securityGroupId: target.to.securityGroupId,
      referencedSecurityGroupId: from.securityGroupId,
      description: `From ${from.name}`,
    },
    { parent },
  );
  return [out, into];
}

const destinationOf = (to: Target["to"]) =>
  to === "internet"
    ? { cidrIpv4: "0.0.0.0/0" }
    : to.securityGroupId === undefined
      ? { prefixListId: to.prefixListId }
      : { referencedSecurityGroupId: to.securityGroupId };
