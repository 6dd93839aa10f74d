import type { Json, JsonObject } from "./json.ts";
import type { Message } from "./queue.ts";

/**
 * What a workload of kind onMessage returns from `create`, for a queue, a topic or a bus. To
 * return is to be done with the message. PortError "invalid" and "too-large": no retry can help, it
 * goes to the dead letters at once. Any other error: it is delivered again.
 * What comes from a topic or a bus has an {@link EventEnvelope} as its body.
 */
export type MessageHandler = (message: Message) => Promise<void>;

/**
 * What a job returns from `create`. As {@link MessageHandler}, with 12 h for each run: SQS delivers
 * its message a second time then.
 */
export type JobHandler = (message: Message, run: JobRun) => Promise<void>;

export interface JobRun {
  /** Aborted where the host stops: the message is delivered again, elsewhere. */
  readonly signal: AbortSignal;
}

/** An object that was stored. */
export interface ObjectStored {
  readonly key: string;
  readonly bytes: number;
  /** Of these bytes, as `get` gives it. */
  readonly etag: string;
  /** Of two events of one key the later has the higher one, in byte order of the text. */
  readonly version: string;
}

/** What a workload of kind onObject returns from `create`; errors as for {@link MessageHandler}. */
export type ObjectHandler = (object: ObjectStored, delivery: DeliveryInfo) => Promise<void>;

/** What a workload of kind onSchedule returns from `create`; errors as for {@link MessageHandler}. */
export type ScheduleHandler = (
  /** The time that the schedule meant, not the one at which it was delivered. */
  run: { readonly scheduledAt: Date },
  delivery: DeliveryInfo,
) => Promise<void>;

export interface DeliveryInfo {
  /** The same for each delivery of one event. */
  readonly id: string;
  /** This delivery's number, from 1. */
  readonly receives: number;
}

/** A record of a stream. */
export interface StreamRecord {
  /** Higher for later records of one shard: whole numbers as text, of any length. */
  readonly sequence: string;
  readonly key: string;
  readonly body: Json;
  readonly at: Date;
}

/** Records of one shard, in order. */
export interface RecordBatch {
  readonly shard: string;
  readonly records: readonly StreamRecord[];
}

/**
 * What a workload of kind onMessage returns from `create`, for a stream. To return is to be done
 * with all of them. An error: the batch is delivered again, in halves, until the record that fails
 * stands alone; it goes to the dead letters when its tries are used up. Records after it wait.
 */
export type RecordHandler = (batch: RecordBatch) => Promise<void>;

/** A change of a document. */
export interface TableChange {
  /** The same for each delivery of one change. */
  readonly id: string;
  readonly key: { readonly pk: string; readonly sk: string };
  /** Absent where it was inserted. */
  readonly before?: JsonObject;
  /** Absent where it was removed. */
  readonly after?: JsonObject;
  readonly at: Date;
}

/**
 * What a workload of kind onMessage returns from `create`, for a change feed: called with the
 * changes of one key in their order. Errors as for {@link MessageHandler}; later changes wait.
 */
export type ChangeHandler = (change: TableChange) => Promise<void>;
