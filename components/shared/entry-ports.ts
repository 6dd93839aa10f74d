import {
  type Api,
  envName,
  type Mailer,
  type Scheduler,
  type System,
  type Use,
  usesOf,
} from "../../spec/index.ts";

/** Part of a generated module: an expression, and what it needs imported, as name by file. */
export interface Part {
  readonly code: string;
  readonly imports: readonly (readonly [file: string, name: string])[];
}

/** A variable that must be set; `env` is the generated module's own. */
export const envValue = (variable: string): string => `env(${text(variable)})`;
export const text = (value: string): string => JSON.stringify(value);

/** The ports of a workload as an object: the adapter of each, told what it has to know. */
export function portsOf(system: System, workload: string): Part {
  const uses = usesOf(system, workload);
  const secrets = uses.filter((use) => use.kind === "secret");
  const others = uses.filter((use) => use.kind !== "secret");
  const locations = secrets.map((use) => `${text(use.name)}: ${envValue(envName(use))}`);
  const ports = [
    ...others.map((use) => portLine(system, use)),
    // All secrets of a workload share one adapter.
    ...(secrets.length > 0 ? [`secrets: secrets({ locations: { ${locations.join(", ")} } })`] : []),
  ];
  return {
    code: ports.length > 0 ? `{ ${ports.join(", ")} }` : "{}",
    imports: uses.map((use) => {
      const { file, factory } = adapterOf(use);
      return [file, factory];
    }),
  };
}

const signing = ["signPut", "signGet"];

/** Module and factory of a use's adapter. */
function adapterOf({ kind, verbs }: Use): { readonly factory: string; readonly file: string } {
  // Signing needs no client of S3, which is most of a bundle.
  const light = kind === "objectStore" && verbs.every((verb) => signing.includes(verb));
  const factory = light ? "objectUrls" : kind === "secret" ? "secrets" : kind;
  const file = factory.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return { factory, file: `runtime/adapters/aws/${file}.ts` };
}

function portLine(system: System, use: Use): string {
  const options = [`name: ${text(use.name)}`, ...optionsOf(system, use, envValue(envName(use)))];
  return `${text(use.name)}: ${adapterOf(use).factory}({ ${options.join(", ")} })`;
}

/**
 * What an adapter has to know beside its name: where its resource is, and parts of the declaration.
 * @param location the value of the use's own variable
 */
function optionsOf(system: System, { kind, name }: Use, location: string): readonly string[] {
  const there = `location: ${location}`;
  switch (kind) {
    case "queue":
      return [there, ...maxBytesOf(system, name)];
    case "scheduler":
      return [there, ...maxBytesOf(system, (system.services[name] as Scheduler).queue)];
    case "topic":
    case "bus":
      return [there, `source: ${text(system.name)}`];
    case "mailer":
      return [there, `from: ${text((system.services[name] as Mailer).from)}`];
    case "api": {
      const { url, secret } = system.services[name] as Api;
      // What AWS knows of an API is its secret.
      return secret === undefined
        ? [there]
        : [`location: ${text(url)}`, `secret: { name: ${text(secret)}, ${there} }`];
    }
    default:
      return [there];
  }
}

function maxBytesOf(system: System, queue: string): readonly string[] {
  const channel = system.channels[queue];
  return channel?.kind === "queue" ? [`maxBytes: ${channel.maxBytes}`] : [];
}
