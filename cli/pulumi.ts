/**
 * `spillway preview|up|refresh|destroy`: the user's own Pulumi, or with --simulated the real
 * engine with simulated providers, no cloud account needed.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ended, MissingTool, openEngine, releaseDeadLocks, runPulumi } from "../tools/engine.ts";
import { onPath } from "../tools/pulumi/install.ts";
import { BadInput, prepareStack } from "../tools/simulated-config.ts";

const commands = ["preview", "up", "refresh", "destroy"];

/**
 * Runs the command in the current folder and answers its exit code.
 * Options other than --stack and --simulated go to Pulumi as they are.
 */
export async function pulumi(command: string, argv: string[]): Promise<number> {
  if (!commands.includes(command))
    return complain(`"${command}" is none of ${commands.join(", ")}`);
  const { stack, simulated, rest, fault } = readArguments(argv);
  if (fault) return complain(fault);
  if (simulated) return runSimulated(command, stack ?? "dev", rest);
  const path = onPath("pulumi");
  if (!path)
    return complain(
      "no `pulumi` on PATH; install it (pulumi.com/docs/install), or add --simulated, which needs neither it nor an account",
    );
  const args = [command, ...(stack ? ["--stack", stack] : []), ...rest];
  return ended(spawn(path, args, { stdio: "inherit" }));
}

function readArguments(argv: string[]) {
  const { values, tokens } = parseArgs({
    args: argv,
    options: { stack: { type: "string", short: "s" }, simulated: { type: "boolean" } },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const own = tokens.filter((t) => t.kind === "option" && ["stack", "simulated"].includes(t.name));
  const taken = new Set<number>();
  for (const token of own) {
    taken.add(token.index);
    if (token.kind === "option" && token.value && !token.inlineValue) taken.add(token.index + 1);
  }
  const { stack, simulated } = values;
  const named = typeof stack === "string" && /^[\w./-]+$/.test(stack);
  return {
    stack: named ? stack : undefined,
    simulated: simulated === true,
    rest: argv.filter((_, index) => !taken.has(index)),
    fault: stack === undefined || named ? undefined : "--stack needs a name, such as --stack dev",
  };
}

async function runSimulated(command: string, stack: string, rest: string[]): Promise<number> {
  const project = process.cwd();
  const folder = join(project, ".spillway", "simulated");
  try {
    const engine = await openEngine(folder);
    releaseDeadLocks(engine);
    const config = await prepareStack(engine, project, stack, join(folder, "project"));
    // Nothing real is at stake: no question before an update.
    const yes = command === "preview" ? [] : ["--yes"];
    const args = [command, "--stack", stack, "--config-file", config, ...yes, ...rest];
    return (await runPulumi(engine, args, { cwd: project, show: true })).code;
  } catch (error) {
    if (error instanceof BadInput) return complain(error.message);
    if (!(error instanceof MissingTool)) throw error;
    console.error(`spillway: ${error.message}`);
    return 1;
  }
}

function complain(message: string): number {
  console.error(`spillway: ${message}`);
  return 2;
}
