import type { ResourceKind, Use, Verb } from "../../spec/index.ts";

/** What one verb of a port needs: exact actions, on the resource or on what is in it. */
interface Grant {
  readonly actions: readonly string[];
  /** "": the resource itself. "/*": the objects of a bucket. */
  readonly on: "" | "/*";
  /** These actions are asked for by the service, without a call of that name. */
  readonly because?: string;
}

type Granting = { readonly [K in ResourceKind]?: { readonly [V in Verb<K>]: readonly Grant[] } } & {
  readonly secret: { readonly get: readonly Grant[] };
};

const on = (suffix: Grant["on"], ...actions: string[]): Grant => ({ actions, on: suffix });
const nothing: readonly Grant[] = [];

/**
 * Verb by verb, what an adapter of runtime/adapters/aws may call and nothing else.
 * Source: AWS Service Authorization Reference, 2026.
 */
export const grants = {
  table: {
    get: [on("", "dynamodb:GetItem")],
    query: [on("", "dynamodb:Query")],
    put: [on("", "dynamodb:PutItem")],
    delete: [on("", "dynamodb:DeleteItem")],
    // One transaction: IAM asks for its parts, the marker's put among them. What deletes in it
    // declares "delete" as well.
    once: [on("", "dynamodb:PutItem")],
  },
  objectStore: {
    get: [
      on("/*", "s3:GetObject"),
      {
        ...on("", "s3:ListBucket"),
        because: "without it S3 answers 403 instead of 404 for a key that is not there",
      },
    ],
    list: [on("", "s3:ListBucket")],
    put: [on("/*", "s3:PutObject")],
    delete: [on("/*", "s3:DeleteObject")],
  },
  queue: { send: [on("", "sqs:SendMessage")] },
  secret: { get: [on("", "secretsmanager:GetSecretValue")] },
  // Reached through the network, with credentials of their own.
  sql: { query: nothing, transaction: nothing },
  cache: {
    get: nothing,
    set: nothing,
    increment: nothing,
    publish: nothing,
    subscribe: nothing,
  },
  // A public app client's operations are unsigned: Cognito asks IAM for nothing.
  identity: {
    signUp: nothing,
    confirm: nothing,
    resend: nothing,
    signIn: nothing,
    answer: nothing,
    refresh: nothing,
    signOut: nothing,
  },
  edge: { url: nothing },
} as const satisfies Granting;

/** Whether functions can be given permissions for a kind. */
export const isGrantable = (kind: Use["kind"]): kind is keyof typeof grants =>
  Object.hasOwn(grants, kind);

const grantsOf = ({ kind, verbs }: Use): readonly Grant[] => {
  const byVerb: Readonly<Record<string, readonly Grant[]>> = isGrantable(kind) ? grants[kind] : {};
  return verbs.flatMap((verb) => byVerb[verb] ?? nothing);
};

/** Whether a use puts an ARN into a policy. */
export const needsArn = (use: Use): boolean => grantsOf(use).length > 0;

export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: readonly string[];
  readonly Resource: string;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * The statements that a use stands for: its verbs' actions on its resource, and no more.
 * @param arn of the resource
 */
export function statementsOf(use: Use, arn: string): Statement[] {
  const given = grantsOf(use);
  const word = pascal(use.name);
  const sids =
    use.kind === "objectStore"
      ? { "": `Bucket${word}`, "/*": `Objects${word}` }
      : { "": `${pascal(use.kind)}${word}`, "/*": `${pascal(use.kind)}${word}Parts` };
  return (["", "/*"] as const).flatMap((suffix): Statement[] => {
    const actions = given.filter((grant) => grant.on === suffix).flatMap((grant) => grant.actions);
    if (actions.length === 0) return [];
    const Action = [...new Set(actions)].sort();
    return [{ Sid: sids[suffix], Effect: "Allow", Action, Resource: `${arn}${suffix}` }];
  });
}

/** Where a resource ends in a wildcard, by the beginning of the statement's Sid, and why. */
export const broadByNecessity: Readonly<Record<string, string>> = {
  Logs: "log streams get their names as instances start; the group is the function's own",
  Traces: "X-Ray has no resource types: its actions take * only",
  NetworkInterfaces:
    "interfaces have no name before Lambda makes them, and Describe takes * only; code of the function is denied all of it",
  Objects: "keys are chosen by code; the bucket is the declared one",
};

/** Why the resource of a statement with this Sid ends in a wildcard; `undefined`: it must not. */
export const broadReason = (sid: string): string | undefined =>
  Object.entries(broadByNecessity).find(([start]) => sid.startsWith(start))?.[1];

/** Lambda makes and removes a function's interfaces with the function's own role. */
const interfaceActions = [
  "ec2:AssignPrivateIpAddresses",
  "ec2:CreateNetworkInterface",
  "ec2:DeleteNetworkInterface",
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribeSubnets",
  "ec2:UnassignPrivateIpAddresses",
];

/**
 * What the platform needs to run a function, apart from its business: logs, traces and, in a
 * network only, interfaces.
 * @param logGroupArn the function's own log group
 * @param inNetwork whether the function is attached to a VPC
 */
export const platformStatements = (logGroupArn: string, inNetwork: boolean): Statement[] => [
  {
    Sid: "Logs",
    Effect: "Allow",
    Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
    Resource: `${logGroupArn}:*`,
  },
  {
    Sid: "Traces",
    Effect: "Allow",
    Action: ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
    Resource: "*",
  },
  ...(inNetwork ? interfaceStatements : []),
];

const interfaceStatements: readonly Statement[] = [
  { Sid: "NetworkInterfaces", Effect: "Allow", Action: interfaceActions, Resource: "*" },
  {
    // The key is present in calls of the function's code, and absent in those of Lambda itself.
    Sid: "NotByCode",
    Effect: "Deny",
    Action: interfaceActions,
    Resource: "*",
    Condition: { Null: { "lambda:SourceFunctionArn": "false" } },
  },
];

const pascal = (text: string): string =>
  text.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
