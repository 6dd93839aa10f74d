import type * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { queuesOf, type Workflow } from "../../spec/index.ts";
import { checked, refuse, retentionFault } from "../shared/validation.ts";
import { type Account, accountOf } from "./account.ts";
import {
  type Alarm,
  ageAlarm,
  alarm,
  behindAlarm,
  deadLetterAlarm,
  executionAlarm,
  functionAlarms,
} from "./alarms.ts";
import { bindingOf, type DeadLetters } from "./bindings.ts";
import { type Consumer, consumerOf, ownConsumed, queueBefore } from "./consumers.ts";
import { type EventPlan, eventFaults, planEvents, type Queued } from "./event-plan.ts";
import type { FunctionTransforms, WorkloadFunction } from "./Function.ts";
import { functionOf, type Hosting, isFunction } from "./hosting.ts";
import { type MachineTransforms, stateMachine } from "./machine.ts";
import { taskStatement } from "./permissions.ts";
import {
  deadLetterQueue,
  type OwnQueue,
  type QueueTransforms,
  queuePolicy,
  redriveFrom,
  redrivenQueue,
} from "./queues.ts";
import { byName, each } from "./records.ts";
import { type Feeds, feedQueues } from "./sources/feeds.ts";
import { type Fed, fedByQueue, fedByStream } from "./sources/mappings.ts";

export interface EventPipelineArgs extends Hosting {
  /** Names of the workloads that are deployed. Default: all that events or executions start */
  readonly workloads?: readonly string[];
  /** ARN of the topic that alarms are told to. Default: they can be seen, and tell nobody */
  readonly alarms?: pulumi.Input<string>;
  readonly transform?: FunctionTransforms & MachineTransforms & QueueTransforms;
}

/**
 * The event side: a queue with dead letters before each workload that events start, filled by
 * objects, topics, buses and schedules, or declared and filled by code; functions that are fed from
 * it in batches, and for workloads on containers what a consumer needs instead, with the queue as it
 * is; readers of streams and change feeds; state machines; alarms on all of it.
 * @throws {Error} before any resource is made, with every fault in one message
 * @example
 * const events = new EventPipeline("events", {
 *   system,
 *   artefacts: await bundleFunctions({ system }),
 *   stores: { ...stores.bindings, ...channels.bindings, ...edge.bindings },
 * });
 * export const consumers = Object.keys(events.consumers);
 */
export class EventPipeline extends pulumi.ComponentResource {
  /** Queues that belong to one workload, by its name. */
  readonly queues: Readonly<Record<string, aws.sqs.Queue>>;
  /** Their dead letters, and those of readers of streams. */
  readonly deadLetters: Readonly<Record<string, aws.sqs.Queue>>;
  /** What fills the queues. */
  readonly feeds: Feeds;
  /** Workloads on functions, by name. */
  readonly functions: Readonly<Record<string, WorkloadFunction>>;
  /** What hands events to them. */
  readonly mappings: Readonly<Record<string, aws.lambda.EventSourceMapping>>;
  /** What workloads on containers need, by name. */
  readonly consumers: Readonly<Record<string, Consumer>>;
  readonly machines: Readonly<Record<string, aws.sfn.StateMachine>>;
  readonly alarms: readonly aws.cloudwatch.MetricAlarm[];

  constructor(name: string, given: EventPipelineArgs, opts?: pulumi.ComponentResourceOptions) {
    refuse("EventPipeline", name, eventFaults(given));
    super("spillway:aws:EventPipeline", name, {}, opts);
    const plan = planEvents(given);
    const retention = given.logRetentionDays ?? 14;
    const logRetentionDays = checked("EventPipeline", name, retention, retentionFault);
    const args = { ...given, logRetentionDays };
    const account = accountOf(this);

    const own = this.#makeQueues(name, plan, args);
    const failures = this.#makeFailures(name, plan, args);
    this.queues = each(own, (_, { queue }) => queue);
    this.deadLetters = { ...each(own, (_, { dead }) => dead), ...failures };
    this.feeds = feedQueues(name, args, plan.queued, own, account, this);

    const before = (queued: Queued) => queueBefore(queued, own, args.stores);
    const [onFunctions, onContainers] = split(plan.queued);
    const fed: Readonly<Record<string, Fed>> = {
      ...byName(onFunctions, (queued) => fedByQueue(name, queued, before(queued), args, this)),
      ...byName(plan.readers, (reader) =>
        fedByStream(name, reader, failures[reader.name] as aws.sqs.Queue, args, this),
      ),
    };
    const [called, asked] = split(plan.workflows);
    this.mappings = each(fed, (_, { mapping }) => mapping);
    this.functions = {
      ...each(fed, (_, made) => made.function),
      ...byName(called, (workflow) => functionOf(name, workflow.name, args, {}, this)),
    };
    this.consumers = {
      ...byName(onContainers, (queued) => consumerOf(args, queued.name, before(queued))),
      ...byName(asked, (workflow) => this.#makeStepper(name, workflow.name, own, args)),
    };
    this.machines = byName(plan.workflows, (workflow) =>
      this.#makeMachine(name, workflow.name, args, account),
    );
    this.alarms = this.#makeAlarms(name, plan, args);
    this.registerOutputs();
  }

  #makeQueues(name: string, plan: EventPlan, { transform }: EventPipelineArgs) {
    return each(plan.queues, (workload, spec): OwnQueue => {
      const logical = `${name}-${workload}`;
      const dead = deadLetterQueue(logical, transform, this);
      return { queue: redrivenQueue(logical, spec, dead, {}, transform, this), dead };
    });
  }

