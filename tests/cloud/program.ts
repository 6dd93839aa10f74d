import { system } from "../../system.ts";
import { awsInvoke, type Graph, runUnderMocks } from "../components/harness.ts";

/** Where the mocked graph says that everything is; the emulator's account has the same number. */
export const region = "eu-central-1";
export const account = "123456789012";
/** Where the graph's queues are; everything else is known there by name or ARN. */
export const queuesAt = `https://sqs.${region}.amazonaws.com`;

/**
 * What the program would deploy as a stack: every resource with its inputs.
 * @param stack its name, which is in the names of all that it makes
 * @param secrets values by name. Default: one of its own for each
 */
export const programAs = (
  stack: string,
  secrets: Readonly<Record<string, string>> = {},
): Promise<Graph> =>
  runUnderMocks(() => import("../../index.ts"), {
    // The namespace of the program's config.
    project: "spillway",
    stack,
    config: {
      "aws:region": region,
      "spillway:protect": "false",
      "spillway:secrets": {
        ...Object.fromEntries(system.secrets.map((name) => [name, `value-of-${name}`])),
        ...secrets,
      },
    },
    secretConfig: ["spillway:secrets"],
    invoke: awsInvoke,
  });
