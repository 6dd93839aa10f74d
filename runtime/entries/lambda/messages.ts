import type { Feed } from "../../../spec/index.ts";
import { type Json, type Message, PortError } from "../../ports/index.ts";
import { type Deadline, deadlineIn } from "../deadline.ts";
import { type DeadLetters, logTrouble, outcomeOf, reasonOf, type Trouble } from "../outcome.ts";
import { type EventHandler, type Work, workOf } from "../work.ts";
import { type BatchAnswer, type LambdaContext, workingMs } from "./context.ts";

/** What Amazon SQS hands to a function, as far as it is read here. */
export interface SqsEvent {
  readonly Records: readonly SqsRecord[];
}
export interface SqsRecord {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: {
    readonly ApproximateReceiveCount: string;
    /** Milliseconds since 1970. */
    readonly SentTimestamp: string;
  };
}

export interface MessagesOptions {
  readonly feed: Feed;
  /** Deliveries before the queue gives a message up: at the last one it is set aside here. */
  readonly maxReceives: number;
  readonly deadLetters: DeadLetters;
  /** Messages worked on at a time. Default: 10 */
  readonly concurrency?: number;
  /** Default: a line of JSON in the function's log */
  readonly onTrouble?: (trouble: Trouble) => void;
}

/**
 * A workload that a queue starts as a Lambda function behind SQS, with ReportBatchItemFailures.
 * Each message stands alone: what is done stays done, what failed comes back, and what no delivery
 * can help, or has had its last one, is set aside with the reason. A message that is not done
 * shortly before the function's end counts as failed, so that it does not take others with it.
 * @example
 * export const handler = lambdaMessages(create(ports), { feed: "queue", maxReceives: 5, deadLetters });
 */
export function lambdaMessages(handler: EventHandler, options: MessagesOptions) {
  const work = workOf(handler, options.feed);
  return async ({ Records }: SqsEvent, context: LambdaContext): Promise<BatchAnswer> => {
    const deadline = deadlineIn(workingMs(context));
    const waiting = Records.values();
    const failed: SqsRecord[] = [];
    const worker = async () => {
      for (const record of waiting)
        if (!(await settle(record, work, deadline, options))) failed.push(record);
    };
    await Promise.all(Array.from({ length: options.concurrency ?? 10 }, worker));
    deadline.end();
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  };
}

/** @returns whether the queue may forget the message: it is done, or among the dead letters */
async function settle(
  record: SqsRecord,
  work: Work,
  deadline: Deadline,
  { maxReceives, deadLetters, onTrouble = logTrouble }: MessagesOptions,
): Promise<boolean> {
  const { messageId, attributes } = record;
  try {
    try {
      deadline.signal.throwIfAborted();
      await deadline.within(work(messageOf(record), deadline.signal));
    } catch (error) {
      const outcome = outcomeOf(error);
      onTrouble({ outcome, error, message: messageId });
      // At the last delivery SQS would set it aside too, but without the reason.
      if (outcome === "retry" && Number(attributes.ApproximateReceiveCount) < maxReceives)
        return false;
      await deadLetters.setAside(record.body, reasonOf(error));
    }
    return true;
  } catch (error) {
    onTrouble({ outcome: "receive", error, message: messageId });
    return false;
  }
}

/** @throws `invalid` for a body that is no JSON */
function messageOf({ messageId, body, attributes }: SqsRecord): Message {
  return {
    id: messageId,
    body: parsed(body),
    receives: Number(attributes.ApproximateReceiveCount),
    sentAt: new Date(Number(attributes.SentTimestamp)),
  };
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new PortError("invalid", "its body is no JSON");
  }
}
