import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A process of the benchmark's own that said that it is ready. */
export interface Child {
  /** Says it a word. */
  tell(word: string): void;
  stop(): Promise<void>;
}

/** Starts Node with a script and waits for its line `ready`. */
export async function startChild(
  script: string,
  args: readonly string[],
  { cwd, env }: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Child> {
  const child = spawn(process.execPath, [script, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  await ready(child, script);
  return {
    tell: (word) => void child.stdin.write(`${word}\n`),
    async stop() {
      const gone = once(child, "exit");
      if (child.exitCode === null && child.kill("SIGTERM")) await gone;
    },
  };
}

async function ready({ stdout }: ChildProcess, script: string): Promise<void> {
  if (stdout) for await (const line of createInterface(stdout)) if (/^ready/.test(line)) return;
  throw new Error(`bench: ${script} ended before it was ready`);
}
