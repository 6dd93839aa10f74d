import type { Fault } from "./faults.ts";

/** @throws `invalid` unless both are times, the first before the second */
export function checkSpan(fault: Fault, { from, to }: { readonly from: Date; readonly to: Date }) {
  if (!(from.getTime() < to.getTime()))
    throw fault("invalid", "the span ends before it begins, or has no times; give from < to");
}
