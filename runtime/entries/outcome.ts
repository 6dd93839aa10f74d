import { isPortError } from "../ports/errors.ts";

/** What happened to a delivery that was not done; "receive": the queue itself could not be asked. */
export interface Trouble {
  readonly outcome: "retry" | "reject" | "receive";
  readonly error: unknown;
  /** The message's id, or a record's number. */
  readonly message?: string;
}

/** What a failed delivery deserves: no retry can help what is invalid or too large. */
export const outcomeOf = (error: unknown): "retry" | "reject" =>
  isPortError(error, "invalid") || isPortError(error, "too-large") ? "reject" : "retry";

/** What stands beside a dead letter. */
export const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message || error.name : String(error);

/** Seconds until a message that failed is tried again: 1, 2, 4 … at most 15 minutes. */
export const backoffSeconds = (receives: number): number =>
  Math.min(2 ** Math.max(receives - 1, 0), 900);

/** Where an entry puts what no delivery can help. */
export interface DeadLetters {
  /**
   * Stores a message's text with the reason. Once it has returned, the message may be forgotten.
   * @throws where it could not be stored
   */
  setAside(body: string, reason: string): Promise<void>;
}

/** Says in one line of JSON what a function could not do; its log is where operators look. */
export const logTrouble = ({ outcome, message, error }: Trouble): void =>
  console.error(JSON.stringify({ level: "error", outcome, message, error: reasonOf(error) }));
