import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, test } from "vitest";
import type { EventPipeline } from "../../../components/aws/EventPipeline.ts";
import { batchingWindow, maximumConcurrency } from "../../../components/aws/event-plan.ts";
import { broadReason } from "../../../components/aws/permissions.ts";
import { defineSystem, onMessage, onSchedule, queue, topic } from "../../../spec/index.ts";
import type { Graph, Resource } from "../harness.ts";
import { arnOf, events } from "./event-fixtures.ts";
import { withoutFailureDestination } from "./failure-destinations.ts";
import { code, load } from "./fixtures.ts";

const type = {
  alarm: "aws:cloudwatch/metricAlarm:MetricAlarm",
  bus: "aws:cloudwatch/eventBus:EventBus",
  function: "aws:lambda/function:Function",
  logs: "aws:cloudwatch/logGroup:LogGroup",
  machine: "aws:sfn/stateMachine:StateMachine",
  mapping: "aws:lambda/eventSourceMapping:EventSourceMapping",
  notification: "aws:s3/bucketNotification:BucketNotification",
  policy: "aws:iam/rolePolicy:RolePolicy",
  queue: "aws:sqs/queue:Queue",
  queuePolicy: "aws:sqs/queuePolicy:QueuePolicy",
  role: "aws:iam/role:Role",
  rule: "aws:cloudwatch/eventRule:EventRule",
  schedule: "aws:scheduler/schedule:Schedule",
  subscription: "aws:sns/topicSubscription:TopicSubscription",
  target: "aws:cloudwatch/eventTarget:EventTarget",
} as const;

const own = (workload: string) => arnOf("sqs", `plant-dev-events-${workload}`);
const dead = (workload: string) => `${own(workload)}-dead`;
const known = <T>(value: pulumi.Input<T>) =>
  (pulumi.output(value) as unknown as { promise(): Promise<T> }).promise();

