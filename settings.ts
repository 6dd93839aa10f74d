import * as pulumi from "@pulumi/pulumi";
import { type Host, hosts } from "./planner/index.ts";
import { type Cors, declaredEdge, type System } from "./spec/index.ts";

/** Clouds that this version deploys to. */
export const clouds = ["aws"] as const;

/** What a stack may configure; Pulumi.yaml declares the same keys, with the same defaults. */
export interface Settings {
  readonly cloud: (typeof clouds)[number];
  /** The cloud's region, from `aws:region`. */
  readonly region: string;
  /** Refuse to delete data: stores, the user pool. */
  readonly protect: boolean;
  /** Continuous backups of the stores that have them. */
  readonly backups: boolean;
  /** How long logs are kept, in days. */
  readonly logRetentionDays: number;
  /** Who is mailed alarms and news of costs; empty: nobody. */
  readonly alarmEmail: string;
  /** What the account may cost in a month, in whole USD; 0: costs are not watched. */
  readonly monthlyBudget: number;
  /** ARN of the account's monitor of cost anomalies; empty: with a budget, one is made. */
  readonly anomalyMonitor: string;
  /** Origins that browsers may call from; empty: those of the system's edge. */
  readonly corsOrigins: readonly string[];
  /** The network: range, zones, nat ("none", "one", "per-zone"), endpoints. Default: its component's */
  readonly network: Part<"network">;
  /** Databases: instanceClass, multiAz, storageGb, maxStorageGb, backupDays, connections, proxy. */
  readonly database: Part<"database">;
  /** Caches: nodeType, nodes. */
  readonly cache: Part<"cache">;
  /** Who migrates databases: "automatic", before what uses them changes, or "by-hand". */
  readonly migrations: (typeof migrators)[number];
  /** Certificate of the load balancer's listeners: arn, serverName. Empty: HTTP, inside alone. */
  readonly certificate: Part<"certificate">;
  /** Run the scanners that workloads use; else those workloads are left out. */
  readonly scanner: boolean;
  /** Tasks by workload: min, max, spot (percent), on, instanceType, connections (of a socket). */
  readonly capacity: ByWorkload<"capacity">;
  /** Function twins by workload: perHourUsd, concurrency, ceiling. */
  readonly overflow: ByWorkload<"overflow">;
  /** Workloads that run on both hosts: function, its share of the requests in percent. */
  readonly cutover: ByWorkload<"cutover">;
  /** Hosts chosen by hand, by workload. */
  readonly placement: Readonly<Record<string, Host>>;
  /** Tags on every resource, beside `system` and `stack`. */
  readonly tags: Readonly<Record<string, string>>;
  /** Values of the system's secrets, by name. */
  readonly secrets: Readonly<Record<string, string>>;
}

const migrators = ["automatic", "by-hand"] as const;

/** Settings that are objects: what each may name, and of which type. */
const parts = {
  network: { range: "text", zones: "number", nat: "text", endpoints: "list" },
  database: {
    instanceClass: "text",
    multiAz: "flag",
    storageGb: "number",
    maxStorageGb: "number",
    backupDays: "number",
    connections: "number",
    proxy: "flag",
  },
  cache: { nodeType: "text", nodes: "number" },
  certificate: { arn: "text", serverName: "text" },
  capacity: {
    min: "number",
    max: "number",
    spot: "number",
    on: "text",
    instanceType: "text",
    connections: "number",
  },
  overflow: { perHourUsd: "number", concurrency: "number", ceiling: "number" },
  cutover: { function: "number" },
} as const;
type Types = { text: string; number: number; flag: boolean; list: readonly string[] };
/** A setting that is an object; its values are held to their types here, and weighed by components. */
export type Part<K extends keyof typeof parts> = {
  readonly [P in keyof (typeof parts)[K]]?: Types[(typeof parts)[K][P] & keyof Types];
};
/** Such settings of workloads, by their names. */
export type ByWorkload<K extends keyof typeof parts> = Readonly<Record<string, Part<K>>>;

