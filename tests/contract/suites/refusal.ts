import { type ErrorCode, isPortError } from "../../../runtime/ports/index.ts";

/** The code with which a port refuses; anything but a PortError is thrown on and fails the test. */
export async function refusal(promise: Promise<unknown>): Promise<ErrorCode | "nothing refused"> {
  try {
    await promise;
    return "nothing refused";
  } catch (error) {
    if (isPortError(error)) return error.code;
    throw error;
  }
}

/** How many promises ended how: `{ fulfilled: 1, conflict: 19 }`. */
export async function tally(promises: Promise<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const result of await Promise.allSettled(promises)) {
    const key =
      result.status === "fulfilled"
        ? "fulfilled"
        : isPortError(result.reason)
          ? result.reason.code
          : String(result.reason);
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** Order by UTF-8 bytes, which is not JavaScript's own above U+FFFF. */
export const byUtf8 = (a: string, b: string): number =>
  Buffer.compare(Buffer.from(a), Buffer.from(b));
