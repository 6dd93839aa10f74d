/** The `spillway` command: a table of its commands. */
type Command = (name: string, argv: string[]) => Promise<number>;

const commands: Record<string, Command> = {
  // Imported when asked for: the host brings a database, the engine a compiler.
  start: async (_, argv) => (await import("./start.ts")).start(argv),
  plan: async (_, argv) => (await import("./plan.ts")).plan(argv),
  preview: engine,
  up: engine,
  refresh: engine,
  destroy: engine,
};

/** Runs the command that the arguments name and answers the exit code. */
export async function main([name, ...argv]: string[]): Promise<number> {
  const names = Object.keys(commands).join(", ");
  if (name === "--help" || name === "help") {
    console.log(`usage: spillway <command>, one of ${names}`);
    return 0;
  }
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command && name) return command(name, argv);
  const given = name === undefined ? "no command given" : `"${name}" is not a command`;
  console.error(`spillway: ${given}; use one of ${names}`);
  return 2;
}

async function engine(name: string, argv: string[]): Promise<number> {
  return (await import("./pulumi.ts")).pulumi(name, argv);
}
