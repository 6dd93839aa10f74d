import type { Fault } from "../shared/validation.ts";

/** What is wrong with the size of a managed server as a stack names it, such as "db.t4g.small". */
export const nodeClassFaults = (
  key: string,
  given: string,
  kind: "db" | "cache",
  example: string,
): Fault[] =>
  new RegExp(`^${kind}\\.[a-z][a-z0-9-]*\\.(micro|small|medium|(\\d*x)?large)$`).test(given)
    ? []
    : [`${key} "${given}"; write it as ${kind}.<family>.<size>, such as "${example}"`];
