import type { Use } from "../../spec/index.ts";
import { type Grant, grantsOf, type Place, places } from "./grants.ts";

export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** What a policy says of a resource: the parts of its binding, once they are known. */
export interface Granted {
  /** Absent where the use is without permissions. */
  readonly arn?: string;
  /** Of a scheduler: the role that its schedules send with. */
  readonly roleArn?: string;
  /** Of a cache: the user that code connects as. */
  readonly userArn?: string;
  /** Of a native resource. */
  readonly actions?: readonly string[];
}

/** What a Sid says of the place; a bucket and its objects have names of their own. */
const suffixes: Readonly<Record<Place, string>> = {
  itself: "",
  parts: "Parts",
  executions: "Executions",
  anything: "",
  role: "Role",
  user: "User",
};
const sidOf = ({ kind, name }: Use, place: Place): string =>
  kind === "objectStore"
    ? `${place === "parts" ? "Objects" : "Bucket"}${pascal(name)}`
    : `${pascal(kind)}${pascal(name)}${suffixes[place]}`;

/**
 * The statements that a use stands for: its verbs' actions on its resource, and no more.
 * @param resource what the use is bound to
 */
export function statementsOf(use: Use, resource: Granted): Statement[] {
  const { arn = "", roleArn = "", userArn = "", actions } = resource;
  const given = grantsOf(use, actions);
  return (Object.keys(places) as Place[]).flatMap((place): Statement[] => {
    const here: readonly Grant[] = given.filter((grant) => grant.on === place);
    const Resource = places[place](arn, roleArn, userArn);
    if (here.length === 0 || (arn === "" && place !== "anything")) return [];
    const Action = [...new Set(here.flatMap((grant) => grant.actions))].sort();
    const Condition = here.find((grant) => grant.condition)?.condition;
    const statement = { Sid: sidOf(use, place), Effect: "Allow", Action, Resource } as const;
    return [Condition ? { ...statement, Condition } : statement];
  });
}

/** Where a resource ends in a wildcard, by the beginning of the statement's Sid, and why. */
export const broadByNecessity: Readonly<Record<string, string>> = {
  Logs: "log streams get their names as instances start; the groups are the workloads' own",
  Traces: "X-Ray has no resource types: its actions take * only",
  NetworkInterfaces:
    "interfaces have no name before Lambda makes them, and Describe takes * only; code of the function is denied all of it",
  Objects: "keys are chosen by code; the bucket is the declared one",
  Metrics:
    "CloudWatch has no resource type for metrics, and tells of composite alarms only who may ask for all; both actions only read",
  Scheduler: "schedules are named by code; the group is the scheduler's own",
  Workflow: "executions are named by code; the state machine is the declared one",
  ChangeFeeds: "ListStreams takes streams by their time of making; the table is the declared one",
  Protection:
    "tasks get their ids as they start; the cluster is the system's own, and protection is all that may change",
  RegistryLogin: "the registry's token is for all of it: its action takes * only",
  ContainerInstances: "instances get their ids as they register; the cluster is their own",
  AgentEndpoint: "where an agent finds its cluster is asked by an action that takes * only",
  LogDelivery: "delivery of a state machine's logs is set up by actions that take * only",
};

/** Why the resource of a statement with this Sid ends in a wildcard; `undefined`: it must not. */
export const broadReason = (sid: string): string | undefined =>
  Object.entries(broadByNecessity).find(([start]) => sid.startsWith(start))?.[1];

const allow = (Sid: string, Resource: string, ...Action: string[]): Statement => ({
  Sid,
  Effect: "Allow",
  Action,
  Resource,
});

/** What takes messages from a queue. Lambda's poller never hides a message for longer by itself. */
const consumeActions = {
  function: ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
  container: [
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
  ],
} as const;

/** What sets a message aside with its reason. */
export const setAsideStatement = (deadLettersArn: string): Statement =>
  allow("DeadLetters", deadLettersArn, "sqs:SendMessage");

/** What a consumer of a queue needs: to take its messages, and to set them aside. */
export const consumerStatements = (
  host: keyof typeof consumeActions,
  queueArn: string,
  deadLettersArn: string,
): Statement[] => [
  allow("Source", queueArn, ...consumeActions[host]),
  setAsideStatement(deadLettersArn),
];

/**
 * What a reader of a stream, or of a table's change feed, needs.
 * Source: AWS Lambda Developer Guide, execution role permissions for Kinesis and for DynamoDB, 2026.
 */