export const defaults: Settings = {
  cloud: "aws",
  region: "us-east-1",
  protect: false,
  backups: false,
  logRetentionDays: 14,
  alarmEmail: "",
  monthlyBudget: 0,
  anomalyMonitor: "",
  corsOrigins: [],
  network: {},
  database: {},
  cache: {},
  migrations: "automatic",
  certificate: {},
  scanner: false,
  capacity: {},
  overflow: {},
  cutover: {},
  placement: {},
  tags: {},
  secrets: {},
};

/** Retentions that CloudWatch Logs takes, in days (API reference, PutRetentionPolicy, 2026-11). */
const retentions = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288,
  3653,
];

type Raw = Readonly<Record<string, string>>;
type Faults = string[];

/**
 * Checks a stack's configuration.
 * @param raw the project's keys, without its prefix, as text; plus `region`
 * @param system what is configured: its workloads and secrets are the names that may be used
 * @param needed secrets that must have a value
 * @returns the settings, with defaults where a key is absent
 * @throws {pulumi.RunError} with every fault in one message; values of secrets are never part of it
 */
export function parseSettings(raw: Raw, system: System, needed: readonly string[]): Settings {
  const faults: Faults = [];
  for (const key of Object.keys(raw))
    if (!Object.hasOwn(defaults, key))
      faults.push(`key "${key}" is unknown; use one of ${Object.keys(defaults).join(", ")}`);

  const settings: Settings = {
    cloud: oneOf(raw, "cloud", clouds, faults),
    region: raw.region ?? defaults.region,
    protect: flag(raw, "protect", faults),
    backups: flag(raw, "backups", faults),
    logRetentionDays: retention(raw, faults),
    alarmEmail: email(raw, faults),
    monthlyBudget: budget(raw, faults),
    anomalyMonitor: monitor(raw, faults),
    corsOrigins: origins(raw, faults),
    network: part(raw, "network", faults),
    database: part(raw, "database", faults),
    cache: part(raw, "cache", faults),
    scanner: flag(raw, "scanner", faults),
    migrations: oneOf(raw, "migrations", migrators, faults),
    certificate: certificate(raw, faults),
    capacity: byWorkload(raw, "capacity", system, faults),
    overflow: byWorkload(raw, "overflow", system, faults),
    cutover: byWorkload(raw, "cutover", system, faults),
    placement: placement(raw, system, faults),
    tags: record(raw, "tags", faults),
    secrets: secrets(raw, system, needed, faults),
  };
  if (faults.length > 0)
    throw new pulumi.RunError(
      `Stack config: ${faults.length} to correct\n${faults.map((f) => `  - ${f}`).join("\n")}`,
    );
  return settings;
}

/** Reads the running stack's configuration: see {@link parseSettings}. */
export function readSettings(system: System, needed: readonly string[]): Settings {
  const prefix = `${pulumi.getProject()}:`;
  const own = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(prefix));
  const region = new pulumi.Config("aws").get("region");
  const raw = Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value]));
  return parseSettings(region === undefined ? raw : { ...raw, region }, system, needed);
}

/** What browsers may do: the edge's own rules, with the stack's origins where it names some. */
export function corsOf(system: System, { corsOrigins }: Settings): Cors | undefined {
  const cors = declaredEdge(system)?.cors;
  return corsOrigins.length > 0 ? { ...cors, origins: corsOrigins } : cors;
}

/** The certificate of the load balancer's listeners, where there is one. */
export function certificateOf({ certificate: { arn, serverName } }: Settings) {
  return arn && serverName ? { arn, serverName } : undefined;
}

/** Who is told of what; what is empty is left out. */
export const alertsOf = ({ alarmEmail, monthlyBudget, anomalyMonitor }: Settings) => ({
  ...(alarmEmail !== "" && { email: alarmEmail }),
  ...(monthlyBudget > 0 && { monthlyBudget }),
  ...(anomalyMonitor !== "" && { anomalyMonitor }),
});

