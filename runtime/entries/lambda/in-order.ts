import type { Json } from "../../ports/index.ts";
import { type DeadLetters, logTrouble, reasonOf, type Trouble } from "../outcome.ts";
import type { BatchAnswer, LambdaContext } from "./context.ts";

/** What the entries of streams and of change feeds are made with. */
export interface InOrderOptions {
  readonly deadLetters: DeadLetters;
  /** Default: a line of JSON in the function's log */
  readonly onTrouble?: (trouble: Trouble) => void;
}

/** The first record that is not done, and why. */
export interface Stop {
  readonly sequence: string;
  readonly error: unknown;
}

/**
 * The answer to an event source that keeps order, with ReportBatchItemFailures and
 * BisectBatchOnFunctionError. After some progress it goes on from where it stopped. Without any the
 * error is thrown: only that makes the event source halve the batch, until the record that fails
 * stands alone and its tries do not use up those of its neighbours.
 * @param first sequence number of the batch's first record
 */
export function answerTo(first: string | undefined, stop: Stop | undefined): BatchAnswer {
  if (stop === undefined) return { batchItemFailures: [] };
  if (stop.sequence === first) throw stop.error;
  return { batchItemFailures: [{ itemIdentifier: stop.sequence }] };
}

/** How an entry ends what it cannot do, one record after the other. */
export function endings({ deadLetters, onTrouble = logTrouble }: InOrderOptions) {
  return {
    /** To be delivered again, and everything behind it. */
    stopAt(sequence: string, error: unknown): Stop {
      onTrouble({ outcome: "retry", error, message: sequence });
      return { sequence, error };
    },

    /** To the dead letters; where they cannot be reached, the record is delivered again. */
    async setAside(sequence: string, letter: Letter, error: unknown): Promise<Stop | undefined> {
      onTrouble({ outcome: "reject", error, message: sequence });
      try {
        await deadLetters.setAside(textOf(letter), reasonOf(error));
        return undefined;
      } catch (cause) {
        onTrouble({ outcome: "receive", error: cause, message: sequence });
        return { sequence, error: cause };
      }
    },
  };
}

export interface Letter {
  /** What it was, and where it is found again while the stream keeps it. */
  readonly head: Readonly<Record<string, Json>>;
  /** What it held. */
  readonly content: Readonly<Record<string, Json | undefined>>;
}

/** In bytes: SQS's 1 MiB, less what the reason may take. */
const maxLetterBytes = 1_047_000;

/** A letter as text, without its content where that is more than a queue's message can hold. */
function textOf({ head, content }: Letter): string {
  const whole = JSON.stringify({ ...head, ...content });
  return Buffer.byteLength(whole) <= maxLetterBytes
    ? whole
    : JSON.stringify({ ...head, leftOut: Object.keys(content) });
}

const lastMs = 1_000;

/**
 * Why there is no time for another call, or `undefined` where there is: a function that is stopped
 * in the middle would have to do the whole batch again.
 */
export const outOfTime = (context: LambdaContext): Error | undefined =>
  context.getRemainingTimeInMillis() < lastMs
    ? new Error("the function was about to end; what is left is delivered again")
    : undefined;
