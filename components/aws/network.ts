import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { Use } from "../../spec/index.ts";
import { physicalName } from "../shared/naming.ts";

/** AWS APIs that a function inside a network needs a door to. */
export type EndpointKind = (typeof endpointKinds)[number];

/** A VPC endpoint: of an interface its group, of a gateway its prefix list. */
export type Endpoint =
  | { readonly securityGroupId: pulumi.Input<string>; readonly prefixListId?: undefined }
  | { readonly prefixListId: pulumi.Input<string>; readonly securityGroupId?: undefined };

/** Where what must be inside a network is put. */
export interface Network {
  readonly vpcId: pulumi.Input<string>;
  readonly subnetIds: pulumi.Input<pulumi.Input<string>[]>;
  /** Doors to AWS APIs, by what stands behind them. */
  readonly endpoints?: Readonly<Partial<Record<EndpointKind, Endpoint>>>;
}

const endpointKinds = [
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
] as const;
export const isEndpointKind = (kind: Use["kind"]): kind is EndpointKind =>
  (endpointKinds as readonly string[]).includes(kind);

/** Kinds behind which is somebody else's server, on the internet. */
export const outsideKinds: readonly Use["kind"][] = ["chat", "api"];

/** What a group may open a connection to. */
export interface Target {
  readonly name: string;
  readonly to: Endpoint;
  readonly port: pulumi.Input<number>;
}

/**
 * A group with nothing coming in, and exactly the given targets going out; the targets' own groups
 * are opened for it, and for nobody else.
 */
export function guarded(
  name: string,
  vpcId: pulumi.Input<string>,
  targets: readonly Target[],
  parent: pulumi.Resource,
): aws.ec2.SecurityGroup {
  const group = new aws.ec2.SecurityGroup(
    name,
    { name: physicalName(name, "securityGroup"), description: `Outgoing only: ${name}`, vpcId },
    { parent },
  );
  for (const target of targets) {
    const rule = { ipProtocol: "tcp", fromPort: target.port, toPort: target.port };
    new aws.vpc.SecurityGroupEgressRule(
      `${name}-to-${target.name}`,
      {
        ...rule,
        securityGroupId: group.id,
        description: `To ${target.name}`,
        ...(target.to.securityGroupId === undefined
          ? { prefixListId: target.to.prefixListId }
          : { referencedSecurityGroupId: target.to.securityGroupId }),
      },
      { parent },
    );
    if (target.to.securityGroupId !== undefined)
      new aws.vpc.SecurityGroupIngressRule(
        `${target.name}-from-${name}`,
        {
          ...rule,
          securityGroupId: target.to.securityGroupId,
          referencedSecurityGroupId: group.id,
          description: `From ${name}`,
        },
        { parent },
      );
  }
  return group;
}
