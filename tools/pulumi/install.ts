/**
 * The Pulumi command line that the tests and `--simulated` run on: the user's own when there is
 * one, else the pinned version built from its Go modules. Run as a program, it prepares both
 * parts and prints where they are.
 */
import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { build, type GoProgram } from "./go-build.ts";

/** The command line, of the version that package.json pins for the SDK. */
export const pulumiCli: GoProgram = {
  name: "pulumi",
  version: "3.256.0",
  module: "github.com/pulumi/pulumi/pkg/v3",
  package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
  // As in Pulumi's own go.mod: a replacement does not follow a module to those who require it.
  goMod: [
    "replace github.com/atotto/clipboard => github.com/tgummerer/clipboard v0.0.0-20241001131231-d02d263e614e",
  ],
  about: "4 minutes",
};

/**
 * What runs a TypeScript program for the command line. Later versions are not published as a
 * module of their own; this one speaks the same protocol and runs today's SDK.
 */
export const languageHost: GoProgram = {
  name: "pulumi-language-nodejs",
  version: "3.60.0",
  module: "github.com/pulumi/pulumi/sdk/v3",
  package: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
  about: "half a minute",
};

/** An executable file of that name on PATH, if there is one. */
export function onPath(name: string, path = process.env.PATH ?? ""): string | undefined {
  for (const folder of path.split(delimiter)) {
    if (!folder) continue;
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // Not here: the next folder may have it.
    }
  }
  return undefined;
}

/** Path of `pulumi`: the one on PATH, else the pinned one, built when the cache lacks it. */
export async function pulumiPath(): Promise<string> {
  return onPath("pulumi") ?? (await build(pulumiCli));
}

/** Folder that holds the language host, or undefined when the command line finds its own. */
export async function languageHostFolder(pulumi: string): Promise<string | undefined> {
  if (onPath(languageHost.name, dirname(realpathSync(pulumi)))) return undefined;
  return dirname(await build(languageHost));
}

/** Prepares both; throws MissingTool where the machine cannot build them. */
export async function install(): Promise<{ pulumi: string; host: string | undefined }> {
  const pulumi = await pulumiPath();
  return { pulumi, host: await languageHostFolder(pulumi) };
}

if (import.meta.main) {
  const { pulumi, host = "pulumi's own" } = await install();
  console.log(`pulumi: ${pulumi}\nlanguage host: ${host}`);
}
