import { beforeAll, describe, expect, test } from "vitest";
import { Alerts } from "../../../components/aws/Alerts.ts";
import { Channels } from "../../../components/aws/Channels.ts";
import { DataStores } from "../../../components/aws/DataStores.ts";
import { EventPipeline } from "../../../components/aws/EventPipeline.ts";
import { Observability, type ObservabilityArgs } from "../../../components/aws/Observability.ts";
import { dashboardFaults, dashboardLink } from "../../../components/aws/observability/dashboard.ts";
import { ServerlessEdge } from "../../../components/aws/ServerlessEdge.ts";
import { UserPool } from "../../../components/aws/UserPool.ts";
import {
  defineSystem,
  http,
  identity,
  job,
  objectStore,
  onIdentity,
  onMessage,
  onObject,
  queue,
  socket,
  stream,
  workflow,
} from "../../../spec/index.ts";
import { awsInvoke, type Graph, runUnderMocks } from "../harness.ts";
import { code, load } from "./fixtures.ts";

const type = {
  alarm: "aws:cloudwatch/metricAlarm:MetricAlarm",
  dashboard: "aws:cloudwatch/dashboard:Dashboard",
  function: "aws:lambda/function:Function",
  logs: "aws:cloudwatch/logGroup:LogGroup",
  queue: "aws:sqs/queue:Queue",
} as const;

/** One workload for each row that looks different. */
const system = defineSystem({
  name: "yard",
  stores: { files: objectStore() },
  channels: { orders: queue(), parcels: queue(), clicks: stream() },
  services: { people: identity() },
  workloads: {
    asks: http({ code: "functions/asks", routes: ["GET /asks"], auth: "none", load }),
    heavy: http({ code: "functions/heavy", routes: ["ANY /heavy"], auth: "none", load }),
    live: socket({ code: "functions/live", path: "/live", auth: "none", load }),
    rules: onIdentity({ code: "functions/rules", hooks: ["pre-sign-up"], load }),
    takes: onMessage({
      code: "functions/takes",
      queue: "orders",
      uses: { saga: "start", steps: "start" },
      load,
    }),
    resizes: onObject({ code: "functions/resizes", store: "files", prefix: "in/", load }),
    reads: onMessage({ code: "functions/reads", stream: "clicks", load }),
    works: job({ code: "functions/works", queue: "parcels", load }),
    saga: workflow({ code: "functions/saga", steps: [{ name: "book", timeoutSeconds: 20 }], load }),
    steps: workflow({
      code: "functions/steps",
      steps: [{ name: "pack", timeoutSeconds: 20 }],
      load,
    }),
  },
});
type Name = keyof typeof system.workloads;
const names = Object.keys(system.workloads) as Name[];
const onContainers = ["heavy", "live", "works", "steps"] as const;

/** The yard as a program puts it together. */
const yard = (args: Partial<ObservabilityArgs> = {}) =>
  runUnderMocks(
    () => {
      const shared = {
        system,
        artefacts: Object.fromEntries(names.map((name) => [name, code])),
        placements: Object.fromEntries(
          onContainers.map((name) => [name, { host: "container" as const }]),
        ),
      };
      const alerts = new Alerts("alerts", { email: "ops@yard.example" });
      const data = new DataStores("stores", { system });
      const channels = new Channels("channels", { system, stores: data.bindings });
      const stores = { ...data.bindings, ...channels.bindings };
      const users = new UserPool("users", { ...shared, stores });
      const network = { vpcId: "vpc-1", subnetIds: ["subnet-1"] };
      const listener = { listenerArn: "arn:aws:l", securityGroupId: "sg-1", port: 80 };
      const listeners = { heavy: listener };
      const edge = new ServerlessEdge("edge", { ...shared, stores, network, listeners });
      const events = new EventPipeline("events", { ...shared, stores, alarms: alerts.arn });
      return new Observability("watch", { system, stores, users, edge, events, alerts, ...args });
    },
    { project: "yard", stack: "dev", invoke: awsInvoke },
  );

interface Widget {
  readonly type: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: {
    readonly title?: string;
    readonly markdown?: string;
    readonly metrics?: readonly (readonly unknown[])[];
    readonly query?: string;
    readonly alarms?: readonly string[];
    readonly region?: string;
  };
}
const widgetsOf = (graph: Graph): Widget[] =>
  JSON.parse(graph.find(type.dashboard).inputs.dashboardBody).widgets;

/** The panels under each title. */
function rowsOf(graph: Graph): Record<string, Widget[]> {
  const widgets = widgetsOf(graph);
  return Object.fromEntries(
    widgets
      .filter((widget) => widget.type === "text")
      .map((title) => [
        title.properties.markdown ?? "",
        widgets.filter(({ y }) => y === title.y + title.height),
      ]),
  );
}
const metricsIn = (widget: Widget | undefined) =>
  (widget?.properties.metrics ?? []).map(([namespace, metric, , of, options]) => [
    namespace,
    metric,
    (options as { stat: string }).stat,
    of,
  ]);

