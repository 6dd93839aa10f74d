import type { Json, JsonObject } from "./json.ts";

/** How an execution stands. */
export interface Execution {
  readonly id: string;
  /**
   * "done": every step was. "compensated": a step failed, and what was done before is undone.
   * "stuck": an undoing failed for good, and somebody has to look.
   */
  readonly status: "running" | "done" | "compensated" | "stuck";
  readonly startedAt: Date;
  readonly endedAt?: Date;
  /** The step that failed, and why. */
  readonly failed?: { readonly step: string; readonly reason: string };
}

export interface Workflow {
  /**
   * Starts an execution. Answered means stored.
   * @param id 1 to 80 characters of `[A-Za-z0-9_-]`; a second start with it does nothing
   * @returns false where it was started before
   * @throws `conflict` where it was started with another input, `too-large` over 100 KiB of JSON
   */
  start(id: string, input: JsonObject): Promise<{ readonly started: boolean }>;
  /** The execution, or `undefined` where there is none of that id. */
  status(id: string): Promise<Execution | undefined>;
}

/** What a step is called with. */
export interface StepContext {
  /** Of the execution. */
  readonly id: string;
  readonly input: JsonObject;
  /** What earlier steps returned, by their names; `null` where they returned nothing. */
  readonly results: Readonly<Record<string, Json>>;
  /** In compensations: the step that failed, and why. */
  readonly failed?: { readonly step: string; readonly reason: string };
}

/**
 * A step of a workflow: may be called again, and a call that was given up may still take effect, so
 * its effects are keyed by the execution's id. PortError "invalid", "denied", "conflict",
 * "not-found" and "too-large": no retry can help. Any other error is tried again as declared.
 * A compensation undoes its step where it was done, and keeps it from being done where it was not.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a step that returns nothing needs no return
export type StepHandler = (context: StepContext) => Promise<Json | void>;
