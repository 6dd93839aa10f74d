import type { Graph, Resource } from "../harness.ts";

const type = {
  alarm: "aws:cloudwatch/metricAlarm:MetricAlarm",
  function: "aws:lambda/function:Function",
  invocation: "aws:lambda/invocation:Invocation",
  invoke: "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
  machine: "aws:sfn/stateMachine:StateMachine",
  mapping: "aws:lambda/eventSourceMapping:EventSourceMapping",
  notification: "aws:s3/bucketNotification:BucketNotification",
  permission: "aws:lambda/permission:Permission",
  queue: "aws:sqs/queue:Queue",
  redrive: "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
  rule: "aws:cloudwatch/eventRule:EventRule",
  schedule: "aws:scheduler/schedule:Schedule",
  subscription: "aws:sns/topicSubscription:TopicSubscription",
  target: "aws:cloudwatch/eventTarget:EventTarget",
} as const;

/** Services that wait for a function's answer: a failure is theirs to tell. */
const waiting = ["apigateway.amazonaws.com", "cognito-idp.amazonaws.com"];

const arnOf = ({ inputs }: Resource) => `arn:aws:sqs:eu-central-1:123456789012:${inputs.name}`;
const named = (arn: unknown): string => String(arn).split(":").at(-1) ?? "";

/** Everything in a graph that carries events and has no place for those that fail, and why. */
export function withoutFailureDestination(graph: Graph): string[] {
  const queues = graph.all(type.queue);
  const redrives = new Map(
    queues.map((queue) => [arnOf(queue), redriveOf(queue.inputs.redrivePolicy)]),
  );
  const machines = graph.all(type.machine).map(({ inputs }) => String(inputs.definition));
  const invokes = new Map(
    graph
      .all(type.invoke)
      .map(({ inputs }) => [
        named(inputs.functionName),
        inputs.destinationConfig?.onFailure?.destination,
      ]),
  );
  // An update of the stack waits for these, and fails with them.
  const invoked = graph.all(type.invocation).map(({ inputs }) => String(inputs.functionName));
  const letters = new Set<string>();
  const faults: string[] = [];
  /** A dead-letter queue: of this graph, and with none behind it. */
  const needs = (what: Resource, arn: unknown) => {
    if (redrives.has(String(arn)) && redrives.get(String(arn)) === undefined)
      letters.add(String(arn));
    else faults.push(`${what.type} ${what.name}: ${arn} is no dead-letter queue`);
  };
  const isRedriven = (arn: unknown) => redrives.get(String(arn)) !== undefined;

  for (const each of graph.all(type.subscription))
    needs(each, redriveOf(each.inputs.redrivePolicy));
  for (const each of graph.all(type.target)) needs(each, each.inputs.deadLetterConfig?.arn);
  for (const each of graph.all(type.schedule))
    needs(each, each.inputs.target?.deadLetterConfig?.arn);
  for (const each of graph.all(type.mapping)) {
    const { eventSourceArn, destinationConfig } = each.inputs;
    if (!isRedriven(eventSourceArn)) needs(each, destinationConfig?.onFailure?.destinationArn);
    if (!each.inputs.functionResponseTypes?.includes("ReportBatchItemFailures"))
      faults.push(`${each.type} ${each.name}: a failure fails its whole batch`);
  }
  for (const each of graph.all(type.notification)) {
    const { queues: told = [], topics = [], lambdaFunctions = [], eventbridge } = each.inputs;
    if (topics.length + lambdaFunctions.length > 0 || eventbridge)
      faults.push(`${each.type} ${each.name}: tells others than queues`);
    for (const { queueArn } of told)
      if (!isRedriven(queueArn))
        faults.push(`${each.type} ${each.name}: ${queueArn} sets none aside`);
  }
  for (const each of graph.all(type.rule)) {
    const targets = graph.all(type.target).filter(({ inputs }) => inputs.rule === each.inputs.name);
    if (targets.length === 0) faults.push(`${each.type} ${each.name}: has no target`);
  }
  for (const each of graph.all(type.machine)) {
    const { States } = JSON.parse(each.inputs.definition);
    for (const [name, state] of Object.entries<{ Type: string; Catch?: unknown }>(States))
      if (state.Type === "Task" && !state.Catch)
        faults.push(`${each.type} ${each.name}: state "${name}" catches nothing`);
  }
  for (const each of graph.all(type.function)) {
    const name = String(each.inputs.name);
    const callers = graph
      .all(type.permission)
      .filter(({ inputs }) => named(inputs.function) === name)
      .map(({ inputs }) => String(inputs.principal));
    const called = callers.length > 0 || machines.some((text) => text.includes(`:${name}"`));
    const waitedFor = called
      ? callers.every((principal) => waiting.includes(principal))
      : invoked.includes(name);
    if (invokes.has(name)) needs(each, invokes.get(name));
    else if (!waitedFor) faults.push(`${each.type} ${name}: nobody sees a call of it fail`);
  }
  for (const queue of queues) {
    const target = redrives.get(arnOf(queue));
    if (target !== undefined) needs(queue, target);
  }
  // What is no dead-letter queue of anything has to have one.
  for (const queue of queues)
    if (!isRedriven(arnOf(queue)) && !letters.has(arnOf(queue)))
      faults.push(`${queue.type} ${queue.name}: has no dead letters`);
  return [...faults, ...unwatched(graph, letters)];
}

/** Dead letters that nobody is told of, or that anybody may redrive into. */
function unwatched(graph: Graph, letters: ReadonlySet<string>): string[] {
  const watched = graph
    .all(type.alarm)
    .filter(({ inputs }) => inputs.metricName === "ApproximateNumberOfMessagesVisible")
    .filter(({ inputs }) => inputs.threshold === 0)
    .map(({ inputs }) => inputs.dimensions.QueueName);
  const guarded = graph
    .all(type.redrive)
    .map(({ inputs }) => named(inputs.queueUrl).split("/").at(-1));
  return [...letters].flatMap((arn) => [
    ...(watched.includes(named(arn)) ? [] : [`${arn}: no alarm tells of a dead letter`]),
    ...(guarded.includes(named(arn)) ? [] : [`${arn}: any queue may use it`]),
  ]);
}

const redriveOf = (policy: unknown): string | undefined =>
  policy === undefined ? undefined : JSON.parse(String(policy)).deadLetterTargetArn;
