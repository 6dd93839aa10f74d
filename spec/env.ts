import type { Use } from "./uses.ts";

const upper = (name: string) =>
  name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll("-", "_")
    .toUpperCase();

/**
 * The environment variable through which a workload learns where a resource is: a table's name, a
 * bucket's name, a queue's URL, a secret's ARN, the edge's URL. Components set it, generated
 * entries read it.
 * @example
 * envName({ kind: "table", name: "catalog" }); // "SPILLWAY_TABLE_CATALOG"
 */
export const envName = (use: Pick<Use, "kind" | "name">): string =>
  `SPILLWAY_${use.kind === "secret" ? "SECRET_ARN" : upper(use.kind)}_${upper(use.name)}`;

/** The variable with a secret's value on this machine: `SPILLWAY_SECRET_GITHUB_WEBHOOK`. */
export const localSecretEnvName = (secret: string): string => `SPILLWAY_SECRET_${upper(secret)}`;

/** What entries need to check tokens: issuer, audience (the client id), and where the keys are. */
export const tokenEnv = {
  issuer: "SPILLWAY_TOKEN_ISSUER",
  audience: "SPILLWAY_TOKEN_AUDIENCE",
  jwks: "SPILLWAY_TOKEN_JWKS",
} as const;

/** Where an event workload puts what no delivery can help: its dead-letter queue's URL. */
export const deadLettersEnv = "SPILLWAY_DEAD_LETTERS";

/** Where a container's consumer receives from: its queue's URL. */
export const sourceQueueEnv = "SPILLWAY_SOURCE_QUEUE";

/** Where a container's function twin is: its ARN. Absent: it has none. */
export const twinEnv = "SPILLWAY_TWIN";

/** Under which name a container reports its requests or sockets. Default: the workload's */
export const metricsEnv = "SPILLWAY_METRICS";

/** How a container admits requests: options of its admission control as JSON. Default: {} */
export const admissionEnv = "SPILLWAY_ADMISSION";

/** The pages that may open web sockets, with commas between. Default: those of the system's edge */
export const originsEnv = "SPILLWAY_ORIGINS";

/** At which port of loopback a container that a queue starts says that it is alive. Default: at none */
export const healthPortEnv = "SPILLWAY_HEALTH_PORT";
