import { envName, type System, tokenEnv, type Use, usesOf } from "../../spec/index.ts";
import type { Fault } from "./validation.ts";

/** The entry of each trigger that runs on a function, and the file that has it. */
const entryOf = {
  http: { file: "runtime/entries/lambda/http.ts", factory: "lambdaHttp" },
  onIdentity: { file: "runtime/entries/lambda/identity.ts", factory: "lambdaIdentity" },
} as const;

/** Kinds of workloads that a bundle can be generated for. */
export type BundledKind = keyof typeof entryOf;
export const isBundled = (kind: string): kind is BundledKind => Object.hasOwn(entryOf, kind);

/** Module and factory of a kind's adapter; all secrets of a workload share one. */
const adapterOf = (kind: Use["kind"]) => {
  const factory = kind === "secret" ? "secrets" : kind;
  const file = factory.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return { factory, file: `runtime/adapters/aws/${file}.ts` };
};

export interface Entry {
  /** An ES module that exports `handler`. */
  readonly code: string;
  /** Files that it imports, from the project's root. */
  readonly imports: readonly string[];
}

/**
 * What a function starts with: the workload's `create`, called with the adapters of the ports that
 * it declares, behind the entry of its trigger. So a bundle holds the clients that are used.
 * @param system a declared system
 * @param name of a workload of a {@link BundledKind}
 */
export function entryFor(system: System, name: string): Entry | Fault {
  const workload = system.workloads[name];
  if (!workload) return `workload "${name}" is not declared; declare it in system.ts`;
  if (!isBundled(workload.kind))
    return `workload "${name}" of kind ${workload.kind}; functions are generated for ${Object.keys(entryOf).join(", ")}`;
  const entry = entryOf[workload.kind];
  const uses = usesOf(system, name);
  const kinds = [...new Set(uses.map((use) => use.kind))];
  const index = `${workload.code}/index.ts`;
  const imports = new Map<string, string>([
    [index, "create"],
    [entry.file, entry.factory],
    ...kinds.map(adapterOf).map(({ file, factory }): [string, string] => [file, factory]),
  ]);

  const ports = [
    ...uses.filter((use) => use.kind !== "secret").map((use) => portLine(system, use)),
    ...secretsLine(uses),
  ];
  const made = `create({ ${ports.join(", ")} })`;
  const options: string[] = [];
  if (workload.kind === "http") {
    const { auth = "jwt", maxBodyBytes } = workload;
    options.push(`auth: ${JSON.stringify(auth)}`);
    if (maxBodyBytes !== undefined) options.push(`maxBodyBytes: ${maxBodyBytes}`);
    if (auth === "jwt") {
      imports.set("runtime/tokens.ts", "tokenVerifier");
      const parts = Object.entries(tokenEnv).map(([part, variable]) => `${part}: ${env(variable)}`);
      options.push(`verify: tokenVerifier({ ${parts.join(", ")} })`);
    }
  }
  const call = options.length > 0 ? `${made}, { ${options.join(", ")} }` : made;
  const code = [
    ...[...imports].map(
      ([file, what]) => `import { ${what} } from ${JSON.stringify(`./${file}`)};`,
    ),
    "const env = (name) => {",
    "  const value = process.env[name];",
    `  if (!value) throw new Error('Function "${name}": ' + name + " is not set; deploy it with its component");`,
    "  return value;",
    "};",
    `export const handler = ${entry.factory}(${call});`,
    "",
  ].join("\n");
  return { code, imports: [...imports.keys()] };
}

const env = (variable: string): string => `env(${JSON.stringify(variable)})`;

function portLine(system: System, use: Use): string {
  const channel = system.channels[use.name];
  const options = [
    `name: ${JSON.stringify(use.name)}`,
    `location: ${env(envName(use))}`,
    ...(channel?.kind === "queue" ? [`maxBytes: ${channel.maxBytes}`] : []),
  ];
  return `${JSON.stringify(use.name)}: ${adapterOf(use.kind).factory}({ ${options.join(", ")} })`;
}

function secretsLine(uses: readonly Use[]): string[] {
  const secrets = uses.filter((use) => use.kind === "secret");
  if (secrets.length === 0) return [];
  const pairs = secrets.map((use) => `${JSON.stringify(use.name)}: ${env(envName(use))}`);
  return [`secrets: secrets({ locations: { ${pairs.join(", ")} } })`];
}
