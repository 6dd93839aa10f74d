import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { OnMessage, OnObject, OnSchedule, System } from "../../../spec/index.ts";
import { physicalName } from "../../shared/naming.ts";
import type { Account } from "../account.ts";
import type { Binding, Bindings } from "../bindings.ts";
import type { Queued } from "../event-plan.ts";
import { type OwnQueue, queuePolicy, type Sender } from "../queues.ts";
import { byName, record } from "../records.ts";
import type { RoleTransforms } from "../role.ts";
import { busRule, busTarget, ruleSender } from "./buses.ts";
import { bucketSender, objectEvents } from "./objects.ts";
import { schedule } from "./schedules.ts";
import { subscription, topicSender } from "./topics.ts";

/** What fills the workloads' own queues; all by workload, but notifications, which are by store. */
export interface Feeds {
  readonly rules: Readonly<Record<string, aws.cloudwatch.EventRule>>;
  readonly targets: Readonly<Record<string, aws.cloudwatch.EventTarget>>;
  readonly subscriptions: Readonly<Record<string, aws.sns.TopicSubscription>>;
  readonly schedules: Readonly<Record<string, aws.scheduler.Schedule>>;
  readonly notifications: Readonly<Record<string, aws.s3.BucketNotification>>;
}

/** A workload with its own queue, its declaration being of the kind that its feed comes from. */
interface Fed<W> extends OwnQueue {
  readonly name: string;
  readonly logical: string;
  readonly workload: W;
  readonly policies: readonly [aws.sqs.QueuePolicy, aws.sqs.QueuePolicy];
}

/**
 * Fills the workloads' own queues from objects, topics, buses and schedules. Each queue is open to
 * the one resource that fills it; each way to it has retries, and the queue's dead letters at its end.
 * @param name of the component
 * @param own the queues, by workload
 */
export function feedQueues(
  name: string,
  { system, stores = {}, transform }: FeedArgs,
  queued: readonly Queued[],
  own: Readonly<Record<string, OwnQueue>>,
  account: pulumi.Output<Account>,
  parent: pulumi.Resource,
): Feeds {
  const fedBy = (feed: Queued["source"]["feed"]) =>
    queued.filter(({ source }) => source.own && source.feed === feed).map((each) => each.name);
  const bound = (key: string) => stores[key] as Binding & { readonly arn: pulumi.Input<string> };
  /** A queue's policy names what fills it; so does that of its dead letters, where that uses them. */
  const fed = <W>(workload: string, sender?: Sender, toDead = true): Fed<W> => {
    const logical = `${name}-${workload}`;
    const { queue, dead } = own[workload] as OwnQueue;
    const senders = sender ? [sender] : [];
    return {
      name: workload,
      logical,
      queue,
      dead,
      workload: system.workloads[workload] as W,
      policies: [
        queuePolicy(logical, queue, senders, parent),
        queuePolicy(`${logical}-dead`, dead, toDead ? senders : [], parent),
      ],
    };
  };
  const declared = <W>(workload: string) => system.workloads[workload] as W;

  const objects = fedBy("objects").map((workload) => {
    const { arn } = bound(declared<OnObject>(workload).store);
    const id = account.apply((known) => known.id);
    return fed<OnObject>(workload, bucketSender(arn, id), false);
  });
  const stored = Object.groupBy(objects, ({ workload }) => workload.store);

  const topics = fedBy("topic").map((workload) => {
    const topic = declared<OnMessage>(workload).topic as string;
    return fed<OnMessage>(workload, topicSender(bound(topic).arn));
  });

  const rules = record(fedBy("bus"), (workload) => {
    const { bus, pattern } = declared<OnMessage>(workload);
    return busRule(`${name}-${workload}`, bound(bus as string).location, pattern, parent);
  });
  const buses = Object.entries(rules).map(([workload, rule]) => ({
    ...fed<OnMessage>(workload, ruleSender(rule)),
    rule,
  }));

  // A schedule's role lets it send: the queue itself is open to no service.
  const schedules = fedBy("schedule").map((workload) => fed<OnSchedule>(workload));
  const group = schedules.length > 0 ? scheduleGroup(name, parent) : undefined;

  return {
    notifications: Object.fromEntries(
      Object.entries(stored).map(([store, told = []]) => [
        store,
        objectEvents(
          `${name}-${store}`,
          bound(store).location,
          told.map(({ workload, queue, policies: [policy] }) => ({
            prefix: workload.prefix,
            queueArn: queue.arn,
            policy,
          })),
          parent,
        ),
      ]),
    ),
    subscriptions: byName(topics, ({ logical, workload, ...to }) => {
      const { topic, filter } = workload;
      return subscription(logical, bound(topic as string).arn, { ...to, filter }, parent);
    }),
    rules,
    targets: byName(buses, ({ logical, rule, ...to }) => busTarget(logical, rule, to, parent)),
    schedules: group
      ? byName(schedules, ({ logical, workload, ...to }) =>
          schedule(logical, workload, { ...to, group, account, transform }, parent),
        )
      : {},
  };
}

interface FeedArgs {
  readonly system: System;
  readonly stores?: Bindings;
  readonly transform?: RoleTransforms;
}

const scheduleGroup = (name: string, parent: pulumi.Resource) =>
  new aws.scheduler.ScheduleGroup(name, { name: physicalName(name, "scheduleGroup") }, { parent });
