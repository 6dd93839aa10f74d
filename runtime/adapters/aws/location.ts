import type { Fault } from "../faults.ts";

/**
 * The parts of a location that has several: JSON text, as one variable carries them.
 * @throws `invalid` where one is missing
 */
export function partsOf<const Name extends string>(
  fault: Fault,
  location: string,
  names: readonly Name[],
): Readonly<Record<Name, string>> {
  let parts: Partial<Record<Name, unknown>> | null = null;
  try {
    parts = JSON.parse(location);
  } catch {
    // Said below, together with what is missing.
  }
  const missing = names.filter((name) => typeof parts?.[name] !== "string" || parts[name] === "");
  if (missing.length > 0)
    throw fault(
      "invalid",
      `its location has no ${missing.join(", ")}; deploy it with its component`,
    );
  return parts as Record<Name, string>;
}
