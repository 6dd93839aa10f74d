import { type ErrorCode, PortError } from "../ports/index.ts";

/** Makes the errors of one port: `table "catalog": <what was given>; <what to do>`. */
export type Fault = (code: ErrorCode, text: string, cause?: unknown) => PortError;

export const faultsOf =
  (kind: string, name: string): Fault =>
  (code, text, cause) =>
    new PortError(code, `${kind} "${name}": ${text}`, cause === undefined ? {} : { cause });
