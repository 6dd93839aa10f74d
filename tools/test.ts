/**
 * `npm test`: lint, types and every test, with the set-up that they need. A tool that is missing
 * gives one line that says what was not tested; under CI=true that is a failure.
 */
import { spawnSync } from "node:child_process";
import { motoVenv } from "./moto.ts";
import { install } from "./pulumi/install.ts";
import { valkeyVenv } from "./valkey.ts";

interface Part {
  readonly project: string;
  /** Makes ready what the project's tests need; throws where it cannot. */
  readonly prepare: () => Promise<unknown>;
}

const parts: readonly Part[] = [
  { project: "unit", prepare: async () => {} },
  { project: "local", prepare: async () => {} },
  { project: "contract", prepare: () => Promise.all([motoVenv(), valkeyVenv()]) },
  { project: "engine", prepare: () => install() },
];

const strict = process.env.CI === "true";
const notTested: string[] = [];
const projects: string[] = [];
for (const { project, prepare } of parts) {
  try {
    await prepare();
    projects.push(project);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    notTested.push(`not tested: ${project} (${reason})`);
  }
}
if (strict && notTested.length > 0) fail(notTested.join("\n"));

run("biome", ["check", "--error-on-warnings", "."]);
run("tsc", ["--noEmit"]);
run("vitest", ["run", ...projects.flatMap((project) => ["--project", project])]);
for (const line of notTested) console.log(line);

function run(command: string, args: readonly string[]): void {
  console.log(`> ${command} ${args.join(" ")}`);
  const { status, error } = spawnSync(command, args, { stdio: "inherit" });
  if (error) fail(`${command} cannot be started: ${error.message}; run npm ci, then npm test`);
  if (status !== 0) fail(`${command} failed`);
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