describe("the event side", () => {
  let graph: Graph<EventPipeline>;
  beforeAll(async () => {
    graph = await events();
  });

  test("has a failure destination for everything that carries events", () => {
    expect(withoutFailureDestination(graph)).toEqual([]);
    // What the graph's rules are about is there to be judged.
    for (const token of [type.mapping, type.subscription, type.target, type.schedule])
      expect(graph.all(token).length, token).toBeGreaterThan(0);
  });

  test("has a queue of its own for each workload whose events come without one", () => {
    expect(Object.keys(graph.result.queues).sort()).toEqual(
      ["all", "daily", "hears", "lists", "matches", "resizes"].sort(),
    );
    expect(Object.keys(graph.result.deadLetters).sort()).toEqual(
      ["all", "daily", "follows", "hears", "lists", "matches", "reads", "resizes"].sort(),
    );
  });

  test("encrypts every queue, and refuses everybody without TLS", () => {
    for (const queue of graph.all(type.queue)) {
      expect(queue.inputs.sqsManagedSseEnabled, queue.name).toBe(true);
      const [statement] = graph.policy(`${queue.name}-tls`).Statement;
      expect(statement, queue.name).toMatchObject({
        Effect: "Deny",
        Principal: "*",
        Action: ["sqs:*"],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      });
    }
    expect(graph.all(type.queuePolicy)).toHaveLength(graph.all(type.queue).length);
  });

  test("hides a message for six times as long as its function may take, and the time of gathering", () => {
    const seconds = new Map(
      graph.all(type.queue).map(({ inputs }) => [inputs.name, inputs.visibilityTimeoutSeconds]),
    );
    const limits = new Map(
      graph.all(type.function).map(({ inputs }) => [inputs.name, inputs.timeout]),
    );
    const fed = graph
      .all(type.mapping)
      .filter(({ inputs }) => inputs.eventSourceArn.includes(":sqs:"));
    expect(fed.length).toBeGreaterThan(5);
    for (const { inputs, name } of fed) {
      const visibility = seconds.get(inputs.eventSourceArn.split(":").at(-1));
      const limit = limits.get(inputs.functionName.split(":").at(-1));
      const window = inputs.maximumBatchingWindowInSeconds ?? 0;
      expect(visibility, name).toBeGreaterThanOrEqual(6 * limit + window);
    }
  });

  describe("permissions", () => {
    /** Action and resource of what a workload may do beyond its platform. */
    const granted = (workload: string) =>
      graph
        .policy(`events-${workload}-policy`)
        .Statement.filter(({ Sid = "" }) => !["Logs", "Traces"].includes(Sid))
        .flatMap(({ Action, Resource }) => Action.map((action) => `${action} ${Resource.join()}`))
        .sort();
    const takes = (queue: string, letters: string) => [
      `sqs:DeleteMessage ${queue}`,
      `sqs:GetQueueAttributes ${queue}`,
      `sqs:ReceiveMessage ${queue}`,
      `sqs:SendMessage ${letters}`,
    ];
    const orders = arnOf("sqs", "plant-dev-stores-orders");
    const slow = arnOf("sqs", "plant-dev-stores-slow");
    const notes = arnOf("dynamodb", "table/plant-dev-stores-notes");
    const objects = "arn:aws:s3:::plant-dev-stores-files-1a2b3c";
    const secret = (name: string) =>
      arnOf("secretsmanager", `secret:plant-dev-stores-${name}-AbCdEf`);
    const machine = arnOf("states", "stateMachine:plant-dev-channels-saga");

    test.each([
      [
        "takes",
        [
          ...takes(orders, `${orders}-dead`),
          `dynamodb:GetItem ${notes}`,
          `dynamodb:PutItem ${notes}`,
          `sns:Publish ${arnOf("sns", "plant-dev-channels-news")}`,
          `events:PutEvents ${arnOf("events", "event-bus/plant-dev-channels-facts")}`,
        ],
      ],
      ["works", [...takes(slow, `${slow}-dead`), `s3:PutObject ${objects}/*`]],
      [
        "resizes",
        [
          ...takes(own("resizes"), dead("resizes")),
          `s3:GetObject ${objects}/*`,
          `s3:ListBucket ${objects}`,
          `s3:PutObject ${objects}/*`,
        ],
      ],
      [
        "hears",
        [
          ...takes(own("hears"), dead("hears")),
          `secretsmanager:GetSecretValue ${secret("team-url")}`,
          `secretsmanager:GetSecretValue ${secret("bank-key")}`,
        ],
      ],
      [
        "all",
        [
          ...takes(own("all"), dead("all")),
          `ses:SendEmail ${arnOf("ses", "identity/plant@example.com")}`,
        ],
      ],
      [
        "matches",
        [
          ...takes(own("matches"), dead("matches")),
          "events:PutEvents arn:aws:events:eu-central-1:111122223333:event-bus/partner",
        ],
      ],
      [
        "daily",
        [
          ...takes(own("daily"), dead("daily")),
          "cloudwatch:DescribeAlarms *",
          "cloudwatch:GetMetricData *",
          ...["Create", "Delete", "Update"].map(
            (verb) =>
              `scheduler:${verb}Schedule ${arnOf("scheduler", "schedule/plant-dev-channels-later/*")}`,
          ),
          "iam:PassRole arn:aws:iam::123456789012:role/plant-dev-channels-later",
          `states:StartExecution ${machine}`,
          `states:DescribeExecution ${machine.replace("stateMachine", "execution")}:*`,
        ],
      ],
      ["saga", [`sqs:SendMessage ${orders}`]],
    ])("of %s are its uses and its source, and no more", (workload, expected) => {
      expect(granted(workload)).toEqual([...expected].sort());
    });

    test("of readers are to read their one feed, and to set aside", () => {
      const clicks = arnOf("kinesis", "stream/plant-dev-channels-clicks");
      for (const line of granted("reads").filter((each) => each.startsWith("kinesis:")))
        expect(line).toMatch(new RegExp(`^kinesis:(Get|Describe|List)\\w+ ${clicks}$`));
      expect(granted("reads")).toContain(`sqs:SendMessage ${dead("reads")}`);
      expect(granted("follows").filter((each) => each.startsWith("dynamodb:"))).toEqual([
        `dynamodb:DescribeStream ${notes}/stream/2026-01-01T00:00:00.000`,
        `dynamodb:GetRecords ${notes}/stream/2026-01-01T00:00:00.000`,
        `dynamodb:GetShardIterator ${notes}/stream/2026-01-01T00:00:00.000`,
        `dynamodb:ListStreams ${notes}/stream/*`,
      ]);
    });

    test("have no wildcard, but where the reason is written down", () => {
      const statements = graph.all(type.policy).flatMap(({ name }) => graph.policy(name).Statement);
      expect(statements.flatMap((s) => s.Action).filter((action) => action.includes("*"))).toEqual(
        [],
      );
      expect(
        statements
          .filter(({ Resource, Sid = "" }) => Resource.join().includes("*") && !broadReason(Sid))
          .map(({ Sid }) => Sid),
      ).toEqual([]);
    });

    test("are lent by roles to one service each, on behalf of one resource where it can say so", () => {
      const lent = graph.all(type.role).map(({ name }) => {
        const [statement] = graph.policy(name, "assumeRolePolicy").Statement;
        const { Service } = (statement?.Principal ?? {}) as { Service?: string };
        return [name, Service, statement?.Condition?.ArnEquals?.["aws:SourceArn"]];
      });
      expect(lent.filter(([, service]) => service !== "lambda.amazonaws.com")).toEqual([
        [
          "channels-later-role",
          "scheduler.amazonaws.com",
          arnOf("scheduler", "schedule-group/plant-dev-channels-later"),
        ],
        [
          "events-daily-schedule-role",
          "scheduler.amazonaws.com",
          arnOf("scheduler", "schedule-group/plant-dev-events"),
        ],
        ["events-saga-machine-role", "states.amazonaws.com", machine],
      ]);
    });

    test("to send to a queue have the one resource that fills it, and no other", () => {
      const senders = Object.fromEntries(
        graph.all(type.queuePolicy).flatMap(({ name }) => {
          const [, sender, ...more] = graph.policy(name).Statement;
          expect(more, name).toEqual([]);
          if (!sender) return [];
          expect(sender.Action).toEqual(["sqs:SendMessage"]);
          const { Service } = sender.Principal as { Service: string };
          const account = sender.Condition?.StringEquals?.["aws:SourceAccount"];
          const of = sender.Condition?.ArnEquals?.["aws:SourceArn"];
          return [[name, [Service, of, ...(account ? [account] : [])].join(" ")]];
        }),
      );
      const s3 = `s3.amazonaws.com ${objects} 123456789012`;
      const sns = `sns.amazonaws.com ${arnOf("sns", "plant-dev-channels-news")}`;
      const rule = `events.amazonaws.com ${arnOf("events", "rule/plant-dev-channels-facts/plant-dev-events-matches")}`;
      expect(senders).toEqual({
        "events-resizes-tls": s3,
        "events-lists-tls": s3,
        "events-hears-tls": sns,
        "events-hears-dead-tls": sns,
        "events-all-tls": sns,
        "events-all-dead-tls": sns,
        "events-matches-tls": rule,
        "events-matches-dead-tls": rule,
      });
    });
  });

  describe("sources", () => {
    test("objects: one notification a bucket, with all prefixes, once the queues let it in", () => {
      const notification = graph.find(type.notification);
      expect(notification.inputs.queues).toEqual([
        { events: ["s3:ObjectCreated:*"], filterPrefix: "in/", queueArn: own("resizes") },
        { events: ["s3:ObjectCreated:*"], filterPrefix: "lists/", queueArn: own("lists") },
      ]);
      const waitsFor = graph.dependencies(notification).map(({ name }) => name);
      expect(waitsFor).toEqual(expect.arrayContaining(["events-resizes-tls", "events-lists-tls"]));
    });

    test("topics: the text as it was published, filtered by attribute", () => {
      expect(graph.find(type.subscription, "events-hears").inputs).toMatchObject({
        protocol: "sqs",
        endpoint: own("hears"),
        topic: arnOf("sns", "plant-dev-channels-news"),
        rawMessageDelivery: true,
        filterPolicyScope: "MessageAttributes",
        filterPolicy: JSON.stringify({ type: ["a.b", "c.d"], colour: ["red"] }),
      });
      expect(graph.find(type.subscription, "events-all").inputs).not.toHaveProperty("filterPolicy");
    });

    test("buses: a rule with the pattern, and a target with a day's patience", () => {
      const { inputs } = graph.find(type.rule);
      expect(inputs.eventBusName).toBe("plant-dev-channels-facts");
      expect(JSON.parse(inputs.eventPattern)).toEqual({
        "detail-type": [{ prefix: "order." }],
        detail: { data: { total: [{ numeric: [">", 100] }] } },
      });
      expect(graph.find(type.target).inputs).toMatchObject({
        rule: "plant-dev-events-matches",
        eventBusName: "plant-dev-channels-facts",
        arn: own("matches"),
        retryPolicy: { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 },
        deadLetterConfig: { arn: dead("matches") },
      });
    });

    test("schedules: at the zone's own time, to the second, with the time that was meant", () => {
      expect(graph.find(type.schedule).inputs).toMatchObject({
        groupName: "plant-dev-events",
        scheduleExpression: "cron(0 6 * * ? *)",
        scheduleExpressionTimezone: "Europe/Berlin",
        flexibleTimeWindow: { mode: "OFF" },
        target: {
          arn: own("daily"),
          roleArn: "arn:aws:iam::123456789012:role/plant-dev-events-daily-schedule",
          input: '{"scheduledAt":"<aws.scheduler.scheduled-time>"}',
          retryPolicy: { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 },
          deadLetterConfig: { arn: dead("daily") },
        },
      });
      expect(graph.policy("events-daily-schedule-policy").Statement).toMatchObject([
        { Action: ["sqs:SendMessage"], Resource: [own("daily"), dead("daily")] },
      ]);
    });

    test("streams and change feeds: from the oldest record, in order, halved where one fails", () => {
      const common = {
        startingPosition: "TRIM_HORIZON",
        bisectBatchOnFunctionError: true,
        parallelizationFactor: 1,
        maximumRetryAttempts: 10,
      };
      // An hour before the stream, and DynamoDB, forget it.
      expect(graph.find(type.mapping, "events-reads").inputs).toMatchObject({
        ...common,
        eventSourceArn: arnOf("kinesis", "stream/plant-dev-channels-clicks"),
        batchSize: 500,
        maximumRecordAgeInSeconds: 47 * 3600,
        destinationConfig: { onFailure: { destinationArn: dead("reads") } },
      });
      expect(graph.find(type.mapping, "events-follows").inputs).toMatchObject({
        ...common,
        batchSize: 10,
        maximumRecordAgeInSeconds: 23 * 3600,
      });
    });

    test("functions learn where their dead letters are", () => {
      const letters = (name: string) =>
        graph.find(type.function, `events-${name}-function`).inputs.environment.variables
          .SPILLWAY_DEAD_LETTERS;
      const url = "https://sqs.eu-central-1.amazonaws.com/123456789012/plant-dev";
      expect(letters("takes")).toBe(`${url}-stores-orders-dead`);
      expect(letters("hears")).toBe(`${url}-events-hears-dead`);
      expect(letters("reads")).toBe(`${url}-events-reads-dead`);
    });
  });

  describe("a workflow", () => {
    test("is a standard state machine that knows its function, and tells no customer's data", () => {
      const { inputs } = graph.find(type.machine);
      expect(inputs).toMatchObject({
        name: "plant-dev-channels-saga",
        type: "STANDARD",
        tracingConfiguration: { enabled: true },
        loggingConfiguration: {
          level: "ALL",
          includeExecutionData: false,
          logDestination: `${arnOf("logs", "log-group:/aws/vendedlogs/states/plant-dev-channels-saga")}:*`,
        },
      });
      const { States } = JSON.parse(inputs.definition);
      expect(States.book.Resource).toBe(arnOf("lambda", "function:plant-dev-events-saga"));
    });

    test("may call just that function", () => {
      const [steps] = graph.policy("events-saga-machine-policy").Statement;
      expect(steps).toMatchObject({
        Action: ["lambda:InvokeFunction"],
        Resource: [arnOf("lambda", "function:plant-dev-events-saga")],
      });
    });

    test("gives its function as long as the longest of its steps may take", () => {
      expect(graph.find(type.function, "events-saga-function").inputs.timeout).toBe(45);
    });
  });

  describe("alarms", () => {
    const alarms = () =>
      graph.all(type.alarm).map(({ name, inputs }) => `${name} ${inputs.threshold}`);

    test("call for dead letters, for messages that wait, and for readers that are behind", () => {
      expect(alarms()).toEqual(
        expect.arrayContaining([
          "events-hears-dead-letters 0",
          "events-orders-dead-letters 0",
          "events-reads-dead-letters 0",
          "events-hears-age 900",
          // Also of what is only sent: whoever takes it is not here.
          "events-orders-age 900",
          // Three times as long as one delivery may take.
          "events-slow-age 1800",
          "events-reads-behind 900000",
          "events-follows-behind 900000",
        ]),
      );
    });

    test("call for functions that fail or are turned away, and for sagas that are stuck", () => {
      expect(alarms()).toEqual(
        expect.arrayContaining([
          "events-takes-errors 0",
          "events-takes-throttles 0",
          "events-saga-throttles 0",
          "events-saga-failed 0",
        ]),
      );
      // A step that fails is undone: that is no trouble of the function's.
      expect(alarms()).not.toContain("events-saga-errors 0");
    });

    test("are silent where there is no data, and tell nobody by default", () => {
      for (const { inputs } of graph.all(type.alarm)) {
        expect(inputs.treatMissingData).toBe("notBreaching");
        expect(inputs).not.toHaveProperty("alarmActions");
        expect(inputs.alarmDescription).toMatch(/.{20}/);
      }
    });
  });
});

