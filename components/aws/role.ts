import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { physicalName } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import { policyText, type Statement } from "./permissions.ts";

export interface RoleTransforms {
  readonly role?: Transform<aws.iam.RoleArgs>;
  readonly policy?: Transform<aws.iam.RolePolicyArgs>;
}

type Condition = Readonly<Record<string, Readonly<Record<string, pulumi.Input<string>>>>>;

export interface RoleOptions {
  /** The one service that may take it on. */
  readonly service: string;
  /** On whose behalf, where the service says so: else any of its customers could borrow it. */
  readonly condition?: Condition;
  readonly statements: pulumi.Input<readonly Statement[]>;
  readonly transform?: RoleTransforms;
}

/** A role that one service may take on, and that may do nothing by itself. */
export function bareRole(
  name: string,
  { service, condition, transform }: Omit<RoleOptions, "statements">,
  parent: pulumi.Resource,
): aws.iam.Role {
  return new aws.iam.Role(
    `${name}-role`,
    transformed(transform?.role, `${name}-role`, {
      name: physicalName(name, "role"),
      assumeRolePolicy: pulumi.jsonStringify({
        Version: "2012-10-17",
        Statement: {
          Effect: "Allow",
          Action: "sts:AssumeRole",
          Principal: { Service: service },
          ...(condition && { Condition: condition }),
        },
      }),
    }),
    { parent },
  );
}

/** A role that one service may take on, with one policy, which may be waited for. */
export function serviceRole(name: string, options: RoleOptions, parent: pulumi.Resource) {
  const { statements, transform } = options;
  const role = bareRole(name, options, parent);
  const policy = new aws.iam.RolePolicy(
    `${name}-policy`,
    transformed(transform?.policy, `${name}-policy`, {
      name: "uses",
      role: role.name,
      policy: pulumi.output(statements).apply((all) => policyText(...(all as Statement[]))),
    }),
    { parent },
  );
  return { role, policy };
}
