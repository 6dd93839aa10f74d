import path from "node:path";
import {
  type Api,
  type Chat,
  envName,
  localSecretEnvName,
  type Mailer,
  queueOptions,
  queuesOf,
  type Scheduler,
  type System,
  type Use,
  usesOf,
} from "../../spec/index.ts";
import { objectsPath } from "../objects.ts";
import { objectSubscribersOf, subscribersOf } from "../subscribers.ts";

/** A file of Spillway itself, as a generated module imports it. */
export const ownFile = (file: string): string => path.resolve(import.meta.dirname, "../..", file);

export const text = (value: unknown): string => JSON.stringify(value);

/** Part of a generated module: an expression, and what it needs. */
export interface Part {
  readonly code: string;
  /** Names by file. */
  readonly imports: readonly (readonly [file: string, name: string])[];
  /** Whether it sends or receives messages. */
  readonly boss?: boolean;
  /** Pools of connections to the database that it opens itself. */
  readonly pools?: number;
}

/** What a program cannot have, for it is in the host: the hooks of an identity, say. */
const ofTheHost = ["identity", "metrics", "native"];

/** Why a workload cannot have a process of its own, or `undefined` where it can. */
export function inHostBecause(system: System, workload: string): string | undefined {
  const use = usesOf(system, workload).find(({ kind }) => ofTheHost.includes(kind));
  return use && `It uses ${use.kind} "${use.name}", which is in the host's process.`;
}

/**
 * The ports of a workload as a generated module makes them: this machine's adapter of each, with the
 * declared verbs. `world` and `boss` are the module's own.
 * @param redis whether caches are on a server of the Redis protocol
 */
export function portsPart(system: System, workload: string, redis: boolean): Part {
  const uses = usesOf(system, workload);
  const secrets = uses.filter(({ kind }) => kind === "secret").map(({ name }) => name);
  const parts = uses
    .filter(({ kind }) => kind !== "secret")
    .map((use) => ({ use, part: portPart(system, use, redis) }));
  const lines = parts.map(
    ({ use, part }) => `${text(use.name)}: onlyVerbs(${part.code}, ${text(use.verbs)})`,
  );
  if (secrets.length > 0) lines.push(`secrets: ${secretsCode(secrets, "secrets")}`);
  return {
    code: `{ ${lines.join(", ")} }`,
    imports: [
      ...parts.flatMap(({ part }) => part.imports),
      ...(parts.length > 0 ? ([[ownFile("local/verbs.ts"), "onlyVerbs"]] as const) : []),
      ...(secrets.length > 0 ? [secretsImport] : []),
    ],
    boss: parts.some(({ part }) => part.boss),
    pools: parts.reduce((sum, { part }) => sum + (part.pools ?? 0), 0),
  };
}

const adapter = (name: string): string => ownFile(`runtime/adapters/local/${name}.ts`);
const secretsImport = [adapter("secrets"), "secrets"] as const;
const secretsCode = (names: readonly string[], folder: string): string =>
  `secrets({ names: ${text(names)}, folder: world.folder + ${text(`/${folder}`)} })`;
/** Of the environment of the program, which is the host's. */
const given = (variable: string): string => `process.env[${text(variable)}] || undefined`;

const signing = ["signPut", "signGet"];

/** An adapter whose factory has the name of its file. */
const simple = (name: string, ...options: readonly string[]): Part => ({
  code: `${name}({ ${options.join(", ")} })`,
  imports: [[adapter(name), name]],
});

function portPart(system: System, { kind, name, verbs }: Use, redis: boolean): Part {
  const named = `name: ${text(name)}`;
  switch (kind) {
    case "sql":
      return {
        ...simple("sql", named, "url: world.databaseUrl", "connections: world.connections"),
        pools: 1,
      };
    case "cache":
      return redis
        ? {
            code: `valkeyAt({ ${named}, url: process.env.REDIS_URL ?? "" })`,
            imports: [[ownFile("runtime/adapters/valkey.ts"), "valkeyAt"]],
          }
        : {
            ...simple("cache", named, "url: world.databaseUrl", "connections: world.connections"),
            pools: 2,
          };
    case "queue":
      return {
        ...simple("queue", named, "boss", `options: ${text(queuesOf(system)[name])}`),
        boss: true,
      };
    case "topic":
    case "bus": {
      const subscribers = text(subscribersOf(system, kind, name));
      const source = `source: ${text(system.name)}`;
      return {
        ...simple(kind, named, "boss", source, `subscribers: ${subscribers}`),
        boss: true,
      };
    }
    case "objectStore":
      return objectsPart(system, name, verbs);
    case "mailer": {
      const from = `from: ${text((system.services[name] as Mailer).from)}`;
      return simple(
        "mailer",
        named,
        "pool: world.pool",
        from,
        `smtp: ${given("SPILLWAY_SMTP_URL")}`,
      );
    }
    case "chat": {
      const { webhook } = system.services[name] as Chat;
      return simple(
        "chat",
        named,
        "pool: world.pool",
        `url: ${given(localSecretEnvName(webhook))}`,
      );
    }
    case "scheduler": {
      const { maxBytes } = queueOptions(system, (system.services[name] as Scheduler).queue);
      return simple("scheduler", named, "pool: world.pool", `maxBytes: ${maxBytes}`);
    }
    case "scanner":
      return simple("scanner", named, `address: ${given("SPILLWAY_CLAMD")}`);
    case "edge":
      return { code: "{ url: world.gateway }", imports: [] };
    case "api":
      return apiPart(name, system.services[name] as Api);
    default:
      // A table, a stream, a workflow's executions.
      return simple(kind, named, "pool: world.pool");
  }
}

/** Signing tells nobody of anything, so it needs no queues. */
function objectsPart(system: System, name: string, verbs: readonly string[]): Part {
  const boss = verbs.some((verb) => !signing.includes(verb));
  const events = `events: { pool: world.pool, boss, subscribers: ${text(objectSubscribersOf(system, name))} }`;
  const { code, imports } = simple(
    "object-store",
    `name: ${text(name)}`,
    `folder: world.folder + ${text(`/objects/${name}`)}`,
    `signing: { base: world.gateway + ${text(`${objectsPath}/${name}`)}, key: () => ${secretsCode(["object-urls"], "keys")}.get("object-urls") }`,
    ...(boss ? [events] : []),
  );
  return {
    code: code.replace(/^object-store/, "objectStore"),
    imports: [[imports[0]?.[0] ?? "", "objectStore"], secretsImport],
    boss,
  };
}

/** The provider where the environment says so, else its stand-in with a table of its own. */
function apiPart(name: string, { secret, sandbox }: Api): Part {
  const url = given(envName({ kind: "api", name }));
  const token = secret
    ? [`token: () => ${secretsCode([secret], "secrets")}.get(${text(secret)})`]
    : [];
  const imports: [string, string][] = [[ownFile("local/programs/api.ts"), "openApi"]];
  if (secret) imports.push([...secretsImport]);
  const stand = sandbox
    ? [
        `sandbox: async () => (await import(${text(`./${sandbox}/index.ts`)})).create`,
        "pool: world.pool",
      ]
    : [];
  const options = [`name: ${text(name)}`, `url: ${url}`, ...token, ...stand];
  return { code: `await openApi({ ${options.join(", ")} })`, imports };
}