let graph: Graph<Observability>;
beforeAll(async () => {
  graph = await yard();
});

describe("the dashboard", () => {
  let rows: Record<string, Widget[]>;
  beforeAll(() => {
    rows = rowsOf(graph);
  });
  const row = (name: Name) =>
    rows[Object.keys(rows).find((title) => title.startsWith(`## ${name} (`)) as string] ?? [];
  const panel = (name: Name, title: string) =>
    row(name).find(({ properties }) => properties.title === title);

  test("is one, named after the stack", () => {
    expect(graph.find(type.dashboard).inputs.dashboardName).toBe("yard-dev-watch");
  });

  test("has a row for the API and for each workload, in the order of the declaration", () => {
    expect(Object.keys(rows)).toEqual([
      "## HTTP API",
      "## asks (http, function)",
      "## heavy (http, container)",
      "## rules (onIdentity, function)",
      "## takes (onMessage, function)",
      "## resizes (onObject, function)",
      "## reads (onMessage, function)",
      "## works (job, container)",
      "## saga (workflow, function)",
      "## steps (workflow, container)",
    ]);
    for (const [title, panels] of Object.entries(rows))
      expect(panels.length, title).toBeGreaterThan(0);
  });

  test("shows rate, errors and throttles, p50 and p99 of each function", () => {
    for (const name of names.filter((each) => !onContainers.some((other) => other === each))) {
      const made = graph.all(type.function).find(({ inputs }) => inputs.name.endsWith(`-${name}`));
      const of = made?.inputs.name;
      expect(metricsIn(panel(name, "Calls a minute"))).toEqual([
        ["AWS/Lambda", "Invocations", "Sum", of],
        ["AWS/Lambda", "Errors", "Sum", of],
        ["AWS/Lambda", "Throttles", "Sum", of],
      ]);
      expect(metricsIn(panel(name, "Duration (ms)"))).toEqual([
        ["AWS/Lambda", "Duration", "p50", of],
        ["AWS/Lambda", "Duration", "p99", of],
      ]);
    }
  });

  test("counts cold starts by the line that functions write of them, in their own logs", () => {
    expect(panel("asks", "Cold starts an hour, and their init (ms)")?.properties.query).toMatch(
      /^SOURCE '\/aws\/lambda\/yard-dev-edge-asks' \| filter ispresent\(message\.initMs\) \| stats count\(\*\) as coldStarts, .* by bin\(1h\)$/,
    );
  });

  test.each<[Name, string]>([
    ["takes", "yard-dev-stores-orders"],
    ["resizes", "yard-dev-events-resizes"],
    ["works", "yard-dev-stores-parcels"],
    ["steps", "yard-dev-events-steps"],
  ])("shows depth, age and dead letters of the queue before %s", (name, of) => {
    expect(metricsIn(panel(name, "Queue"))).toEqual([
      ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", of],
      ["AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "Maximum", of],
      ["AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", of],
      ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", `${of}-dead`],
    ]);
  });

  test("shows what a container takes from its queue", () => {
    expect(metricsIn(panel("works", "Messages a minute")).map(([, metric]) => metric)).toEqual([
      "NumberOfMessagesSent",
      "NumberOfMessagesReceived",
      "NumberOfMessagesDeleted",
    ]);
    expect(panel("works", "Duration (ms)")).toBeUndefined();
  });

  test("shows requests of a container from the edge's access logs, by its routes", () => {
    const [only] = row("heavy");
    expect(only?.properties.query).toContain("SOURCE '/aws/vendedlogs/yard-dev-edge' |");
    expect(only?.properties.query).toContain('"ANY /heavy"');
    expect(only?.properties.query).toContain('"GET /heavy"');
  });

  test("shows how far a reader of a stream is behind, and its dead letters", () => {
    expect(metricsIn(panel("reads", "Reader"))).toEqual([
      ["AWS/Lambda", "IteratorAge", "Maximum", "yard-dev-events-reads"],
      ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", "yard-dev-events-reads-dead"],
    ]);
    expect(panel("reads", "Queue")).toBeUndefined();
  });

  test("shows executions of workflows, wherever their steps run", () => {
    for (const name of ["saga", "steps"] as const) {
      const shown = metricsIn(panel(name, "Executions a minute"));
      expect(shown.map(([, metric]) => metric)).toEqual([
        "ExecutionsStarted",
        "ExecutionsSucceeded",
        "ExecutionsFailed",
        "ExecutionsTimedOut",
        "ExecutionTime",
      ]);
      for (const [, , , of] of shown) expect(of).toMatch(new RegExp(`:stateMachine:.*-${name}$`));
    }
  });

  test("shows of the API what the metrics port reads as well", () => {
    const shown = (rows["## HTTP API"] ?? []).flatMap(metricsIn);
    const of = "edge-id";
    expect(shown).toEqual([
      ["AWS/ApiGateway", "Count", "Sum", of],
      ["AWS/ApiGateway", "4xx", "Sum", of],
      ["AWS/ApiGateway", "5xx", "Sum", of],
      ["AWS/ApiGateway", "Latency", "p50", of],
      ["AWS/ApiGateway", "Latency", "p99", of],
    ]);
  });

  test("names nothing that is not in the graph", () => {
    const there = [
      "edge-id",
      ...[...graph.all(type.function), ...graph.all(type.queue), ...graph.all(type.logs)].map(
        ({ inputs }) => inputs.name,
      ),
      ...Object.values(graph.all("aws:sfn/stateMachine:StateMachine")).map(
        ({ inputs }) => `arn:aws:states:eu-central-1:123456789012:stateMachine:${inputs.name}`,
      ),
    ];
    const widgets = widgetsOf(graph);
    const named = [
      ...widgets.flatMap(metricsIn).map(([, , , of]) => of),
      ...widgets.flatMap(({ properties }) => properties.query?.match(/(?<=^SOURCE ')[^']+/) ?? []),
    ];
    expect(named.length).toBeGreaterThan(60);
    expect(named.filter((name) => !there.includes(name as string))).toEqual([]);
  });

  test("shows the state of every alarm of the stack", () => {
    const shown = widgetsOf(graph).flatMap(({ properties }) => properties.alarms ?? []);
    expect(shown.length).toBe(new Set(shown).size);
    expect(shown.length).toBe(graph.all(type.alarm).length);
  });

  test("fits its grid: nothing is outside, nothing lies upon another", () => {
    const taken = new Set<string>();
    for (const { x, y, width, height } of widgetsOf(graph)) {
      expect(x + width).toBeLessThanOrEqual(24);
      for (let column = x; column < x + width; column++)
        for (let line = y; line < y + height; line++) {
          expect(taken.has(`${column},${line}`)).toBe(false);
          taken.add(`${column},${line}`);
        }
    }
  });

  test("says its region wherever it reads something", () => {
    const reading = widgetsOf(graph).filter((widget) => ["metric", "log"].includes(widget.type));
    for (const { properties } of reading) expect(properties.region).toBe("eu-central-1");
  });

  test("has a link that people can follow", async () => {
    const link = await (graph.result.link as unknown as { promise(): Promise<string> }).promise();
    expect(link).toBe(
      "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#dashboards/dashboard/yard-dev-watch",
    );
    expect(dashboardLink({ partition: "aws-cn", region: "cn-north-1", id: "1" }, "d")).toMatch(
      /^https:\/\/cn-north-1\.console\.amazonaws\.cn\//,
    );
  });
});

describe("alarms", () => {
  const own = () => graph.all(type.alarm).filter(({ name }) => name.startsWith("watch-"));

  test("are those that nobody else makes: the API's, of functions behind it, of hooks", () => {
    expect(own().map(({ name }) => name)).toEqual(
      [
        "watch-api-errors",
        "watch-asks-errors",
        "watch-asks-throttles",
        "watch-rules-errors",
        "watch-rules-throttles",
      ].sort(),
    );
  });

  test("leave no function without one on throttles, and make none twice", () => {
    const throttled = graph
      .all(type.alarm)
      .filter(({ inputs }) => inputs.metricName === "Throttles")
      .map(({ inputs }) => inputs.dimensions.FunctionName);
    const functions = graph.all(type.function).map(({ inputs }) => inputs.name);
    expect(throttled.toSorted()).toEqual(functions.toSorted());
  });

  test("tell the stack's topic, and have names by which the metrics port finds them", () => {
    const topic = "arn:aws:sns:eu-central-1:123456789012:yard-dev-alerts";
    for (const { name, inputs } of graph.all(type.alarm)) {
      expect(inputs.name).toMatch(/^yard-dev-/);
      const told = name === "alerts-undelivered" ? undefined : [topic];
      expect([name, inputs.alarmActions, inputs.okActions]).toEqual([name, told, told]);
    }
  });

  test.each([
    ["watch-api-errors", "AWS/ApiGateway", "5xx", "Count", { ApiId: "edge-id" }, 1],
    [
      "watch-rules-errors",
      "AWS/Lambda",
      "Errors",
      "Invocations",
      { FunctionName: "yard-dev-users-rules" },
      50,
    ],
  ])("%s calls by the share of %s %s in %s", (name, namespace, part, whole, dimensions, above) => {
    const { inputs } = graph.find(type.alarm, name);
    expect(inputs).toMatchObject({
      comparisonOperator: "GreaterThanThreshold",
      threshold: above,
      evaluationPeriods: 3,
      treatMissingData: "notBreaching",
    });
    const [share, ...sums] = inputs.metricQueries;
    expect(share).toMatchObject({ expression: "100 * part / whole", returnData: true });
    expect(sums).toEqual([
      {
        id: "part",
        metric: { namespace, metricName: part, dimensions, period: 300, stat: "Sum" },
      },
      {
        id: "whole",
        metric: { namespace, metricName: whole, dimensions, period: 300, stat: "Sum" },
      },
    ]);
  });

  test("tell nobody where nobody is given, and can still be seen", async () => {
    const quiet = await yard({ alerts: undefined });
    expect(quiet.find(type.alarm, "watch-api-errors").inputs.alarmActions).toBeUndefined();
  });
});

describe("what is watched", () => {
  test("may be a part of the system", async () => {
    const part = await yard({ edge: undefined, users: undefined, workloads: ["takes"] });
    expect(Object.keys(rowsOf(part))).toEqual(["## takes (onMessage, function)"]);
  });

  test("must be held by a component, and its queue be bound: all faults in one message", async () => {
    const faulty = yard({ users: undefined, stores: {}, workloads: ["rules", "nobody", "takes"] });
    await expect(faulty).rejects.toThrow(
      [
        'Observability "watch": 3 faults',
        '  - workload "rules": no component holds it; give its edge, users, events or core',
        '  - workload "nobody": no component holds it; give its edge, users, events or core',
        '  - workload "takes": its queue "orders" is not bound; give stores["orders"]',
      ].join("\n"),
    );
  });

  test("must fit one dashboard", () => {
    const panel = { type: "metric", properties: { title: "t" } } as const;
    const row = { title: "r", panels: [panel, panel, panel, panel] };
    expect(dashboardFaults(Array(100).fill(row))).toEqual([]);
    expect(dashboardFaults(Array(101).fill(row))).toEqual([
      "505 widgets, over a dashboard's 500; give two of these half the workloads",
    ]);
  });
});

test("children can be changed by their transforms", async () => {
  const changed = await yard({
    transform: {
      dashboard: (args) => ({ ...args, dashboardName: "ours" }),
      alarm: (args) => ({ ...args, evaluationPeriods: 6 }),
    },
  });
  expect(changed.find(type.dashboard).inputs.dashboardName).toBe("ours");
  expect(changed.find(type.alarm, "watch-api-errors").inputs.evaluationPeriods).toBe(6);
});

describe("what tasks report of requests", () => {
  const watching = (spills: boolean) =>
    yard({
      core: {
        services: {
          heavy: { reportsAs: "yard-dev-core-heavy", spills },
          live: { reportsAs: "yard-dev-core-live", spills: false },
          works: { spills: false },
        },
      },
    });
  const about = (of: Graph) =>
    of
      .all(type.alarm)
      .filter(({ inputs }) => inputs.namespace === "Spillway")
      .map(({ name, inputs }) => [
        name,
        inputs.metricName,
        inputs.statistic,
        inputs.threshold,
        inputs.dimensions.workload,
      ]);

  test("calls where requests are refused, and with a twin where it is of no help", async () => {
    const refused = ["watch-heavy-refused", "refused", "Sum", 0, "yard-dev-core-heavy"];
    expect(about(await watching(false))).toEqual([refused]);
    const spilling = await watching(true);
    expect(about(spilling)).toEqual([
      ["watch-heavy-breaker", "breakerOpen", "Maximum", 0, "yard-dev-core-heavy"],
      ["watch-heavy-budget", "budgetShare", "Maximum", 0.9, "yard-dev-core-heavy"],
      refused,
    ]);
    const { alarmActions } = spilling.find(type.alarm, "watch-heavy-refused").inputs;
    expect(alarmActions).toEqual([expect.stringContaining(":yard-dev-alerts")]);
  });

  test("of sockets is on the dashboard: open, refused, closed", async () => {
    const [panel] = rowsOf(await watching(false))["## live (socket, container)"] ?? [];
    expect(metricsIn(panel)).toEqual(
      [
        ["Connections", "Maximum"],
        ["SocketsRefused", "Sum"],
        ["SocketsBehind", "Sum"],
      ].map(([metric, stat]) => ["Spillway", metric, stat, "yard-dev-core-live"]),
    );
  });

  test("is on the dashboard: taken, spilled, refused", async () => {
    const [panel] = (rowsOf(await watching(true))["## heavy (http, container)"] ?? []).filter(
      ({ properties }) => properties.title?.startsWith("Requests a minute: taken"),
    );
    expect(metricsIn(panel)).toEqual(
      ["admitted", "spilled", "spilledFailed", "refused"].map((metric) => [
        "Spillway",
        metric,
        "Sum",
        "yard-dev-core-heavy",
      ]),
    );
  });
});
