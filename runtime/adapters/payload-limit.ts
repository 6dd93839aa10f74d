import { PortError } from "../ports/index.ts";
import type { Fault } from "./faults.ts";

/** Of a call that waits for its answer, and of the answer (AWS Lambda quotas, read 2026-11: 6 MB). */
const maxBytes = 6 * 1_048_576;

/** @throws {PortError} `too-large` for a payload that no call carries */
export function checkPayload(fault: Fault, payload: string): void {
  const bytes = Buffer.byteLength(payload);
  if (bytes > maxBytes)
    throw fault("too-large", `payload of ${bytes} bytes; call it with at most ${maxBytes}`);
}

/** Whether an answer is one that a function can give. */
export const isCarried = (answer: string): boolean => Buffer.byteLength(answer) <= maxBytes;

/** The end of a wait: by the client, or by the clock. Whether the function goes on is unknown. */
export const waitEnded = (fault: Fault, signal: AbortSignal): PortError =>
  signal.reason instanceof PortError
    ? signal.reason
    : fault("unavailable", "no answer while somebody waited; look at its duration", signal.reason);