describe("what is given to all of it", () => {
  const topicArn = arnOf("sns", "alarms");
  let graph: Graph<EventPipeline>;
  beforeAll(async () => {
    graph = await events({
      alarms: topicArn,
      logRetentionDays: 90,
      transform: {
        queue: (args) => ({ ...args, tags: { team: "plant" } }),
        machine: (args) => ({ ...args, tags: { team: "plant" } }),
      },
    });
  });

  test("alarms are told to the topic", () => {
    for (const { inputs } of graph.all(type.alarm)) {
      expect(inputs.alarmActions).toEqual([topicArn]);
      expect(inputs.okActions).toEqual([topicArn]);
    }
  });

  test("each kind of child can be transformed", () => {
    expect(graph.find(type.queue, "events-hears").inputs.tags).toEqual({ team: "plant" });
    expect(graph.find(type.machine).inputs.tags).toEqual({ team: "plant" });
  });

  test("logs of functions and of state machines are kept as long as is said", () => {
    expect(graph.all(type.logs).length).toBeGreaterThan(5);
    for (const { inputs } of graph.all(type.logs)) expect(inputs.retentionInDays).toBe(90);
  });
});

/** All that a graph says of a resource. */
const told = ({ type, name, inputs }: Resource) => ({ type, name, inputs });

