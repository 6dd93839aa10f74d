import { longestDelaySeconds } from "./workflow.ts";
import type { Step, Workflow } from "./workloads.ts";

type Fault = string;

/** A method of the handlers, a state's name and a part of a JSONPath alike. */
const namePattern = /^[a-z][A-Za-z0-9]*$/;
/** A state's name has at most 80 characters, and is made of a step's name and a word. */
const maxNameLength = 60;
/** TimeoutSeconds of a state (Amazon States Language, AWS documentation, read 2026-11). */
const longestTimeout = 99_999_999;
/** Far from the 25,000 events that the history of one execution holds (Step Functions quotas). */
const mostAttempts = 100;
const steepestFactor = 100;

/** What is wrong with a workflow's steps, compensations and failure step. */
export function workflowFaults({ steps, compensations = [], onFailure }: Workflow): Fault[] {
  const all = [...steps, ...compensations];
  const names = all.map((step) => step.name);
  const undoers = compensations.map((step) => step.name);
  const faults: Fault[] = steps.length > 0 ? [] : ["has no steps; give at least one"];
  for (const [index, step] of all.entries()) {
    if (names.indexOf(step.name) < index)
      faults.push(`step "${step.name}" stands twice; rename one`);
    faults.push(...stepFaults(step).map((fault) => `step "${step.name}": ${fault}`));
  }

  const owners = new Map<string, string>();
  const undoes = (owner: string, what: string, name: string | undefined) => {
    if (name === undefined) return;
    const other = owners.get(name);
    if (!undoers.includes(name))
      faults.push(
        `${owner}${what} "${name}" is no ${names.includes(name) ? "compensation" : "step"}; ${
          names.includes(name) ? "give one of compensations" : "add it to compensations"
        }`,
      );
    else if (other) faults.push(`${owner}${what} "${name}" belongs to ${other}; give each its own`);
    else owners.set(name, owner ? owner.slice(0, -2) : what);
  };
  for (const step of steps) undoes(`step "${step.name}": `, "compensate", step.compensate);
  undoes("", "onFailure", onFailure);

  for (const { name, compensate } of compensations) {
    if (compensate !== undefined)
      faults.push(
        `compensation "${name}": compensate "${compensate}"; nothing undoes a compensation, leave it out`,
      );
    if (!owners.has(name) && names.indexOf(name) >= steps.length)
      faults.push(`compensation "${name}" is never run; name it in compensate or onFailure`);
  }
  return faults;
}

function stepFaults({ name, timeoutSeconds, retry }: Step): Fault[] {
  return [
    ...(namePattern.test(name)
      ? []
      : ["start with a small letter, then letters and digits: it is a method's name"]),
    ...(name.length <= maxNameLength
      ? []
      : [`${name.length} characters; use at most ${maxNameLength}`]),
    ...wholeFaults("timeoutSeconds", timeoutSeconds, 1, longestTimeout),
    ...(retry ? retryFaults(retry) : []),
  ];
}

const retryFaults = ({ attempts, backoffSeconds, factor }: NonNullable<Step["retry"]>): Fault[] => [
  ...wholeFaults("retry.attempts", attempts, 0, mostAttempts),
  ...wholeFaults("retry.backoffSeconds", backoffSeconds, 1, longestDelaySeconds),
  ...(factor >= 1 && factor <= steepestFactor
    ? []
    : [`retry.factor ${factor}; use a number from 1 to ${steepestFactor}`]),
];

const wholeFaults = (part: string, value: number, low: number, high: number): Fault[] =>
  Number.isInteger(value) && value >= low && value <= high
    ? []
    : [`${part} ${value}; use a whole number from ${low} to ${high}`];
