import { describe, expect, test } from "vitest";
import { grants, needsArn } from "../../../components/aws/grants.ts";
import {
  broadByNecessity,
  broadReason,
  consumerStatements,
  type Granted,
  machineStatements,
  platformStatements,
  readerStatements,
  type Statement,
  statementsOf,
  taskStatement,
} from "../../../components/aws/permissions.ts";
import { access, type ResourceKind, type Use } from "../../../spec/index.ts";

const arn = "arn:aws:x:::thing";
const machine = "arn:aws:states:eu-central-1:123456789012:stateMachine:shop-dev-saga";
const roleArn = "arn:aws:iam::123456789012:role/sends";
const use = (kind: Use["kind"], ...verbs: string[]): Use => ({ kind, name: "my-thing", verbs });
const bound = (resource: Granted, kind: Use["kind"], ...verbs: string[]) =>
  statementsOf(use(kind, ...verbs), resource).map(({ Effect: _, ...statement }) => statement);
const of = (kind: Use["kind"], ...verbs: string[]) => bound({ arn }, kind, ...verbs);

describe("verbs to permissions", () => {
  test("every kind has its grants, but the native ones, which name their own", () => {
    const kinds = [...Object.keys(access).filter((kind) => kind !== "native"), "secret"];
    expect(Object.keys(grants).sort()).toEqual(kinds.sort());
  });

  test.each(Object.keys(grants).filter((kind) => kind !== "secret"))(
    "every verb of a %s has its grants",
    (kind) => {
      const given = Object.keys(grants[kind as keyof typeof grants]);
      expect(given.sort()).toEqual([...access[kind as ResourceKind].verbs].sort());
    },
  );

  test.each([
    ["get", ["dynamodb:GetItem"]],
    ["query", ["dynamodb:Query"]],
    ["put", ["dynamodb:PutItem"]],
    ["delete", ["dynamodb:DeleteItem"]],
    ["once", ["dynamodb:PutItem"]],
  ])("a table's %s", (verb, Action) => {
    expect(of("table", verb)).toEqual([{ Sid: "TableMyThing", Action, Resource: arn }]);
  });

  test("an object store: objects and bucket apart, and get may tell absent from denied", () => {
    expect(of("objectStore", "get")).toEqual([
      { Sid: "BucketMyThing", Action: ["s3:ListBucket"], Resource: arn },
      { Sid: "ObjectsMyThing", Action: ["s3:GetObject"], Resource: `${arn}/*` },
    ]);
    expect(of("objectStore", "put", "delete")).toEqual([
      {
        Sid: "ObjectsMyThing",
        Action: ["s3:DeleteObject", "s3:PutObject"],
        Resource: `${arn}/*`,
      },
    ]);
  });

  test("several verbs are one statement, without doubles", () => {
    expect(of("table", "put", "once", "get", "delete")).toEqual([
      {
        Sid: "TableMyThing",
        Action: ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem"],
        Resource: arn,
      },
    ]);
  });

  test("a queue and a secret", () => {
    expect(of("queue", "send")[0]?.Action).toEqual(["sqs:SendMessage"]);
    expect(of("secret", "get")[0]?.Action).toEqual(["secretsmanager:GetSecretValue"]);
  });

  test("a database asks who may connect, a cache by itself and by the user", () => {
    const both = { arn, userArn: "arn:user" };
    expect(bound(both, "sql", "query", "transaction")).toEqual([
      { Sid: "SqlMyThing", Action: ["rds-db:connect"], Resource: arn },
    ]);
    expect(bound(both, "cache", ...access.cache.verbs)).toEqual([
      { Sid: "CacheMyThing", Action: ["elasticache:Connect"], Resource: arn },
      { Sid: "CacheMyThingUser", Action: ["elasticache:Connect"], Resource: "arn:user" },
    ]);
  });

  test.each(["scanner", "identity", "edge"] as const)("a %s needs none", (kind) => {
    expect(needsArn(use(kind, ...access[kind].verbs))).toBe(false);
    expect(of(kind, ...access[kind].verbs)).toEqual([]);
  });

  test("a signed URL may do what its signer may", () => {
    expect(of("objectStore", "signPut")[0]?.Action).toEqual(["s3:PutObject"]);
    expect(of("objectStore", "signGet")).toEqual([
      { Sid: "ObjectsMyThing", Action: ["s3:GetObject"], Resource: `${arn}/*` },
    ]);
  });

  test.each([
    ["topic", "publish", "sns:Publish"],
    ["bus", "publish", "events:PutEvents"],
    ["stream", "put", "kinesis:PutRecords"],
    ["mailer", "send", "ses:SendEmail"],
    ["chat", "post", "secretsmanager:GetSecretValue"],
    ["api", "request", "secretsmanager:GetSecretValue"],
  ] as const)("a %s's %s", (kind, verb, action) => {
    expect(of(kind, verb)).toMatchObject([{ Action: [action], Resource: arn }]);
  });

  test("an API without a secret needs nothing of AWS", () => {
    expect(bound({}, "api", "request")).toEqual([]);
    expect(needsArn(use("api", "request"))).toBe(false);
    expect(needsArn(use("chat", "post"))).toBe(true);
  });

  test("metrics are read everywhere, for there is no narrower resource", () => {
    expect(bound({}, "metrics", "read")).toEqual([
      {
        Sid: "MetricsMyThing",
        Action: ["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"],
        Resource: "*",
      },
    ]);
    expect(needsArn(use("metrics", "read"))).toBe(false);
  });

  test("a scheduler: the schedules of its group, and its own role handed on to its own service", () => {
    expect(bound({ arn, roleArn }, "scheduler", "at", "cancel")).toEqual([
      {
        Sid: "SchedulerMyThingParts",
        Action: [
          "scheduler:CreateSchedule",
          "scheduler:DeleteSchedule",
          "scheduler:UpdateSchedule",
        ],
        Resource: `${arn}/*`,
      },
      {
        Sid: "SchedulerMyThingRole",
        Action: ["iam:PassRole"],
        Resource: roleArn,
        Condition: { StringEquals: { "iam:PassedToService": "scheduler.amazonaws.com" } },
      },
    ]);
    expect(bound({ arn, roleArn }, "scheduler", "cancel")).toHaveLength(1);
  });

  test("a workflow: the machine is started, its own executions are looked at", () => {
    const executions = `${machine.replace("stateMachine", "execution")}:*`;
    expect(bound({ arn: machine }, "workflow", "start", "status")).toEqual([
      { Sid: "WorkflowMyThing", Action: ["states:StartExecution"], Resource: machine },
      {
        Sid: "WorkflowMyThingExecutions",
        Action: ["states:DescribeExecution"],
        Resource: executions,
      },
    ]);
  });

  test("a native resource: the actions that it is declared with, on its ARN", () => {
    const actions = ["rekognition:DetectLabels"];
    expect(bound({ arn, actions }, "native", "arn")).toEqual([
      { Sid: "NativeMyThing", Action: actions, Resource: arn },
    ]);
  });

  test("no action has a wildcard", () => {
    const actions = Object.values(grants)
      .flatMap((verbs) => Object.values(verbs).flat())
      .flatMap((grant) => grant.actions);
    expect(actions.length).toBeGreaterThan(10);
    expect(actions.filter((action) => !/^[a-z0-9-]+:[A-Za-z]+$/.test(action))).toEqual([]);
  });
});

