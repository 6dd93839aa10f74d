import { awsUsEast1, type Priced } from "../../planner/index.ts";

const price = (of: Priced): number => {
  const { amount } = awsUsEast1.prices[of];
  if (amount === "unknown") throw new Error(`bench: the price of ${of} is unknown`);
  return amount;
};

/** A task of 0.25 vCPU and 0.5 GB, arm64, and a function of 512 MB. */
const task = { vcpu: 0.25, gb: 0.5 };
const functionGb = 0.5;

/** List price of so many tasks for so many seconds, in USD. */
export const tasksUsd = (tasks: number, seconds: number): number =>
  (tasks *
    seconds *
    (task.vcpu * price("container vCPU-hours, arm64") +
      task.gb * price("container GB-hours, arm64"))) /
  3_600;

/** List price of so many calls that took so many ms together, in USD. */
export const callsUsd = (calls: number, ms: number): number =>
  (calls / 1e6) * price("function requests") +
  (ms / 1_000) * functionGb * price("function GB-seconds, arm64");
