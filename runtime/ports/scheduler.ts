import type { Json } from "./json.ts";

/** Sends a message to the declared queue at a later time. Answered means stored. */
export interface Scheduler {
  /**
   * Schedules, or moves what has the same id and was not sent yet. At least once, at or soon after
   * its time.
   * @param id 1 to 60 characters of `[A-Za-z0-9_.-]`
   * @param at up to a year from now; one that is past is sent at once
   */
  at(id: string, at: Date, body: Json): Promise<void>;
  /** Forgets it; one that is not there, or was sent, is no error. */
  cancel(id: string): Promise<void>;
}