describe("what the platform needs", () => {
  test("is apart from the business, each broad statement with its reason", () => {
    const statements = platformStatements("arn:logs", true);
    for (const { Sid, Effect } of statements)
      if (Effect === "Allow") expect(broadByNecessity[Sid]).toMatch(/.{20}/);
    expect(statements.map(({ Sid }) => Sid)).toEqual([
      "Logs",
      "Traces",
      "NetworkInterfaces",
      "NotByCode",
    ]);
  });

  test("does not include interfaces outside a network", () => {
    expect(platformStatements("arn:logs", false).map(({ Sid }) => Sid)).toEqual(["Logs", "Traces"]);
  });
});

describe("what a source of events needs", () => {
  const dead = "arn:dead";
  const actionsOn = (statements: readonly Statement[]): Record<string, readonly string[]> =>
    Object.fromEntries(statements.map((each) => [each.Resource, each.Action]));

  test("a function's poller takes messages, and the function sets aside", () => {
    expect(actionsOn(consumerStatements("function", arn, dead))).toEqual({
      [arn]: ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
      [dead]: ["sqs:SendMessage"],
    });
  });

  test("a container also keeps a message for longer", () => {
    expect(consumerStatements("container", arn, dead)[0]?.Action).toContain(
      "sqs:ChangeMessageVisibility",
    );
  });

  test("a stream is read by shard, and nothing is written to it", () => {
    const { [arn]: read, ...others } = actionsOn(readerStatements("stream", arn, dead));
    expect(read?.every((action) => /^kinesis:(Describe|Get|List)/.test(action))).toBe(true);
    expect(others).toEqual({ [dead]: ["sqs:SendMessage"] });
  });

  test("a change feed is read; of other feeds only those of the table are listed", () => {
    const feed = "arn:aws:dynamodb:eu-central-1:123456789012:table/notes/stream/2026-01-01";
    expect(actionsOn(readerStatements("changes", feed, dead))).toEqual({
      [feed]: ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
      [feed.replace(/[^/]+$/, "*")]: ["dynamodb:ListStreams"],
      [dead]: ["sqs:SendMessage"],
    });
  });

  test("a state machine calls its one function, or sends to its one queue", () => {
    expect(actionsOn(machineStatements("function", arn))[arn]).toEqual(["lambda:InvokeFunction"]);
    expect(actionsOn(machineStatements("container", arn))[arn]).toEqual(["sqs:SendMessage"]);
    expect(taskStatement(machine)).toMatchObject({
      Action: ["states:SendTaskFailure", "states:SendTaskSuccess"],
      Resource: machine,
    });
  });

  test("where a resource is broad, the reason is written down", () => {
    const all = [
      ...machineStatements("function", arn),
      ...readerStatements("changes", "arn:x/stream/1", dead),
    ];
    const broad = all.filter(({ Resource }) => String(Resource).endsWith("*"));
    expect(broad.length).toBeGreaterThan(2);
    for (const { Sid } of broad) expect(broadReason(Sid)).toMatch(/.{20}/);
  });
});