describe("a workload that moves to a container", () => {
  const moved = ["takes", "hears", "resizes", "daily", "matches", "works"] as const;
  let before: Graph<EventPipeline>;
  let after: Graph<EventPipeline>;
  beforeAll(async () => {
    before = await events();
    after = await events({
      on: Object.fromEntries(moved.map((name) => [name, "container"])),
    });
  });

  test("takes its function and what fed it along, and nothing else changes", () => {
    const names = new Map(after.resources.map((each) => [each.urn, told(each)]));
    const gone = before.resources.filter(({ urn }) => !names.has(urn)).map(({ name }) => name);
    expect(gone.length).toBeGreaterThan(0);
    expect(
      gone.filter(
        (name) =>
          !/^events-(takes|hears|resizes|daily|matches|works)(-(function|role|policy|logs|failures|errors|throttles))?$/.test(
            name,
          ),
      ),
    ).toEqual([]);
    // Components of one name may go while the queue of that name stays.
    for (const each of before.resources.filter(({ urn }) => names.has(urn)))
      expect(names.get(each.urn)).toEqual(told(each));
    expect(after.resources.length).toBe(before.resources.length - gone.length);
    for (const name of ["takes", "works"]) expect(gone).toContain(`events-${name}-function`);
  });

  test("keeps its queue, what fills it, and its dead letters", () => {
    const kinds = [
      type.queue,
      type.queuePolicy,
      type.subscription,
      type.rule,
      type.target,
      type.schedule,
      type.notification,
    ];
    for (const token of kinds)
      expect(after.all(token).map(told)).toEqual(before.all(token).map(told));
    expect(withoutFailureDestination(after)).toEqual([]);
  });

  test("gives the container what it needs: where, how it is reached, what it may do", async () => {
    const { hears, takes } = after.result.consumers;
    expect(Object.keys(after.result.consumers).sort()).toEqual([...moved].sort());
    expect(await known(takes?.queueArn ?? "")).toBe(arnOf("sqs", "plant-dev-stores-orders"));
    const url = "https://sqs.eu-central-1.amazonaws.com/123456789012/plant-dev-events-hears";
    expect(await known(hears?.queueUrl ?? "")).toBe(url);
    expect(await known(hears?.deadLettersUrl ?? "")).toBe(`${url}-dead`);
    expect(await known(hears?.environment as never)).toMatchObject({
      SPILLWAY_SOURCE_QUEUE: url,
      SPILLWAY_DEAD_LETTERS: `${url}-dead`,
      SPILLWAY_API_WEATHER: "https://weather.example",
      SPILLWAY_API_BANK: arnOf("secretsmanager", "secret:plant-dev-stores-bank-key-AbCdEf"),
    });
    const { Statement } = JSON.parse(await known(hears?.policy ?? ""));
    expect(Statement.map((each: { Sid: string }) => each.Sid)).toEqual([
      "ChatTeam",
      "ApiBank",
      "Source",
      "DeadLetters",
    ]);
    expect(Statement.at(-2)).toMatchObject({
      Action: [
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
      ],
      Resource: own("hears"),
    });
  });
});

