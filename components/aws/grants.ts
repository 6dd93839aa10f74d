import type { ResourceKind, Use, Verb } from "../../spec/index.ts";

/** What an action is on: the resource, or something that is found from its ARN. */
export const places = {
  itself: (arn: string) => arn,
  /** Objects of a bucket, schedules of a group. */
  parts: (arn: string) => `${arn}/*`,
  /** Executions of a state machine. */
  executions: (arn: string) => `${arn.replace(":stateMachine:", ":execution:")}:*`,
  /** For actions that take no resource. */
  anything: () => "*",
  /** The role that the service takes on for it. */
  role: (_: string, roleArn: string) => roleArn,
  /** The user of the store that it connects as. */
  user: (_: string, __: string, userArn: string) => userArn,
} as const satisfies Record<string, (arn: string, roleArn: string, userArn: string) => string>;
export type Place = keyof typeof places;

/** What one verb of a port needs: exact actions, and what they are on. */
export interface Grant {
  readonly actions: readonly string[];
  readonly on: Place;
  readonly condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** These actions are asked for by the service, without a call of that name. */
  readonly because?: string;
}

type Granting = {
  readonly [K in Exclude<ResourceKind, "native">]: { readonly [V in Verb<K>]: readonly Grant[] };
} & { readonly secret: { readonly get: readonly Grant[] } };

const on = (place: Place, ...actions: string[]): Grant => ({ actions, on: place });
const itself = (...actions: string[]): readonly Grant[] => [on("itself", ...actions)];
const nothing: readonly Grant[] = [];
/** IAM is asked about the cache and about the user, both. */
const connecting = [on("itself", "elasticache:Connect"), on("user", "elasticache:Connect")];

/**
 * Verb by verb, what an adapter of runtime/adapters/aws may call and nothing else. A native
 * resource has no line here: its declaration names its actions.
 * Source: AWS Service Authorization Reference, 2026.
 */
export const grants = {
  table: {
    get: itself("dynamodb:GetItem"),
    query: itself("dynamodb:Query"),
    put: itself("dynamodb:PutItem"),
    delete: itself("dynamodb:DeleteItem"),
    // One transaction: IAM asks for its parts, the marker's put among them. What deletes in it
    // declares "delete" as well.
    once: itself("dynamodb:PutItem"),
  },
  objectStore: {
    get: [
      on("parts", "s3:GetObject"),
      {
        ...on("itself", "s3:ListBucket"),
        because: "without it S3 answers 403 instead of 404 for a key that is not there",
      },
    ],
    list: itself("s3:ListBucket"),
    put: [on("parts", "s3:PutObject")],
    delete: [on("parts", "s3:DeleteObject")],
    // Who holds the URL acts as the one who signed it.
    signPut: [on("parts", "s3:PutObject")],
    signGet: [on("parts", "s3:GetObject")],
  },
  queue: { send: itself("sqs:SendMessage") },
  topic: { publish: itself("sns:Publish") },
  bus: { publish: itself("events:PutEvents") },
  stream: { put: itself("kinesis:PutRecords") },
  mailer: { send: itself("ses:SendEmail") },
  // Both speak HTTP to somebody else: what they need of AWS is their secret.
  chat: { post: itself("secretsmanager:GetSecretValue") },
  api: { request: itself("secretsmanager:GetSecretValue") },
  metrics: { read: [on("anything", "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData")] },
  scheduler: {
    at: [
      on("parts", "scheduler:CreateSchedule", "scheduler:UpdateSchedule"),
      {
        ...on("role", "iam:PassRole"),
        condition: { StringEquals: { "iam:PassedToService": "scheduler.amazonaws.com" } },
        because: "a schedule sends with a role of its own, which its maker hands on",
      },
    ],
    cancel: [on("parts", "scheduler:DeleteSchedule")],
  },
  workflow: {
    start: [
      on("itself", "states:StartExecution"),
      {
        ...on("executions", "states:DescribeExecution"),
        because: "whether an execution that is there was started with the same input",
      },
    ],
    status: [on("executions", "states:DescribeExecution")],
  },
  secret: { get: itself("secretsmanager:GetSecretValue") },
  // One connection serves all verbs: who may connect is asked, and no more.
  sql: { query: itself("rds-db:connect"), transaction: itself("rds-db:connect") },
  cache: {
    get: connecting,
    set: connecting,
    increment: connecting,
    append: connecting,
    since: connecting,
    delete: connecting,
    publish: connecting,
    subscribe: connecting,
    through: connecting,
  },
  // Reached through the network, without credentials.
  scanner: { scan: nothing },
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

/**
 * The grants of a use.
 * @param actions of a native resource, as it is declared
 */
export function grantsOf({ kind, verbs }: Use, actions: readonly string[] = []): readonly Grant[] {
  if (kind === "native") return actions.length > 0 ? itself(...actions) : nothing;
  const byVerb: Readonly<Record<string, readonly Grant[]>> = grants[kind];
  return verbs.flatMap((verb) => byVerb[verb] ?? nothing);
}

/** Whether a use cannot do without an ARN. An API's is that of its secret, which it may lack. */
export const needsArn = (use: Use): boolean =>
  use.kind === "native" ||
  (use.kind !== "api" && grantsOf(use).some((grant) => grant.on !== "anything"));
