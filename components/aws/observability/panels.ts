import * as pulumi from "@pulumi/pulumi";
import { reportedNamespace } from "../alarms.ts";

type Text = pulumi.Input<string>;

interface MetricOptions {
  readonly stat: "Sum" | "Maximum" | "p50" | "p99";
  readonly label: string;
  /** Where what is shown together has two units. */
  readonly yAxis?: "right";
}

/** One widget of a dashboard, before it has its place. */
export interface Panel {
  readonly type: "metric" | "log";
  readonly properties: { readonly title: string } & Readonly<Record<string, unknown>>;
}

type Series = readonly [metric: string, options: MetricOptions];
interface Source {
  readonly namespace: string;
  readonly dimension: string;
  readonly of: Text;
  readonly series: readonly Series[];
}

/** What the names of metrics of one resource become in a widget. */
function graph(title: string, sources: readonly Source[], axes?: readonly [string, string]): Panel {
  const [left, right] = axes ?? [];
  return {
    type: "metric",
    properties: {
      title,
      view: "timeSeries",
      period: 60,
      metrics: sources.flatMap(({ namespace, dimension, of, series }) =>
        series.map(([metric, options]) => [namespace, metric, dimension, of, options]),
      ),
      yAxis: {
        left: { min: 0, ...(left && { label: left, showUnits: false }) },
        ...(right && { right: { min: 0, label: right, showUnits: false } }),
      },
    },
  };
}

const sum = (label: string): MetricOptions => ({ stat: "Sum", label });
const most = (label: string): MetricOptions => ({ stat: "Maximum", label });
const percentiles = (metric: string): readonly Series[] => [
  [metric, { stat: "p50", label: "p50" }],
  [metric, { stat: "p99", label: "p99" }],
];

const lambda = (of: Text, series: readonly Series[]): Source => ({
  namespace: "AWS/Lambda",
  dimension: "FunctionName",
  of,
  series,
});
const sqs = (of: Text, series: readonly Series[]): Source => ({
  namespace: "AWS/SQS",
  dimension: "QueueName",
  of,
  series,
});
/** What tasks report themselves (runtime/metrics.ts). */
const reported = (of: Text, series: readonly Series[]): Source => ({
  namespace: reportedNamespace,
  dimension: "workload",
  of,
  series,
});
const api = (of: Text, series: readonly Series[]): Source => ({
  namespace: "AWS/ApiGateway",
  dimension: "ApiId",
  of,
  series,
});

export const apiPanels = (apiId: Text): Panel[] => [
  graph("Requests a minute", [
    api(apiId, [
      ["Count", sum("requests")],
      ["4xx", sum("4xx")],
      ["5xx", sum("5xx")],
    ]),
  ]),
  graph("Latency (ms)", [api(apiId, percentiles("Latency"))]),
];

export const callsPanel = (functionName: Text): Panel =>
  graph("Calls a minute", [
    lambda(functionName, [
      ["Invocations", sum("calls")],
      ["Errors", sum("errors")],
      ["Throttles", sum("throttled")],
    ]),
  ]);

export const durationPanel = (functionName: Text): Panel =>
  graph("Duration (ms)", [lambda(functionName, percentiles("Duration"))]);

/**
 * Lambda has no metric of cold starts, and its own report lines are left out of the logs, since
 * every call would write them. What there is, is the line with `initMs` that each function writes
 * when it starts on demand.
 */
export const coldStartsPanel = (logGroup: Text): Panel =>
  query(
    "Cold starts an hour, and their init (ms)",
    logGroup,
    "filter ispresent(message.initMs)",
    "stats count(*) as coldStarts, pct(message.initMs, 50) as p50, pct(message.initMs, 99) as p99 by bin(1h)",
  );

/** What tasks did with requests, as they report it. */
export const admissionPanel = (workload: Text): Panel =>
  graph("Requests a minute: taken, spilled, refused", [
    reported(workload, [
      ["admitted", sum("admitted")],
      ["spilled", sum("spilled")],
      ["spilledFailed", sum("spilled, failed")],
      ["refused", sum("refused")],
    ]),
  ]);

/** How many sockets tasks hold, and what they closed or did not take, as they report it. */
export const socketsPanel = (workload: Text): Panel =>
  graph("Sockets", [
    reported(workload, [
      ["Connections", most("open, most of a task")],
      ["SocketsRefused", sum("refused")],
      ["SocketsBehind", sum("closed, too slow")],
    ]),
  ]);

/** A route's requests, errors and duration, from the edge's access logs: HTTP APIs bill such metrics. */
export const routesPanel = (accessLogs: Text, keys: readonly string[]): Panel =>
  query(
    "Requests an hour, 5xx, latency (ms)",
    accessLogs,
    `filter routeKey in ${JSON.stringify(keys)}`,
    "stats count(*) as requests, sum(status >= 500) as errors, pct(ms, 50) as p50, pct(ms, 99) as p99 by bin(1h)",
  );

const query = (title: string, logGroup: Text, ...steps: string[]): Panel => ({
  type: "log",
  properties: {
    title,
    view: "table",
    query: pulumi.interpolate`SOURCE '${logGroup}' | ${steps.join(" | ")}`,
  },
});

export const queuePanel = (queue: Text, deadLetters: Text): Panel =>
  graph(
    "Queue",
    [
      sqs(queue, [
        ["ApproximateNumberOfMessagesVisible", most("waiting")],
        ["ApproximateNumberOfMessagesNotVisible", most("in work")],
        ["ApproximateAgeOfOldestMessage", { ...most("oldest (s)"), yAxis: "right" }],
      ]),
      sqs(deadLetters, [["ApproximateNumberOfMessagesVisible", most("dead letters")]]),
    ],
    ["messages", "seconds"],
  );

/** What a container takes from its queue: the rate of a consumer that has no metrics of its own. */
export const consumedPanel = (queue: Text): Panel =>
  graph("Messages a minute", [
    sqs(queue, [
      ["NumberOfMessagesSent", sum("sent")],
      ["NumberOfMessagesReceived", sum("received")],
      ["NumberOfMessagesDeleted", sum("done")],
    ]),
  ]);

export const readerPanel = (functionName: Text, deadLetters: Text): Panel =>
  graph(
    "Reader",
    [
      lambda(functionName, [["IteratorAge", { ...most("behind (ms)"), yAxis: "right" }]]),
      sqs(deadLetters, [["ApproximateNumberOfMessagesVisible", most("dead letters")]]),
    ],
    ["messages", "ms"],
  );

export const executionsPanel = (machineArn: Text): Panel =>
  graph(
    "Executions a minute",
    [
      {
        namespace: "AWS/States",
        dimension: "StateMachineArn",
        of: machineArn,
        series: [
          ["ExecutionsStarted", sum("started")],
          ["ExecutionsSucceeded", sum("succeeded")],
          ["ExecutionsFailed", sum("failed")],
          ["ExecutionsTimedOut", sum("timed out")],
          ["ExecutionTime", { stat: "p99", label: "p99 (ms)", yAxis: "right" }],
        ],
      },
    ],
    ["executions", "ms"],
  );
