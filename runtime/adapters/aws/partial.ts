/** What calls that take several entries answer for one of them that failed. */
export interface FailedEntry {
  readonly ErrorCode?: string;
  readonly ErrorMessage?: string;
}

/** A failed entry as the error that a call for it alone would have been. */
export const entryError = ({ ErrorCode = "", ErrorMessage = "" }: FailedEntry): Error =>
  Object.assign(new EntryError(ErrorMessage), { name: ErrorCode });

class EntryError extends Error {}

const passing = [
  "InternalException",
  "InternalFailure",
  "ProvisionedThroughputExceededException",
  "ThrottlingException",
];

/** Whether an entry failed for a reason that passes; calls that fail are the SDK's to repeat. */
export const isPassing = (error: unknown): boolean =>
  error instanceof EntryError && passing.includes(error.name);
