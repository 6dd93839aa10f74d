import { type ErrorCode, PortError } from "../ports/index.ts";

/** Makes the errors of one port: `table "catalog": <what was given>; <what to do>`. */
export type Fault = (
  code: ErrorCode,
  text: string,
  cause?: unknown,
  about?: { readonly undone?: boolean },
) => PortError;

export const faultsOf =
  (kind: string, name: string): Fault =>
  (code, text, cause, about) =>
    new PortError(code, `${kind} "${name}": ${text}`, {
      ...about,
      ...(cause !== undefined && { cause }),
    });