function oneOf<const T extends readonly string[]>(
  raw: Raw,
  key: keyof Settings,
  choices: T,
  faults: Faults,
): T[number] {
  const given = raw[key];
  if (given === undefined) return defaults[key] as T[number];
  if (!choices.includes(given))
    faults.push(`${key} "${given}" is unknown; use ${choices.map((c) => `"${c}"`).join(" or ")}`);
  return given;
}

function flag(raw: Raw, key: "protect" | "backups" | "scanner", faults: Faults): boolean {
  const given = raw[key];
  if (given === undefined) return defaults[key];
  if (given !== "true" && given !== "false") faults.push(`${key} "${given}"; use true or false`);
  return given === "true";
}

function retention(raw: Raw, faults: Faults): number {
  if (raw.logRetentionDays === undefined) return defaults.logRetentionDays;
  const days = Number(raw.logRetentionDays);
  if (!retentions.includes(days))
    faults.push(
      `logRetentionDays "${raw.logRetentionDays}"; CloudWatch Logs takes ${retentions.join(", ")}`,
    );
  return days;
}

function email(raw: Raw, faults: Faults): string {
  const { alarmEmail = defaults.alarmEmail } = raw;
  if (alarmEmail !== "" && !/^[^\s@]+@[^\s@]+$/.test(alarmEmail))
    faults.push(`alarmEmail "${alarmEmail}"; give one address, or leave it empty`);
  return alarmEmail;
}

function budget(raw: Raw, faults: Faults): number {
  if (raw.monthlyBudget === undefined) return defaults.monthlyBudget;
  if (!/^\d{1,9}$/.test(raw.monthlyBudget))
    faults.push(`monthlyBudget "${raw.monthlyBudget}"; give whole dollars, or 0 for none`);
  return Number(raw.monthlyBudget);
}

function monitor(raw: Raw, faults: Faults): string {
  const { anomalyMonitor = defaults.anomalyMonitor, monthlyBudget = "0" } = raw;
  if (anomalyMonitor === "") return anomalyMonitor;
  if (!/^arn:[\w-]+:ce::\d{12}:anomalymonitor\/[\w-]+$/.test(anomalyMonitor))
    faults.push(
      `anomalyMonitor "${anomalyMonitor}"; give its ARN: aws ce get-anomaly-monitors lists them`,
    );
  if (Number(monthlyBudget) === 0)
    faults.push("anomalyMonitor without monthlyBudget, by which anomalies are weighed; give both");
  return anomalyMonitor;
}

function json(raw: Raw, key: keyof Settings, faults: Faults, form: string): unknown {
  const text = raw[key];
  if (text === undefined) return defaults[key];
  try {
    return JSON.parse(text);
  } catch {
    faults.push(`${key} is not ${form}; set it with: pulumi config set --path '${key}…'`);
    return undefined;
  }
}

function origins(raw: Raw, faults: Faults): readonly string[] {
  const given = json(raw, "corsOrigins", faults, "a list");
  if (given === undefined) return [];
  if (!Array.isArray(given)) {
    faults.push(`corsOrigins ${JSON.stringify(given)}; give a list of origins`);
    return [];
  }
  for (const origin of given)
    if (
      origin !== "*" &&
      !(URL.canParse(String(origin)) && new URL(String(origin)).origin === origin)
    )
      faults.push(`corsOrigins has ${JSON.stringify(origin)}; write it as "https://shop.example"`);
  return given as string[];
}

