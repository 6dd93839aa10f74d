import { isPortError } from "../../ports/index.ts";

/** What happened to records that were not done. */
export interface ReadTrouble {
  readonly outcome: "retry" | "reject" | "receive";
  readonly error: unknown;
}

/** A handler failed at this record; those before it are done. */
export class FailedAt extends Error {
  readonly index: number;
  constructor(index: number, cause: unknown) {
    super(`record ${index} failed`, { cause });
    this.index = index;
  }
}

export interface Delivering<R> {
  /** Throws where not all are done: {@link FailedAt}, or anything where it cannot say which. */
  handle(records: readonly R[]): Promise<void>;
  /** Notes the oldest as done. */
  done(records: readonly R[]): Promise<void>;
  /** Notes the oldest as done, and puts it where somebody looks at it. */
  setAside(record: R, reason: string): Promise<void>;
  wait(seconds: number): Promise<void>;
  /** Tries of a record that stands alone, after the first. */
  readonly retries: number;
  onTrouble(trouble: ReadTrouble): void;
}

/**
 * Has records handled in their order, until each is done or set aside. Where the handler fails, it
 * gets the first half and then the second, until the record that fails stands alone.
 * @throws what the methods but `handle` throw: the records that were not noted come again
 */
export async function deliver<R>(to: Delivering<R>, records: readonly R[]): Promise<void> {
  if (records.length === 0) return;
  const failure = await attempt(to, records);
  if (!failure) return to.done(records);
  const index = failure.index ?? (records.length === 1 ? 0 : undefined);
  if (index === undefined) {
    to.onTrouble({ outcome: "retry", error: failure.error });
    const half = Math.ceil(records.length / 2);
    await deliver(to, records.slice(0, half));
    await deliver(to, records.slice(half));
  } else {
    if (index > 0) await to.done(records.slice(0, index));
    await alone(to, records[index] as R, failure.error);
    await deliver(to, records.slice(index + 1));
  }
}

/** Seconds before another try: 1, 2, 4 … at most a minute. */
export const pauseSeconds = (failures: number): number => Math.min(2 ** (failures - 1), 60);

async function alone<R>(to: Delivering<R>, record: R, firstError: unknown): Promise<void> {
  let error = firstError;
  for (let failures = 1; failures <= to.retries && mayPass(error); failures++) {
    to.onTrouble({ outcome: "retry", error });
    await to.wait(pauseSeconds(failures));
    const failure = await attempt(to, [record]);
    if (!failure) return to.done([record]);
    error = failure.error;
  }
  to.onTrouble({ outcome: "reject", error });
  await to.setAside(record, error instanceof Error ? error.message || error.name : String(error));
}

async function attempt<R>(to: Delivering<R>, records: readonly R[]) {
  try {
    await to.handle(records);
    return undefined;
  } catch (error) {
    return error instanceof FailedAt ? { error: error.cause, index: error.index } : { error };
  }
}

/** No retry can help what is invalid or too large. */
const mayPass = (error: unknown): boolean =>
  !isPortError(error, "invalid") && !isPortError(error, "too-large");