describe("a workflow on a container", () => {
  test("is asked for its steps by a queue, and answers to its state machine alone", async () => {
    const graph = await events({ on: { saga: "container" } });
    const url = "https://sqs.eu-central-1.amazonaws.com/123456789012/plant-dev-events-saga";
    const { States } = JSON.parse(graph.find(type.machine).inputs.definition);
    expect(States.book.Parameters.QueueUrl).toBe(url);
    expect(graph.policy("events-saga-machine-policy").Statement[0]).toMatchObject({
      Action: ["sqs:SendMessage"],
      Resource: [own("saga")],
    });
    const { Statement } = JSON.parse(await known(graph.result.consumers.saga?.policy ?? ""));
    expect(Statement.at(-1)).toMatchObject({
      Action: ["states:SendTaskFailure", "states:SendTaskSuccess"],
      Resource: arnOf("states", "stateMachine:plant-dev-channels-saga"),
    });
    expect(graph.find(type.queue, "events-saga").inputs.visibilityTimeoutSeconds).toBe(270);
    expect(withoutFailureDestination(graph)).toEqual([]);
  });
});

describe("how many work on a queue at once", () => {
  test.each([
    ["at least ten", { expected: 1 }, 10],
    ["four times the expected peak", { expected: 20 }, 80],
    ["a quarter of the account at the most", { expected: 500 }, 250],
    ["no more than the function itself has", { expected: 20, reserved: 15 }, 15],
    ["two at the least, for Lambda takes no fewer", { expected: 1, reserved: 1 }, 2],
  ])("is %s", (_, concurrency, expected) => {
    expect(maximumConcurrency(concurrency)).toBe(expected);
  });

  test.each([
    ["ten are taken as they come", 10, 180, 0],
    ["more are gathered, for as long as the queue hides them beyond six tries", 11, 183, 3],
    ["five seconds at the most", 100, 600, 5],
    ["one at the least", 100, 180, 1],
  ])("of a batch %s", (_, batch, visibilitySeconds, seconds) => {
    const options = queue({ visibilitySeconds });
    const source = { via: "queue", feed: "queue", queue: "q", own: false, options, batch } as const;
    const slow = { ...load, ms: { p50: 1, p99: 2, max: 30_000 } };
    const workload = onMessage({ code: "functions/slow", queue: "q", load: slow });
    expect(batchingWindow(source, workload)).toBe(seconds);
  });
});