  /** Dead letters without a queue before them, into which nobody may redrive. */
  #makeFailures(name: string, { readers }: EventPlan, { transform }: EventPipelineArgs) {
    return byName(readers, (reader) => {
      const logical = `${name}-${reader.name}`;
      const dead = deadLetterQueue(logical, transform, this);
      redriveFrom(logical, dead, [], this);
      queuePolicy(`${logical}-dead`, dead, [], this);
      return dead;
    });
  }

  /** A workflow's steps on a container, asked for by messages of its state machine. */
  #makeStepper(
    name: string,
    workflow: string,
    own: Readonly<Record<string, OwnQueue>>,
    args: EventPipelineArgs,
  ): Consumer {
    const { queue, dead } = own[workflow] as OwnQueue;
    queuePolicy(`${name}-${workflow}`, queue, [], this);
    queuePolicy(`${name}-${workflow}-dead`, dead, [], this);
    const answers = pulumi
      .output(args.stores?.[workflow]?.arn ?? "")
      .apply((machine) => [taskStatement(machine)]);
    return consumerOf(args, workflow, ownConsumed({ queue, dead }), answers);
  }

  #makeMachine(
    name: string,
    workflow: string,
    args: EventPipelineArgs & { readonly logRetentionDays: pulumi.Output<number> },
    account: pulumi.Output<Account>,
  ) {
    const { system, stores, logRetentionDays, transform } = args;
    const called = this.functions[workflow];
    return stateMachine(
      `${name}-${workflow}`,
      {
        workflow: system.workloads[workflow] as Workflow,
        arn: stores?.[workflow]?.arn ?? "",
        steps: called
          ? { on: "function", arn: called.arn }
          : { on: "container", ...addressOf(this.queues[workflow] as aws.sqs.Queue) },
        account,
        logRetentionDays,
        transform,
      },
      this,
    );
  }

  #makeAlarms(
    name: string,
    { queues, readers }: EventPlan,
    { system, stores, alarms }: EventPipelineArgs,
  ) {
    const make = (about: string, given: Alarm) => alarm(`${name}-${about}`, given, alarms, this);
    const bound = (queue: string) => {
      const binding = bindingOf(stores, queue);
      return binding?.deadLetters && { arn: binding.arn, dead: binding.deadLetters };
    };
    const declared = Object.keys(queuesOf(system)).flatMap((queue): [string, DeadLetters][] => {
      const letters = bound(queue)?.dead;
      return letters ? [[queue, letters]] : [];
    });
    // Those too that nobody takes from yet: what waits there is for somebody to see.
    const waits = Object.entries({ ...queuesOf(system), ...queues }).flatMap(
      ([queue, { visibilitySeconds }]) => {
        const arn = this.queues[queue]?.arn ?? bound(queue)?.arn;
        return arn ? [{ queue, arn, visibilitySeconds }] : [];
      },
    );
    return [
      ...[...Object.entries(this.deadLetters), ...declared].map(([queue, { arn }]) =>
        make(`${queue}-dead-letters`, deadLetterAlarm(nameOf(arn))),
      ),
      ...waits.map(({ queue, arn, visibilitySeconds }) =>
        make(`${queue}-age`, ageAlarm(nameOf(arn), visibilitySeconds)),
      ),
      ...Object.entries(this.functions).flatMap(([workload, made]) => {
        const { errors, throttles } = functionAlarms(made.function.name);
        // A step that fails is the workflow's own business, until it cannot be undone.
        const own = this.machines[workload] ? { throttles } : { errors, throttles };
        return Object.entries(own).map(([about, given]) => make(`${workload}-${about}`, given));
      }),
      ...readers.map((reader) => {
        const { function: reading } = this.functions[reader.name] as WorkloadFunction;
        return make(`${reader.name}-behind`, behindAlarm(reading.name));
      }),
      ...Object.entries(this.machines).map(([workflow, { arn }]) =>
        make(`${workflow}-failed`, executionAlarm(arn)),
      ),
    ];
  }
}

/** The last part of an ARN of SQS. */
const nameOf = (arn: pulumi.Input<string>): pulumi.Output<string> =>
  pulumi.output(arn).apply((text) => text.slice(text.lastIndexOf(":") + 1));

const addressOf = ({ arn, url }: aws.sqs.Queue) => ({ arn, url });

/** Those on functions, and those on containers. */
const split = <T extends Pick<Queued, "host">>(all: readonly T[]): [T[], T[]] => [
  all.filter(({ host }) => isFunction(host)),
  all.filter(({ host }) => !isFunction(host)),
];
