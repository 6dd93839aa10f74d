import type { Fault } from "./faults.ts";

const yearMs = 366 * 86_400_000;

/** @throws `invalid` unless the id is 1 to 60 of letters, digits, "_", "." and "-" */
export function checkScheduleId(fault: Fault, id: string): void {
  if (typeof id !== "string" || !/^[A-Za-z0-9_.-]{1,60}$/.test(id))
    throw fault(
      "invalid",
      `id ${JSON.stringify(String(id).slice(0, 80))}; use 1 to 60 of A-Z, a-z, 0-9, "_", "." and "-"`,
    );
}

/** @throws `invalid` for no time, and for one more than a year after now */
export function checkScheduleTime(fault: Fault, at: Date, now: number): void {
  const time = at.getTime();
  if (Number.isNaN(time) || time - now > yearMs)
    throw fault("invalid", `time ${time}; give one within a year from now`);
}
