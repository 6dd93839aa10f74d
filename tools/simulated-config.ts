/**
 * The stack config of a simulated run: a private copy of Pulumi.<stack>.yaml, in which secrets are
 * placeholders. The user's own file is read only, and its encrypted values are never decrypted.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Engine, runPulumi } from "./engine.ts";

// The SDK's own YAML reader: the one that the Automation API reads these files with.
const fromSdk = createRequire(createRequire(import.meta.url).resolve("@pulumi/pulumi"));
const yaml = fromSdk("js-yaml") as { load(text: string): unknown; dump(value: unknown): string };

type Config = Record<string, unknown>;

/** What the user should correct: shown as it is, with exit code 2. */
export class BadInput extends Error {}

/** Makes the stack in the engine's backend when it is new; answers the path of its config file. */
export async function prepareStack(
  engine: Engine,
  project: string,
  stack: string,
  privateFolder: string,
): Promise<string> {
  const manifest = readYaml(join(project, "Pulumi.yaml")) as { name?: string };
  if (!manifest?.name)
    throw new BadInput(
      `no Pulumi.yaml with a name in ${project}; run this in the project's folder`,
    );
  mkdirSync(privateFolder, { recursive: true, mode: 0o700 });
  // Stack commands write to the config beside Pulumi.yaml: here they find a project of their own.
  const own = { name: manifest.name, runtime: "nodejs" };
  writeFileSync(join(privateFolder, "Pulumi.yaml"), yaml.dump(own));
  const file = join(privateFolder, `Pulumi.${stack}.yaml`);
  const users = usersConfig(project, stack);

  const salt = () => (readYaml(file) as { encryptionsalt?: string } | undefined)?.encryptionsalt;
  const state = join(engine.backend, ".pulumi/stacks", manifest.name, `${stack}.json`);
  if (!existsSync(state) || !salt()) {
    const command = existsSync(state) ? ["select", stack] : ["init", stack];
    await must(engine, ["stack", ...command, "--non-interactive"], privateFolder);
  }
  const secrets: Secret[] = [];
  const plain = withoutSecrets(users, [], secrets) as Config;
  const secretsKey = `${manifest.name}:secrets`;
  for (const name of await declaredSecrets(project)) {
    // Beside an encrypted one Pulumi itself would take it.
    if (get(users, [secretsKey, name, "secure"]) === undefined && get(users, [secretsKey, name]))
      throw new BadInput(
        `Pulumi.${stack}.yaml has ${secretsKey}.${name} in plain text; change that secret, and set it with: pulumi config set --secret --path 'secrets.${name}'`,
      );
    if (get(plain, [secretsKey, name]) === undefined) secrets.push([secretsKey, name]);
  }

  // Pulumi rewrites what it stores (3 becomes "3"): it gets the secrets alone, to encrypt them.
  const before = (readYaml(file) as { config?: Config } | undefined)?.config ?? {};
  const kept: Config = {};
  for (const path of secrets) set(kept, path, get(before, path));
  const missing = secrets.filter((path) => get(kept, path) === undefined);
  write(file, { encryptionsalt: salt(), config: kept });
  if (missing.length > 0) {
    const pairs = missing.flatMap((path) => [
      "--secret",
      `${propertyPath(path)}=placeholder-${path.at(-1)}`,
    ]);
    await must(engine, ["config", "set-all", "--path", "--stack", stack, ...pairs], privateFolder);
  }
  const encrypted = (readYaml(file) as { config?: Config }).config ?? {};
  for (const path of secrets) set(plain, path, get(encrypted, path));
  write(file, { encryptionsalt: salt(), config: plain });
  return file;
}

/** Where a secret stands in the config: its key, then names and indices. */
type Secret = string[];

const write = (file: string, value: unknown): void =>
  writeFileSync(file, yaml.dump(value), { mode: 0o600 });

function get(config: unknown, path: string[]): unknown {
  return path.reduce<unknown>((value, part) => (value as Config | undefined)?.[part], config);
}

function set(config: Config, path: string[], value: unknown): void {
  if (value === undefined) return;
  const [part = "", ...rest] = path;
  if (rest.length === 0) {
    config[part] = value;
    return;
  }
  config[part] ??= /^\d+$/.test(rest[0] ?? "") ? [] : {};
  set(config[part] as Config, rest, value);
}

function usersConfig(project: string, stack: string): Config {
  const file = join(project, `Pulumi.${stack}.yaml`);
  if (existsSync(file)) return (readYaml(file) as { config?: Config } | undefined)?.config ?? {};
  const stacks = readdirSync(project).flatMap(
    (name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? [],
  );
  throw new BadInput(
    `no Pulumi.${stack}.yaml for stack "${stack}"; ` +
      (stacks.length > 0
        ? `use --stack ${stacks.join(" or ")}, or add that file`
        : "add that file"),
  );
}

/** Takes the encrypted values out and notes where they stood. */
function withoutSecrets(value: unknown, path: string[], found: Secret[]): unknown {
  if (Array.isArray(value))
    return value.map((item, i) => withoutSecrets(item, [...path, String(i)], found) ?? "");
  if (typeof value !== "object" || value === null) return value;
  if (Object.keys(value).length === 1 && "secure" in value) {
    found.push(path);
    return undefined;
  }
  const kept = Object.entries(value).map(([key, v]) => [
    key,
    withoutSecrets(v, [...path, key], found),
  ]);
  return Object.fromEntries(kept.filter(([, v]) => v !== undefined));
}

/** `spillway:secrets["some-name"]`, as `pulumi config --path` reads it. */
function propertyPath([first = "", ...rest]: string[]): string {
  return (
    first + rest.map((part) => `[${/^\d+$/.test(part) ? part : JSON.stringify(part)}]`).join("")
  );
}

/** The secrets that system.ts names: each needs a value before the program runs. */
async function declaredSecrets(project: string): Promise<string[]> {
  const file = join(project, "system.ts");
  if (!existsSync(file)) return [];
  const { system } = (await import(pathToFileURL(file).href)) as {
    system?: { secrets?: string[] };
  };
  return system?.secrets ?? [];
}

async function must(engine: Engine, args: string[], cwd: string): Promise<void> {
  const { code, stdout, stderr } = await runPulumi(engine, args, { cwd });
  if (code !== 0) throw new Error(`pulumi ${args.slice(0, 2).join(" ")}: ${stderr || stdout}`);
}

function readYaml(file: string): unknown {
  if (!existsSync(file)) return undefined;
  try {
    return yaml.load(readFileSync(file, "utf8"));
  } catch (error) {
    throw new BadInput(`${file} is not YAML: ${(error as Error).message}`);
  }
}
