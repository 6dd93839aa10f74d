/** One thing to correct: what was given; what to do. */
export type Fault = string;

/**
 * Refuses a component's arguments, all faults in one message.
 * @param component such as "ServerlessEdge"
 * @param name of the instance
 * @throws {Error} `ServerlessEdge "edge": …`, where there is any fault
 */
export function refuse(component: string, name: string, faults: readonly Fault[]): void {
  if (faults.length === 0) return;
  const [only] = faults;
  throw new Error(
    faults.length === 1
      ? `${component} "${name}": ${only}`
      : `${component} "${name}": ${faults.length} faults\n${faults.map((f) => `  - ${f}`).join("\n")}`,
  );
}