describe("what cannot be deployed is refused before any resource is made", () => {
  test.each([
    [
      "a reader on a container",
      { on: { reads: "container" } },
      'workload "reads": placed on container, but functions alone read streams; place it on a function',
    ],
    [
      "a workload without code",
      { artefacts: {}, workloads: ["takes"] },
      'workload "takes": no code is given; give artefacts["takes"]',
    ],
    [
      "a workload of another kind",
      { workloads: ["counts"] },
      'workload "counts": kind http; give workloads of kind onMessage,',
    ],
    [
      "an unknown one",
      { workloads: ["ghost"] },
      'workload "ghost": it is not declared; use one of',
    ],
    [
      "a source that is not bound",
      { stores: {}, workloads: ["lists"] },
      'workload "lists": is started by objects of "files", which is not bound; give stores["files"]',
    ],
    [
      "a queue whose dead letters are not known",
      {
        stores: { orders: { kind: "queue", arn: "arn:x", location: "x" } },
        on: { takes: "container" },
        workloads: ["takes"],
      },
      'is started by queue "orders", whose binding has no deadLetters; give stores["orders"].deadLetters',
    ],
    ["an odd retention", { logRetentionDays: 8 }, "logRetentionDays 8; use one of 1, 3, 5,"],
  ] as const)("%s", async (_, args, message) => {
    await expect(events(args)).rejects.toThrow(message);
  });

  test("all faults stand in one message, a cron that Scheduler cannot say among them", async () => {
    const system = defineSystem({
      name: "odd",
      channels: { news: topic() },
      workloads: {
        both: onSchedule({ code: "functions/both", cron: "0 6 1 * 1", load }),
        filters: onMessage({
          code: "functions/filters",
          topic: "news",
          filter: { a: ["1"], b: ["1"], c: ["1"], d: ["1"], e: ["1"], f: ["1"] },
          load,
        }),
      },
    });
    const failed = events({ system, artefacts: { both: code, filters: code }, stores: {} });
    await expect(failed).rejects.toThrow(/^EventPipeline "events": 3 faults\n/);
    await expect(failed).rejects.toThrow(
      'cron "0 6 1 * 1" names days of the month and of the week; EventBridge takes one of the two',
    );
    await expect(failed).rejects.toThrow("filter names 6 fields, over SNS's 5; filter by fewer");
  });
});
