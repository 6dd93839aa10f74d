import { maxInputBytes } from "../../spec/workflow.ts";
import type { JsonObject } from "../ports/index.ts";
import type { Fault } from "./faults.ts";
import { messageText } from "./limits.ts";

/** @throws `invalid` unless the id could be the name of an execution of Step Functions */
export function checkExecutionId(fault: Fault, id: string): void {
  if (typeof id !== "string" || !/^[A-Za-z0-9_-]{1,80}$/.test(id))
    throw fault(
      "invalid",
      `execution ${JSON.stringify(String(id).slice(0, 100))}; name it by 1 to 80 of A-Z, a-z, 0-9, "_" and "-"`,
    );
}

/**
 * The input of an execution as JSON text.
 * @throws `invalid` for what is no object or what JSON cannot hold, `too-large` over 100 KiB
 */
export function executionInput(fault: Fault, input: JsonObject): string {
  if (typeof input !== "object" || input === null || Array.isArray(input))
    throw fault("invalid", "the input is no object; give a JSON object");
  return messageText(fault, input, maxInputBytes);
}
