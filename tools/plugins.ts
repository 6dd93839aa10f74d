/** Puts the simulated providers, and a language host, where an engine looks for its plugins. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { languageHost, languageHostFolder } from "./pulumi/install.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The Node that package.json pins, or the one that runs this. */
export function nodePath(): string {
  const pinned = join(root, "node_modules/node/bin/node");
  return existsSync(pinned) ? pinned : process.execPath;
}

/**
 * The command line, unlike an inline program, needs a language host: one that comes with the
 * user's `pulumi`, else the built one. It goes where plugins are, as PATH would mean a warning.
 */
export async function installLanguageHost(home: string, pulumi: string): Promise<void> {
  const folder = await languageHostFolder(pulumi);
  if (folder)
    writePlugin(home, "language", "nodejs", languageHost.version, [
      join(folder, languageHost.name),
    ]);
}

/**
 * Installs a plugin for every Pulumi package that npm installed, in the version that programs
 * will ask for: a sh file that starts the simulated provider.
 */
export function writePlugins(home: string): void {
  for (const { name, version } of providerPackages()) {
    const main = name === "awsx" ? ["awsx/main.ts"] : ["main.ts", name];
    const [script = "", ...args] = main;
    const command = [nodePath(), join(root, "tools/simulated", script), ...args];
    writePlugin(home, "resource", name, version, command);
  }
}

/** A plugin is any executable of the right name: here a sh file that becomes the command. */
function writePlugin(home: string, kind: string, name: string, version: string, command: string[]) {
  const folder = join(home, "plugins", `${kind}-${name}-v${version}`);
  const file = join(folder, `pulumi-${kind}-${name}`);
  const words = command.map((part) => `'${part.replaceAll("'", "'\\''")}'`);
  const script = `#!/bin/sh\nexec ${words.join(" ")} "$@"\n`;
  // Another run may be starting it: leave it alone unless it has to change.
  if (existsSync(file) && readFileSync(file, "utf8") === script) return;
  mkdirSync(folder, { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, script, { mode: 0o755 });
  renameSync(draft, file);
}

/** Packages under node_modules/@pulumi that have a provider, nested copies included. */
function providerPackages(folder = join(root, "node_modules/@pulumi")) {
  const found: { name: string; version: string }[] = [];
  if (!existsSync(folder)) return found;
  for (const entry of readdirSync(folder)) {
    const manifest = join(folder, entry, "package.json");
    if (!existsSync(manifest)) continue;
    const { pulumi, version } = JSON.parse(readFileSync(manifest, "utf8"));
    if (pulumi?.resource)
      found.push({ name: pulumi.name ?? entry, version: pulumi.version ?? version });
    found.push(...providerPackages(join(folder, entry, "node_modules/@pulumi")));
  }
  return found;
}