export const readerStatements = (
  feed: "stream" | "changes",
  arn: string,
  deadLettersArn: string,
): Statement[] => [
  ...(feed === "stream"
    ? [
        allow(
          "Source",
          arn,
          "kinesis:DescribeStream",
          "kinesis:DescribeStreamSummary",
          "kinesis:GetRecords",
          "kinesis:GetShardIterator",
          "kinesis:ListShards",
        ),
      ]
    : [
        allow(
          "Source",
          arn,
          "dynamodb:DescribeStream",
          "dynamodb:GetRecords",
          "dynamodb:GetShardIterator",
        ),
        allow("ChangeFeeds", `${arn.slice(0, arn.lastIndexOf("/"))}/*`, "dynamodb:ListStreams"),
      ]),
  setAsideStatement(deadLettersArn),
];

/**
 * What ECS needs to start tasks: their images, and their logs.
 * Source: Amazon ECS Developer Guide, task execution role, 2026.
 */
export const executionStatements = (
  repositoryArns: readonly string[],
  logGroupArns: readonly string[],
): Statement[] => [
  allow("RegistryLogin", "*", "ecr:GetAuthorizationToken"),
  {
    Sid: "Image",
    Effect: "Allow",
    Action: ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    Resource: repositoryArns,
  },
  {
    Sid: "Logs",
    Effect: "Allow",
    Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
    Resource: logGroupArns.map((arn) => `${arn}:*`),
  },
];

/**
 * What an instance's agent needs: to register with its cluster, and to tell what its tasks do. Images
 * and logs are the tasks' execution role's.
 * Source: AWS managed policy AmazonEC2ContainerServiceforEC2Role, and the resource types of its actions
 * in the Service Authorization Reference, 2026-11.
 */
export const instanceStatements = (clusterArn: string): Statement[] => [
  allow(
    "Cluster",
    clusterArn,
    "ecs:DeregisterContainerInstance",
    "ecs:RegisterContainerInstance",
    "ecs:SubmitAttachmentStateChanges",
    "ecs:SubmitContainerStateChange",
    "ecs:SubmitTaskStateChange",
  ),
  {
    ...allow(
      "ContainerInstances",
      `${clusterArn.replace(":cluster/", ":container-instance/")}/*`,
      "ecs:Poll",
      "ecs:StartTelemetrySession",
      "ecs:UpdateContainerInstancesState",
    ),
    Condition: { ArnEquals: { "ecs:cluster": clusterArn } },
  },
  allow("AgentEndpoint", "*", "ecs:DiscoverPollEndpoint"),
];

/** What answers for the steps that a state machine asked for by message. */
export const taskStatement = (machineArn: string): Statement =>
  allow("Answers", machineArn, "states:SendTaskFailure", "states:SendTaskSuccess");

/** What keeps a task from being ended while it works: tasks of the cluster, whose ids are not known. */
export const protectionStatement = (clusterArn: string): Statement =>
  allow("Protection", `${clusterArn.replace(":cluster/", ":task/")}/*`, "ecs:UpdateTaskProtection");

/** What hands requests to a function twin. */
export const twinStatement = (functionArn: string): Statement =>
  allow("Twin", functionArn, "lambda:InvokeFunction");

const traces = (...more: string[]): Statement =>
  allow("Traces", "*", ...more, "xray:PutTelemetryRecords", "xray:PutTraceSegments");

/**
 * What a state machine needs: where its steps run, log delivery, traces.
 * Source: AWS Step Functions Developer Guide, logging and X-Ray policies, 2026.
 * @param steps ARN of the function, or of the queue that a container reads
 */
export const machineStatements = (on: "function" | "container", steps: string): Statement[] => [
  allow("Steps", steps, on === "function" ? "lambda:InvokeFunction" : "sqs:SendMessage"),
  allow(
    "LogDelivery",
    "*",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
  ),
  traces("xray:GetSamplingRules", "xray:GetSamplingTargets"),
];

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
  allow("Logs", `${logGroupArn}:*`, "logs:CreateLogStream", "logs:PutLogEvents"),
  traces(),
  ...(inNetwork ? interfaceStatements : []),
];

const interfaceStatements: readonly Statement[] = [
  allow("NetworkInterfaces", "*", ...interfaceActions),
  {
    // The key is present in calls of the function's code, and absent in those of Lambda itself.
    Sid: "NotByCode",
    Effect: "Deny",
    Action: interfaceActions,
    Resource: "*",
    Condition: { Null: { "lambda:SourceFunctionArn": "false" } },
  },
];

/** What the function that migrates a database needs: to connect as its user, and the master's secret. */
export const migratorStatements = (
  logGroupArn: string,
  userArn: string,
  masterSecretArn: string,
): Statement[] => [
  allow("Connect", userArn, "rds-db:connect"),
  allow("MasterSecret", masterSecretArn, "secretsmanager:GetSecretValue"),
  ...platformStatements(logGroupArn, true),
];

/** A policy's text. */
export const policyText = (...statements: readonly Statement[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });

const pascal = (text: string): string =>
  text.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