const isType: Readonly<Record<keyof Types, (value: unknown) => boolean>> = {
  text: (value) => typeof value === "string",
  number: (value) => typeof value === "number" && Number.isFinite(value) && value >= 0,
  flag: (value) => typeof value === "boolean",
  list: (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
};

function part<K extends "network" | "database" | "cache" | "certificate">(
  raw: Raw,
  key: K,
  faults: Faults,
): Part<K> {
  return typed(json(raw, key, faults, "an object"), key, key, faults);
}

/** An object whose values have the types of `kind`. */
function typed<K extends keyof typeof parts>(
  given: unknown,
  kind: K,
  at: string,
  faults: Faults,
): Part<K> {
  const types: Readonly<Record<string, keyof Types>> = parts[kind];
  const names = Object.keys(types).join(", ");
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    if (given !== undefined) faults.push(`${at} is no object; give any of ${names}`);
    return {};
  }
  for (const [name, value] of Object.entries(given)) {
    const type = Object.hasOwn(types, name) ? types[name] : undefined;
    if (type === undefined) faults.push(`${at}.${name} is unknown; use ${names}`);
    else if (!isType[type](value))
      faults.push(`${at}.${name} ${JSON.stringify(value)}; give a ${type}`);
  }
  return given as Part<K>;
}

/** A listener's name is what the edge holds its certificate to: one is nothing without the other. */
function certificate(raw: Raw, faults: Faults): Settings["certificate"] {
  const given = part(raw, "certificate", faults);
  const { arn, serverName } = given;
  if (!arn !== !serverName)
    faults.push("certificate has one of arn and serverName; give both, or neither");
  if (
    typeof arn === "string" &&
    arn !== "" &&
    !/^arn:[\w-]+:acm:[\w-]+:\d{12}:certificate\//.test(arn)
  )
    faults.push(
      `certificate.arn "${arn}"; give that of a certificate in ACM, of the stack's region`,
    );
  return given;
}

function byWorkload<K extends "capacity" | "overflow" | "cutover">(
  raw: Raw,
  key: K,
  system: System,
  faults: Faults,
): ByWorkload<K> {
  const given = json(raw, key, faults, "an object") ?? {};
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    faults.push(`${key} is no object; give ${Object.keys(parts[key]).join(", ")} by workload`);
    return {};
  }
  for (const name of Object.keys(given))
    if (!Object.hasOwn(system.workloads, name))
      faults.push(
        `${key}.${name}: there is no such workload; use one of ${Object.keys(system.workloads).join(", ")}`,
      );
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      typed(value, key, `${key}.${name}`, faults),
    ]),
  );
}

function record(raw: Raw, key: "tags" | "placement" | "secrets", faults: Faults) {
  const given = json(raw, key, faults, "an object of names and texts");
  if (given === undefined) return {};
  const entries = typeof given === "object" && given !== null ? Object.entries(given) : undefined;
  if (!entries || Array.isArray(given)) {
    faults.push(
      `${key} is no object; set it with: pulumi config set --path '${key}.<name>' <value>`,
    );
    return {};
  }
  for (const [name, value] of entries)
    if (typeof value !== "string") faults.push(`${key}.${name} is no text; put it in quotes`);
  return given as Record<string, string>;
}

function placement(raw: Raw, system: System, faults: Faults): Record<string, Host> {
  const given = record(raw, "placement", faults);
  for (const [workload, host] of Object.entries(given)) {
    if (!Object.hasOwn(system.workloads, workload))
      faults.push(
        `placement.${workload}: there is no such workload; use one of ${Object.keys(system.workloads).join(", ")}`,
      );
    if (!(hosts as readonly string[]).includes(host))
      faults.push(`placement.${workload} "${host}"; use one of ${hosts.join(", ")}`);
  }
  return given as Record<string, Host>;
}

function secrets(raw: Raw, system: System, needed: readonly string[], faults: Faults) {
  const given = record(raw, "secrets", faults);
  for (const name of Object.keys(given))
    if (!system.secrets.includes(name))
      faults.push(
        `secrets.${name} is no secret of the system; use one of ${system.secrets.join(", ")}`,
      );
  for (const name of needed)
    if (!given[name])
      faults.push(
        `secret "${name}" has no value; set it with: pulumi config set --secret --path 'secrets.${name}'`,
      );
  return given;
}
