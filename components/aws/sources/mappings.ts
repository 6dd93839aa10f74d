import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { deadLettersEnv, type Stream, type System, type Workload } from "../../../spec/index.ts";
import type { Binding } from "../bindings.ts";
import { type Consumed, feedingFrom } from "../consumers.ts";
import { batchingWindow, maximumConcurrency, type Queued, type Reader } from "../event-plan.ts";
import type { WorkloadFunction } from "../Function.ts";
import { functionOf, type Hosting } from "../hosting.ts";
import { readerStatements } from "../permissions.ts";

/** A function, and what hands events to it. */
export interface Fed {
  readonly function: WorkloadFunction;
  readonly mapping: aws.lambda.EventSourceMapping;
}

/** Tells Lambda that the answer names what failed: the rest is done. */
const functionResponseTypes = ["ReportBatchItemFailures"];

/**
 * A function that a queue's messages are handed to, in batches.
 * @param name of the component
 */
export function fedByQueue(
  name: string,
  { name: workload, source }: Queued,
  queue: Consumed,
  args: Hosting,
  parent: pulumi.Resource,
): Fed {
  const { system, placements } = args;
  const made = functionOf(name, workload, args, { feeding: feedingFrom(queue) }, parent);
  const window = batchingWindow(source, system.workloads[workload] as Workload);
  const mapping = new aws.lambda.EventSourceMapping(
    `${name}-${workload}`,
    {
      functionName: made.arn,
      eventSourceArn: queue.arn,
      batchSize: source.batch,
      ...(window > 0 && { maximumBatchingWindowInSeconds: window }),
      functionResponseTypes,
      scalingConfig: {
        maximumConcurrency: maximumConcurrency(placements?.[workload]?.concurrency),
      },
    },
    { parent },
  );
  return { function: made, mapping };
}

/**
 * Tries of a record that stands alone. What is invalid the function sets aside by itself: these are
 * for what passes, and more than a queue's, since what comes after waits behind.
 */
const maximumRetryAttempts = 10;
/** An hour before the source forgets a record it becomes a dead letter, while it can still be read. */
const marginSeconds = 3_600;
/** The oldest that Lambda can be told of (API reference, CreateEventSourceMapping, 2026-11). */
const oldestSeconds = 604_800;
/** How long DynamoDB keeps a change (DynamoDB Developer Guide, "DynamoDB Streams", 2026-11). */
const changesHours = 24;

/** How old a record of a stream may grow, in seconds. */
const recordAge = (retentionHours: number): number =>
  Math.min(retentionHours * 3_600 - marginSeconds, oldestSeconds);

const feedOf = ({ source }: Reader, { system, stores = {} }: Hosting) =>
  source.via === "stream"
    ? {
        arn: (stores[source.stream] as Binding).arn ?? "",
        retentionHours: streamOf(system, source.stream).retentionHours,
      }
    : { arn: (stores[source.table] as Binding).feedArn ?? "", retentionHours: changesHours };
const streamOf = (system: System, name: string) => system.channels[name] as Stream;

/**
 * A function that reads a stream, or the changes of a table: in order, shard by shard.
 * @param name of the component
 * @param dead where what no try could handle is noted
 */
export function fedByStream(
  name: string,
  reader: Reader,
  dead: aws.sqs.Queue,
  args: Hosting,
  parent: pulumi.Resource,
): Fed {
  const { name: workload, source } = reader;
  const { arn, retentionHours } = feedOf(reader, args);
  const feeding = {
    statements: pulumi
      .all([arn, dead.arn])
      .apply(([feed, letters]) => readerStatements(source.via, feed, letters)),
    variables: { [deadLettersEnv]: dead.url },
    deadLettersArn: dead.arn,
  };
  const made = functionOf(name, workload, args, { feeding }, parent);
  const mapping = new aws.lambda.EventSourceMapping(
    `${name}-${workload}`,
    {
      functionName: made.arn,
      eventSourceArn: arn,
      startingPosition: "TRIM_HORIZON",
      batchSize: source.batch,
      bisectBatchOnFunctionError: true,
      maximumRetryAttempts,
      maximumRecordAgeInSeconds: recordAge(retentionHours),
      parallelizationFactor: 1,
      functionResponseTypes,
      destinationConfig: { onFailure: { destinationArn: dead.arn } },
    },
    { parent },
  );
  return { function: made, mapping };
}
