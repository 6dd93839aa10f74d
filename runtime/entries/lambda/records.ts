import type { Json, RecordHandler, StreamRecord } from "../../ports/index.ts";
import { outcomeOf } from "../outcome.ts";
import type { BatchAnswer, LambdaContext } from "./context.ts";
import { answerTo, endings, type InOrderOptions, outOfTime, type Stop } from "./in-order.ts";

/** What Amazon Kinesis hands to a function, as far as it is read here. */
export interface KinesisEvent {
  readonly Records: readonly KinesisRecord[];
}
export interface KinesisRecord {
  /** "<shard>:<sequence number>" */
  readonly eventID: string;
  readonly kinesis: {
    readonly partitionKey: string;
    readonly sequenceNumber: string;
    /** base64 */
    readonly data: string;
    /** Seconds since 1970. */
    readonly approximateArrivalTimestamp: number;
  };
}

/**
 * A workload that reads a stream as a Lambda function behind Kinesis, with ReportBatchItemFailures
 * and BisectBatchOnFunctionError; one batch of a shard at a time (ParallelizationFactor 1).
 * A record that is no JSON is set aside. A batch that the handler finds invalid is halved here and
 * now, in order, until the records that are stand alone and are set aside. Any other error leaves
 * the records from there on for the next delivery.
 * @example
 * export const handler = lambdaRecords(create(ports), { deadLetters });
 */
export function lambdaRecords(handler: RecordHandler, options: InOrderOptions) {
  const { stopAt, setAside } = endings(options);

  /** Works through one shard's records. @returns where it had to stop */
  async function settle(
    shard: string,
    given: readonly KinesisRecord[],
    context: LambdaContext,
  ): Promise<Stop | undefined> {
    const read = given.map(recordOf);
    const stop = await work(read.filter((one) => "body" in one));
    // Only now, lest each new delivery of the batch sets them aside once more.
    for (const one of read) {
      if (one.sequence === stop?.sequence) break;
      if ("body" in one) continue;
      const unread = await away(one, { data: one.data }, new Error("its data is no JSON"));
      if (unread) return unread;
    }
    return stop;

    async function work(records: readonly StreamRecord[]): Promise<Stop | undefined> {
      const [first] = records;
      if (!first) return undefined;
      const late = outOfTime(context);
      if (late) return stopAt(first.sequence, late);
      try {
        await handler({ shard, records });
        return undefined;
      } catch (error) {
        if (outcomeOf(error) === "retry") return stopAt(first.sequence, error);
        if (records.length === 1) return away(first, { body: first.body }, error);
      }
      const middle = Math.ceil(records.length / 2);
      return (await work(records.slice(0, middle))) ?? work(records.slice(middle));
    }

    function away(
      { sequence, key, at }: Omit<StreamRecord, "body">,
      content: Readonly<Record<string, Json>>,
      error: unknown,
    ): Promise<Stop | undefined> {
      const head = { shard, sequence, key, at: at.toISOString() };
      return setAside(sequence, { head, content }, error);
    }
  }

  return async ({ Records }: KinesisEvent, context: LambdaContext): Promise<BatchAnswer> => {
    const shards = Map.groupBy(Records, ({ eventID }) => eventID.split(":", 1)[0] ?? "");
    for (const [shard, records] of shards) {
      const stop = await settle(shard, records, context);
      // A sequence number points into one shard; Kinesis sends one at a time.
      const first = shards.size === 1 ? Records[0]?.kinesis.sequenceNumber : stop?.sequence;
      if (stop) return answerTo(first, stop);
    }
    return answerTo(undefined, undefined);
  };
}

type Unread = Omit<StreamRecord, "body"> & { readonly data: string };

const utf8 = new TextDecoder("utf-8", { fatal: true });

function recordOf({ kinesis }: KinesisRecord): StreamRecord | Unread {
  const head = {
    sequence: kinesis.sequenceNumber,
    key: kinesis.partitionKey,
    at: new Date(kinesis.approximateArrivalTimestamp * 1000),
  };
  try {
    const text = utf8.decode(Buffer.from(kinesis.data, "base64"));
    return { ...head, body: JSON.parse(text) as Json };
  } catch {
    return { ...head, data: kinesis.data };
  }
}
